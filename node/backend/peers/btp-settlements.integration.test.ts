import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { Asset } from '../assets/model.ts'
import { isFailure } from '../model.ts'
import { createTestNouns, good } from '../nouns.test-support.ts'
import type { TestNouns } from '../nouns.test-support.ts'
import { OPERATOR_ID } from '../testing.ts'
import { createBtpSettlements } from './btp-settlements.ts'
import type { BtpSettlements } from './btp-settlements.ts'
import type { Peer } from './model.ts'

describe('settlements over BTP', () => {
  let nouns: TestNouns
  let asset: Asset
  /** As two processes have them. */
  let processes: BtpSettlements[]

  beforeAll(async () => {
    nouns = await createTestNouns(inject('postgresUrl'))
    asset = await nouns.createAsset()
    processes = [nouns.one, nouns.two].map(({ directory, liquidity }) =>
      createBtpSettlements({ ...nouns.backend, assets: directory, liquidity })
    )
  })
  afterAll(() => nouns.close())

  const createPeer = async (maxSettledOverBtp?: bigint): Promise<Peer> =>
    good(await nouns.one.peers.create(nouns.peerInput(asset, { maxSettledOverBtp })))
  const balance = ({ id }: Peer) => nouns.one.liquidity.balance(id)
  const settled = async ({ id }: Peer) => (await nouns.one.peers.get(id))!.settledOverBtp ?? 0n

  it('are refused unless the operator says for how much in all', async () => {
    const peer = await createPeer()
    const notice = { transferId: 'a', amount: 1n }
    expect(await processes[0]!.settle(peer.id, notice)).toMatchObject({ failure: 'NotAccepted' })
    const { id } = peer
    const update = (maxSettledOverBtp: bigint) =>
      nouns.one.peers.update({ id, tenantId: OPERATOR_ID, maxSettledOverBtp })
    good(await update(10n))
    expect(await processes[0]!.settle(peer.id, notice)).toBeUndefined()
    expect(await processes[0]!.settle(peer.id, { transferId: 'b', amount: 9n })).toBeUndefined()
    expect(await processes[0]!.settle(peer.id, { transferId: 'c', amount: 1n })).toEqual({
      failure: 'NotAccepted',
      message: 'settlements of 10 in all are taken, this would make it 11'
    })
    good(await update(11n))
    expect(await processes[0]!.settle(peer.id, { transferId: 'c', amount: 1n })).toBeUndefined()
    // What was booked is so for ever, whatever the setting says now.
    good(await update(0n))
    expect(await processes[1]!.settle(peer.id, notice)).toBeUndefined()
    expect(await processes[1]!.settle(peer.id, { transferId: 'd', amount: 1n })).toMatchObject({
      failure: 'NotAccepted'
    })
    expect([await balance(peer), await settled(peer)]).toEqual([11n, 11n])
  })

  it('of another amount under the same id, of nothing, or without an id are refused', async () => {
    const peer = await createPeer(100n)
    expect(await processes[0]!.settle(peer.id, { transferId: 'a', amount: 5n })).toBeUndefined()
    expect(await processes[1]!.settle(peer.id, { transferId: 'a', amount: 6n })).toMatchObject({
      failure: 'DuplicateId'
    })
    const wrong = [
      { transferId: 'b', amount: 0n },
      { transferId: '', amount: 1n },
      { transferId: 'x'.repeat(65), amount: 1n },
      { transferId: 'a b', amount: 1n },
      { transferId: 'a\n', amount: 1n }
    ]
    for (const each of wrong) {
      expect(await processes[0]!.settle(peer.id, each)).toMatchObject({ failure: 'InvalidSettlement' })
    }
    // Ids are each peer's own.
    const other = await createPeer(100n)
    expect(await processes[0]!.settle(other.id, { transferId: 'a', amount: 7n })).toBeUndefined()
    expect([await balance(peer), await balance(other)]).toEqual([5n, 7n])
  })

  it('of a peer of a deleted tenant are refused, but for those that were booked', async () => {
    const peer = await createPeer(10n)
    expect(await processes[0]!.settle(peer.id, { transferId: 'a', amount: 5n })).toBeUndefined()
    const { knex } = nouns.backend.database
    const deleteAt = (deletedAt: Date | null) =>
      knex('tenants').where({ id: OPERATOR_ID }).update({ deletedAt })
    await deleteAt(new Date())
    try {
      expect(await processes[0]!.settle(peer.id, { transferId: 'b', amount: 5n })).toEqual({
        failure: 'NotAccepted',
        message: 'the account was closed'
      })
      expect(await processes[1]!.settle(peer.id, { transferId: 'a', amount: 5n })).toBeUndefined()
    } finally {
      await deleteAt(null)
    }
    expect(await balance(peer)).toBe(5n)
  })

  it('of a peer that is gone are refused', async () => {
    const peer = await createPeer(100n)
    good(await nouns.one.peers.delete({ id: peer.id, tenantId: OPERATOR_ID }))
    expect(await processes[0]!.settle(peer.id, { transferId: 'a', amount: 5n })).toMatchObject({
      failure: 'NotAccepted'
    })
  })

  it('whose process died after it claimed one are finished by the next start', async () => {
    const peer = await createPeer(100n)
    nouns.interfere(async () => {
      throw new Error('dies')
    })
    await expect(processes[0]!.settle(peer.id, { transferId: 'a', amount: 5n })).rejects.toThrow('dies')
    expect([await balance(peer), await settled(peer)]).toEqual([0n, 5n])
    await processes[1]!.finish()
    expect([await balance(peer), await settled(peer)]).toEqual([5n, 5n])
    expect(await processes[0]!.settle(peer.id, { transferId: 'a', amount: 5n })).toBeUndefined()
    expect(await balance(peer)).toBe(5n)
  })

  it('are booked once each and never above the maximum, whoever hears them how often at once, and whatever dies', async () => {
    const notice = fc.record({
      process: fc.nat(1),
      transferId: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      amount: fc.bigInt({ min: 1n, max: 40n }),
      /** Before or after the ledger has it. */
      dies: fc.constantFrom(undefined, undefined, undefined, 'before' as const, 'after' as const)
    })
    const history = fc.array(fc.array(notice, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 6 })
    await fc.assert(
      fc.asyncProperty(history, async (rounds) => {
        const peer = await createPeer(100n)
        const accepted = new Map<string, bigint>()
        const claimed = new Map<string, bigint>()
        for (const round of rounds) {
          const dying = round.find(({ dies }) => dies !== undefined)?.dies
          if (dying !== undefined) {
            nouns.interfere(async (_, pass) => {
              if (dying === 'after') await pass()
              throw new LedgerDiedError('dies')
            })
          }
          await Promise.all(
            round.map(async ({ process, transferId, amount }) => {
              const outcome = await processes[process]!.settle(peer.id, { transferId, amount }).catch(
                (error: unknown) => {
                  if (!(error instanceof LedgerDiedError)) throw error
                  return 'unknown' as const
                }
              )
              if (isFailure(outcome)) return
              claimed.set(transferId, amount)
              if (outcome !== 'unknown') {
                expect(accepted.get(transferId) ?? amount).toBe(amount)
                accepted.set(transferId, amount)
              }
            })
          )
          const sum = (amounts: Map<string, bigint>) => [...amounts.values()].reduce((a, b) => a + b, 0n)
          // A Response means that it is in the ledger.
          expect(await balance(peer)).toBeGreaterThanOrEqual(sum(accepted))
          expect(await settled(peer)).toBe(sum(claimed))
          expect(sum(claimed)).toBeLessThanOrEqual(100n)
        }
        // Leave no interference to the next one.
        nouns.interfere(async () => undefined)
        await processes[0]!.finish()
        expect(await balance(peer)).toBe(await settled(peer))
      }),
      { numRuns: 25 }
    )
  })
})

class LedgerDiedError extends Error {}
