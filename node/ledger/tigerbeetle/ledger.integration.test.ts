import { CreateAccountStatus, CreateTransferStatus } from 'tigerbeetle-node'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { describeLedgerContract } from '../contract.ts'
import { AMOUNT_ALL } from '../model.ts'
import type { NewTransfer } from '../model.ts'
import { PAGE_TRANSFERS } from './queries.ts'
import { ACCOUNT_RESULTS, TRANSFER_RESULTS } from './records.ts'
import { openTigerBeetleUnderTest } from './testing.ts'
import type { TigerBeetleUnderTest } from './testing.ts'

const found = inject('tigerBeetle')

describe.skipIf('missing' in found)('TigerBeetle', () => {
  let cluster: TigerBeetleUnderTest
  beforeAll(() => {
    if ('missing' in found) throw new Error(found.missing)
    cluster = openTigerBeetleUnderTest(found)
  })
  afterAll(() => cluster?.close())

  describeLedgerContract(
    'tigerbeetle',
    async () => ({ ledger: cluster.emptyLedger()[0], clock: cluster.clock }),
    { ownTime: true }
  )

  it('answers more than TigerBeetle does at a time, in pages of its own', async () => {
    const [ledger] = cluster.emptyLedger()
    const [world, alice] = [1n, 2n]
    const others = Array.from({ length: PAGE_TRANSFERS + 10 }, (_, n) => BigInt(10 + n))
    const ids = [world, alice, ...others]
    const account = (id: bigint) => ({ id, ledger: 1, code: 2 })
    expect(await ledger.createAccounts(ids.slice(0, 8_000).map(account))).not.toContain('exists')
    expect(await ledger.createAccounts(ids.slice(8_000).map(account))).not.toContain('exists')
    const transfers = Array.from({ length: 10_050 }, (_, n): NewTransfer => ({
      id: BigInt(10 + n),
      debitAccountId: world,
      creditAccountId: alice,
      amount: 1n,
      ledger: 1,
      code: 1,
      // All but the last is posted; some are reserved and ended pages later.
      flags: { pending: n % 100 === 0 || n === 10_049 }
    }))
    for (let start = 0; start < transfers.length; start += 5_000) {
      const results = await ledger.createTransfers(transfers.slice(start, start + 5_000))
      expect(new Set(results)).toEqual(new Set(['ok']))
    }
    const ends = transfers
      .filter(({ flags }, n) => flags!.pending && n !== 10_049)
      .map(({ id }): NewTransfer => ({
        id: 1_000_000n + id,
        pendingId: id,
        debitAccountId: 0n,
        creditAccountId: 0n,
        amount: AMOUNT_ALL,
        ledger: 0,
        code: 0,
        flags: { postPending: true }
      }))
    expect(new Set(await ledger.createTransfers(ends))).toEqual(new Set(['ok']))

    const all = await ledger.queryTransfers({ accountId: alice, limit: 10_000 })
    expect(all.map(({ id }) => id)).toEqual(transfers.slice(0, 10_000).map(({ id }) => id))
    const held = await ledger.queryTransfers({ accountId: alice, pendingOnly: true, limit: 10 })
    expect(held.map(({ id }) => id)).toEqual([transfers.at(-1)!.id])
    const newest = { accountId: alice, pendingOnly: true, order: 'newestFirst', limit: 1 } as const
    expect(await ledger.queryTransfers(newest)).toEqual(held)
    expect(await ledger.queryTransfers({ ...newest, after: held[0]!.timestamp })).toEqual([])
    const [totals] = await ledger.totals()
    expect(await cluster.whole.totals()).toContainEqual({ ...totals, ledger: expect.any(Number) as number })
    expect(totals).toMatchObject({ debitsPosted: 10_049n, debitsPending: 1n, overdrawnAccountIds: [] })
  })
})

describe('the numbers of TigerBeetle’s answers', () => {
  it('are those of the client’s package', () => {
    for (const [results, statuses] of [
      [TRANSFER_RESULTS, CreateTransferStatus as unknown as Record<number, string>],
      [ACCOUNT_RESULTS, CreateAccountStatus as unknown as Record<number, string>]
    ] as const) {
      for (const [number, result] of Object.entries(results)) {
        const name = statuses[Number(number)]!
        const expected =
          name === 'created'
            ? 'ok'
            : name.startsWith('exists_with_different_')
              ? 'exists_with_different_fields'
              : name
        expect([number, result]).toEqual([number, expected])
      }
    }
  })
})
