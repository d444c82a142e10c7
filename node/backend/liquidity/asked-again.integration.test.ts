import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { testCount } from '../../../test-counts.ts'
import { createMemoryLedger, createPostgresLedger, postgresLedgerMigrations } from '../../ledger/index.ts'
import type { AuditableLedger } from '../../ledger/index.ts'
import { openTigerBeetleUnderTest } from '../../ledger/tigerbeetle/testing.ts'
import type { TigerBeetleUnderTest } from '../../ledger/tigerbeetle/testing.ts'
import type { Asset } from '../assets/model.ts'
import { createTestNouns } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import type { TestBackend } from '../testing.ts'
import { until } from '../testing.ts'

const found = inject('tigerBeetle')

describe('a withdrawal that was voided or lapsed is asked again under its id', () => {
  describe('in memory', () => holds(async (backend) => createMemoryLedger(backend)))

  describe('in PostgreSQL', () =>
    holds(async (backend) => {
      await backend.database.migrate('ledger', postgresLedgerMigrations)
      return createPostgresLedger(backend)
    }))

  describe.skipIf('missing' in found)('in TigerBeetle', () => {
    let cluster: TigerBeetleUnderTest
    beforeAll(() => {
      if (!('missing' in found)) cluster = openTigerBeetleUnderTest(found)
    })
    afterAll(() => cluster.close())
    holds(async () => cluster.emptyLedger()[0])
  })
})

function holds(openLedger: (backend: TestBackend) => Promise<AuditableLedger>): void {
  let nouns: TestNouns
  let one: TestNouns['one']
  let two: TestNouns['two']
  let asset: Asset

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'), openLedger)
    ;({ one, two } = nouns)
    asset = await nouns.createAsset()
  })
  afterAll(() => nouns.close())

  const newId = () => nouns.backend.random.uuid()

  /** An account of its own that holds 100, and a withdrawal of 10 of it. */
  async function fill(timeoutSeconds = 60) {
    const accountId = newId()
    await one.liquidity.ensureAccount({ id: accountId, asset, code: 3 })
    await one.liquidity.deposit({ id: newId(), accountId, asset, amount: 100n })
    return { id: newId(), accountId, asset, amount: 10n, timeoutSeconds }
  }

  const left = (accountId: string) => one.liquidity.balance(accountId)
  const stateOf = async (id: string) =>
    (await nouns.backend.database.knex('liquidityTransfers').where({ id }).orderBy('attempt')).map(
      (row: { state: string }) => row.state
    )

  it('once it was voided: at once, or in two phases', async () => {
    const withdrawal = await fill()
    await one.liquidity.withdraw(withdrawal)
    expect(await two.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'TransferExists' })
    await two.liquidity.voidWithdrawal(withdrawal.id)
    expect(await one.liquidity.withdraw(withdrawal)).toBeUndefined()
    expect(await left(withdrawal.accountId)).toBe(90n)
    await one.liquidity.voidWithdrawal(withdrawal.id)
    const atOnce = { ...withdrawal, timeoutSeconds: 0 }
    expect(await two.liquidity.withdraw(atOnce)).toBeUndefined()
    expect(await one.liquidity.withdraw(atOnce)).toMatchObject({ failure: 'TransferExists' })
    expect(await left(withdrawal.accountId)).toBe(90n)
    expect(await stateOf(withdrawal.id)).toEqual(['VOIDED', 'VOIDED', 'POSTED'])
  })

  it('once it lapsed, however many ask in that moment, and whoever still posts it', async () => {
    const withdrawal = await fill(1)
    const again = { ...withdrawal, timeoutSeconds: 60 }
    await one.liquidity.withdraw(withdrawal)
    // They begin to ask before its time is over.
    let succeeded = 0
    const ask = async (part: TestNouns['one']) => {
      const result = await part.liquidity.withdraw(again)
      if (result === undefined) succeeded++
      else expect(result.failure).toBe('TransferExists')
      return succeeded > 0
    }
    await Promise.all([one, two, one, two].map((part) => until(() => ask(part))))
    expect(succeeded).toBe(1)
    expect(await left(withdrawal.accountId)).toBe(90n)
    expect(await stateOf(withdrawal.id)).toEqual(['LAPSED', 'PENDING'])
    expect(await two.liquidity.postWithdrawal(withdrawal.id)).toBeUndefined()
    expect(await one.liquidity.withdraw(again)).toMatchObject({ failure: 'TransferExists' })
    expect(await left(withdrawal.accountId)).toBe(90n)
  })

  it('not once it was posted, not for another account, and not as a deposit', async () => {
    const withdrawal = await fill()
    const elsewhere = await fill()
    await one.liquidity.withdraw(withdrawal)
    await one.liquidity.voidWithdrawal(withdrawal.id)
    for (const other of [
      one.liquidity.withdraw({ ...elsewhere, id: withdrawal.id }),
      one.liquidity.deposit(withdrawal)
    ]) {
      expect(await other).toMatchObject({ failure: 'TransferExists' })
    }
    await one.liquidity.withdraw(withdrawal)
    await one.liquidity.postWithdrawal(withdrawal.id)
    expect(await one.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'TransferExists' })
    expect(await left(withdrawal.accountId)).toBe(90n)
  })

  it('and is withdrawn once, whoever asks, posts and voids in the same moment', async () => {
    const call = fc.record({
      ask: fc.constantFrom('withdraw', 'post', 'void'),
      process: fc.constantFrom('one', 'two'),
      timeoutSeconds: fc.constantFrom(0, 60)
    })
    const rounds = fc.array(fc.array(call, { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 4 })
    await fc.assert(
      fc.asyncProperty(rounds, async (history) => {
        const withdrawal = await fill()
        await one.liquidity.withdraw(withdrawal)
        let posts = 0
        for (const calls of history) {
          const wasPosted = (await stateOf(withdrawal.id)).includes('POSTED')
          await Promise.all(
            calls.map(async ({ ask, process, timeoutSeconds }) => {
              const { liquidity } = process === 'one' ? one : two
              if (ask === 'withdraw') {
                const result = await liquidity.withdraw({ ...withdrawal, timeoutSeconds })
                if (wasPosted) expect(result).toMatchObject({ failure: 'TransferExists' })
              } else if (ask === 'post') {
                if ((await liquidity.postWithdrawal(withdrawal.id)) === undefined) posts++
              } else await liquidity.voidWithdrawal(withdrawal.id)
            })
          )
          const states = await stateOf(withdrawal.id)
          expect(states.slice(0, -1)).toEqual(states.slice(0, -1).map(() => 'VOIDED'))
          expect(['PENDING', 'POSTED', 'VOIDED']).toContain(states.at(-1))
          expect(await left(withdrawal.accountId)).toBe(states.at(-1) === 'VOIDED' ? 100n : 90n)
          expect(posts).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: testCount('withdrawalsAskedAgain') }
    )
  })

  it('is open for as long as 32 bits of seconds say', async () => {
    const withdrawal = await fill(4_294_967_295)
    expect(await one.liquidity.withdraw(withdrawal)).toBeUndefined()
    expect(await two.liquidity.withdraw(withdrawal)).toMatchObject({ failure: 'TransferExists' })
    expect(await two.liquidity.postWithdrawal(withdrawal.id)).toBeUndefined()
    expect(await left(withdrawal.accountId)).toBe(90n)
  })
}
