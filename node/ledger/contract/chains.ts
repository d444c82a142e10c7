import { describe, expect, it } from 'vitest'
import { MAX_BATCH_EVENTS } from '../model.ts'
import { WORLD, ALICE, BOB, UNKNOWN } from './kit.ts'
import type { ContractKit } from './kit.ts'

/** Linked chains. */
export function describeChains({ open, pay, reserve, post, voiding, linked }: ContractKit): void {
  describe('a linked chain', () => {
    it('is applied wholly', async () => {
      const { submit, balance } = await open()
      expect(
        await submit(linked(pay(WORLD, ALICE, 5n)), linked(pay(ALICE, BOB, 5n)), pay(BOB, WORLD, 5n))
      ).toEqual(['ok', 'ok', 'ok'])
      expect(await balance(BOB)).toEqual([0n, 5n, 0n, 5n])
    })

    it('is undone wholly; its neighbours are not touched', async () => {
      const { ledger, submit, balance } = await open()
      const chain = [
        linked(pay(WORLD, ALICE, 5n)),
        linked(reserve(ALICE, BOB, 3n)),
        linked(pay(ALICE, BOB, 3n)),
        pay(ALICE, BOB, 1n)
      ]
      expect(await submit(pay(WORLD, BOB, 1n), ...chain, pay(WORLD, BOB, 2n))).toEqual([
        'ok',
        'linked_event_failed',
        'linked_event_failed',
        'exceeds_credits',
        'linked_event_failed',
        'ok'
      ])
      expect(await balance(ALICE)).toEqual([0n, 0n, 0n, 0n])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, 3n])
      expect(await ledger.lookupTransfers(chain.map(({ id }) => id))).toEqual(Array(4).fill(undefined))
      expect(await ledger.queryTransfers({ accountId: ALICE, limit: 10 })).toEqual([])
      // Only the id that was refused for the moment is spent.
      await submit(pay(WORLD, ALICE, 100n))
      expect(
        await submit(...chain.map((leg) => ({ ...leg, flags: { ...leg.flags, linked: false } })))
      ).toEqual(['ok', 'ok', 'id_already_failed', 'ok'])
    })

    it('undoes posts and voids', async () => {
      const { ledger, submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      const first = reserve(ALICE, BOB, 10n, 60)
      const second = reserve(ALICE, BOB, 20n)
      expect(await submit(first, second)).toEqual(['ok', 'ok'])
      const before = await balance(ALICE)
      expect(
        await submit(linked(post(first.id, 4n)), linked(voiding(second.id)), pay(ALICE, BOB, 97n))
      ).toEqual(['linked_event_failed', 'linked_event_failed', 'exceeds_credits'])
      expect(await balance(ALICE)).toEqual(before)
      expect(await ledger.pendingStates([first.id, second.id])).toEqual(['pending', 'pending'])
      expect(await submit(linked(post(first.id)), post(second.id))).toEqual(['ok', 'ok'])
    })

    it('sees that a transfer of its own is no reservation', async () => {
      const { ledger, submit, fund } = await open()
      await fund(ALICE, 10n)
      const reservation = reserve(ALICE, BOB, 5n)
      expect(await submit(reservation)).toEqual(['ok'])
      const end = voiding(reservation.id)
      expect(await submit(linked(end), post(end.id))).toEqual([
        'linked_event_failed',
        'pending_transfer_not_pending'
      ])
      expect(await ledger.pendingStates([reservation.id])).toEqual(['pending'])
      expect(await submit(end, post(end.id))).toEqual(['ok', 'pending_transfer_not_pending'])
    })

    it('left open at the end of a batch fails', async () => {
      const { submit } = await open()
      expect(
        await submit(pay(WORLD, BOB, 1n), linked(pay(WORLD, ALICE, 5n)), linked(pay(ALICE, BOB, 5n)))
      ).toEqual(['ok', 'linked_event_failed', 'linked_event_chain_open'])
      expect(await submit(linked(pay(UNKNOWN, ALICE, 5n)), linked(pay(ALICE, BOB, 5n)))).toEqual([
        'debit_account_not_found',
        'linked_event_chain_open'
      ])
    })

    it('repeated answers exists for its first leg', async () => {
      const { submit, balance } = await open()
      const chain = [linked(pay(WORLD, ALICE, 5n)), pay(ALICE, BOB, 5n)]
      expect(await submit(...chain)).toEqual(['ok', 'ok'])
      expect(await submit(...chain)).toEqual(['exists', 'linked_event_failed'])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, 5n])
    })

    it('that reserves can be posted in the same batch', async () => {
      const { submit, balance, fund } = await open()
      await fund(ALICE, 10n)
      const legs = [reserve(ALICE, BOB, 10n), reserve(WORLD, BOB, 1n)]
      expect(await submit(linked(legs[0]!), legs[1]!, linked(post(legs[0]!.id)), post(legs[1]!.id))).toEqual([
        'ok',
        'ok',
        'ok',
        'ok'
      ])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, 11n])
    })

    it('of the longest length fits in one batch', async () => {
      const { ledger, balance } = await open()
      const chain = Array.from({ length: MAX_BATCH_EVENTS }, () => linked(pay(WORLD, ALICE, 1n)))
      chain[chain.length - 1] = pay(WORLD, ALICE, 1n)
      const results = await ledger.createTransfers(chain)
      expect(results.every((result) => result === 'ok')).toBe(true)
      expect(await balance(ALICE)).toEqual([0n, 0n, 0n, BigInt(MAX_BATCH_EVENTS)])
    })
  })
}
