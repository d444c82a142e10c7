import { describe, expect, it } from 'vitest'
import { AMOUNT_ALL, ID_MAX, MAX_AMOUNT } from '../model.ts'
import type { CreateTransferResult, NewTransfer } from '../model.ts'
import { WORLD, ALICE, BOB, SETTLEMENT, ELSEWHERE, UNKNOWN } from './kit.ts'
import type { ContractKit } from './kit.ts'

/** Transfers at once, repeated ids, balancing. */
export function describeTransfers({ open, pay, reserve, post }: ContractKit): void {
  describe('a transfer at once', () => {
    it('moves its amount and can be looked up', async () => {
      const { ledger, clock, submit, balance } = await open()
      const transfer = pay(WORLD, ALICE, 100n, {
        userData128: ID_MAX,
        userData64: 2n ** 64n - 1n,
        userData32: 2 ** 32 - 1,
        code: 2 ** 16 - 1
      })
      const beforeMs = clock.nowMs()
      expect(await submit(transfer)).toEqual(['ok'])
      const afterMs = clock.nowMs()
      expect(await balance(WORLD)).toEqual([0n, 100n, 0n, 0n])
      expect(await balance(ALICE)).toEqual([0n, 0n, 0n, 100n])
      const [found, none] = await ledger.lookupTransfers([transfer.id, UNKNOWN])
      expect(none).toBeUndefined()
      expect(found).toEqual({
        ...transfer,
        pendingId: 0n,
        timeoutS: 0,
        flags: {
          linked: false,
          pending: false,
          postPending: false,
          voidPending: false,
          balancingDebit: false
        },
        timestamp: found!.timestamp,
        createdAtMs: found!.createdAtMs
      })
      expect(found!.createdAtMs).toBeGreaterThanOrEqual(beforeMs)
      expect(found!.createdAtMs).toBeLessThanOrEqual(afterMs)
    })

    it('of the largest amount fits, and balances grow beyond 64 bits', async () => {
      const { submit, balance, fund } = await open()
      for (let n = 0; n < 5; n++) await fund(ALICE, MAX_AMOUNT)
      expect(await balance(ALICE)).toEqual([0n, 0n, 0n, 5n * MAX_AMOUNT])
      expect(await submit(pay(ALICE, BOB, MAX_AMOUNT), pay(ALICE, BOB, MAX_AMOUNT + 1n))).toEqual([
        'ok',
        'amount_must_not_exceed_64_bits'
      ])
    })

    it('of nothing is a transfer like others', async () => {
      const { submit, balance } = await open()
      expect(await submit(pay(ALICE, BOB, 0n))).toEqual(['ok'])
      expect(await balance(ALICE)).toEqual([0n, 0n, 0n, 0n])
    })

    it('may not overdraw a limited account', async () => {
      const { submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      expect(
        await submit(pay(ALICE, BOB, 101n), pay(ALICE, BOB, 60n), pay(ALICE, BOB, 41n), pay(ALICE, BOB, 40n))
      ).toEqual(['exceeds_credits', 'ok', 'exceeds_credits', 'ok'])
      expect(await balance(ALICE)).toEqual([0n, 100n, 0n, 100n])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, 100n])
    })

    it('may not give an account with the opposite limit more than it gave', async () => {
      const { submit, fund } = await open()
      await fund(ALICE, 100n)
      expect(
        await submit(pay(ALICE, SETTLEMENT, 1n), pay(SETTLEMENT, ALICE, 5n), pay(ALICE, SETTLEMENT, 6n))
      ).toEqual(['exceeds_debits', 'ok', 'exceeds_debits'])
      expect(await submit(pay(ALICE, SETTLEMENT, 5n))).toEqual(['ok'])
    })

    it('sees what came before it in its batch', async () => {
      const { submit } = await open()
      expect(
        await submit(pay(ALICE, BOB, 5n), pay(WORLD, ALICE, 5n), pay(ALICE, BOB, 5n), pay(BOB, WORLD, 5n))
      ).toEqual(['exceeds_credits', 'ok', 'ok', 'ok'])
    })

    it('names what is wrong with it, the first reason first', async () => {
      const { submit, fund } = await open()
      await fund(ALICE, 10n)
      const cases: [NewTransfer, CreateTransferResult][] = [
        [pay(0n, 0n, 1n, { id: 0n }), 'id_must_not_be_zero'],
        [pay(0n, 0n, 1n, { id: ID_MAX }), 'id_must_not_be_int_max'],
        [
          pay(0n, 0n, 1n, { flags: { postPending: true, voidPending: true } }),
          'flags_are_mutually_exclusive'
        ],
        [pay(0n, 0n, 1n, { flags: { pending: true, postPending: true } }), 'flags_are_mutually_exclusive'],
        [
          pay(0n, 0n, 1n, { flags: { balancingDebit: true, voidPending: true } }),
          'flags_are_mutually_exclusive'
        ],
        [pay(0n, 0n, 1n), 'debit_account_id_must_not_be_zero'],
        [pay(ID_MAX, 0n, 1n), 'debit_account_id_must_not_be_int_max'],
        [pay(UNKNOWN, 0n, 1n), 'credit_account_id_must_not_be_zero'],
        [pay(UNKNOWN, ID_MAX, 1n), 'credit_account_id_must_not_be_int_max'],
        [pay(UNKNOWN, UNKNOWN, 1n), 'accounts_must_be_different'],
        [pay(UNKNOWN, ALICE, 1n, { pendingId: 7n, timeoutS: 1 }), 'pending_id_must_be_zero'],
        [pay(UNKNOWN, ALICE, 1n, { timeoutS: 1, ledger: 0 }), 'timeout_reserved_for_pending_transfer'],
        [pay(UNKNOWN, ALICE, 1n, { ledger: 0, code: 0 }), 'ledger_must_not_be_zero'],
        [pay(UNKNOWN, ALICE, MAX_AMOUNT + 1n, { code: 0 }), 'code_must_not_be_zero'],
        [pay(UNKNOWN, ALICE, MAX_AMOUNT + 1n), 'amount_must_not_exceed_64_bits'],
        [pay(UNKNOWN, UNKNOWN + 1n, 1n), 'debit_account_not_found'],
        [pay(ALICE, UNKNOWN, 1n), 'credit_account_not_found'],
        [pay(ALICE, ELSEWHERE, 99n, { ledger: 9 }), 'accounts_must_have_the_same_ledger'],
        [pay(ALICE, BOB, 99n, { ledger: 9 }), 'transfer_must_have_the_same_ledger_as_accounts'],
        [pay(ALICE, SETTLEMENT, 11n), 'exceeds_credits'],
        [pay(ALICE, SETTLEMENT, 10n), 'exceeds_debits']
      ]
      expect(await submit(...cases.map(([transfer]) => transfer))).toEqual(cases.map(([, result]) => result))
    })
  })

  describe('a repeated id', () => {
    it('answers exists for the identical record, in the same batch and later', async () => {
      const { submit, balance } = await open()
      const transfer = pay(WORLD, ALICE, 5n, { userData128: 1n, userData64: 2n, userData32: 3 })
      expect(await submit(transfer, transfer)).toEqual(['ok', 'exists'])
      expect(await submit(transfer)).toEqual(['exists'])
      expect(await balance(ALICE)).toEqual([0n, 0n, 0n, 5n])
    })

    it('is refused when any field differs, in the same batch and later', async () => {
      const { submit } = await open()
      const transfer = pay(WORLD, ALICE, 5n, { flags: { pending: true }, timeoutS: 5, userData128: 1n })
      const different: NewTransfer[] = [
        { ...transfer, amount: 6n },
        { ...transfer, debitAccountId: BOB },
        { ...transfer, creditAccountId: BOB },
        { ...transfer, ledger: 9 },
        { ...transfer, code: 9 },
        { ...transfer, timeoutS: 6 },
        { ...transfer, flags: {} },
        { ...transfer, pendingId: 4n },
        { ...transfer, userData128: 0n },
        { ...transfer, userData64: 9n },
        { ...transfer, userData32: 9 }
      ]
      const refused = different.map(() => 'exists_with_different_fields')
      expect(await submit(transfer, ...different)).toEqual(['ok', ...refused])
      expect(await submit(...different)).toEqual(refused)
    })

    it('is spent by a refusal that depended on the moment', async () => {
      const { submit, fund } = await open()
      const refused = [
        pay(ALICE, BOB, 5n),
        pay(ALICE, SETTLEMENT, 0n, { amount: 1n, debitAccountId: WORLD }),
        pay(UNKNOWN, ALICE, 5n),
        pay(ALICE, UNKNOWN, 5n),
        post(UNKNOWN)
      ]
      expect(await submit(...refused)).toEqual([
        'exceeds_credits',
        'exceeds_debits',
        'debit_account_not_found',
        'credit_account_not_found',
        'pending_transfer_not_found'
      ])
      await fund(ALICE, 5n)
      expect(await submit(...refused)).toEqual(Array(5).fill('id_already_failed'))
      // Also with other fields, and before what is wrong with them.
      expect(await submit({ ...refused[0]!, code: 0 })).toEqual(['id_already_failed'])
    })

    it('is not spent by a refusal that does not depend on the moment', async () => {
      const { submit } = await open()
      const transfer = pay(WORLD, ALICE, 5n)
      expect(await submit({ ...transfer, code: 0 }, { ...transfer, ledger: 9 }, transfer)).toEqual([
        'code_must_not_be_zero',
        'transfer_must_have_the_same_ledger_as_accounts',
        'ok'
      ])
    })

    it('is spent within its batch', async () => {
      const { submit } = await open()
      const transfer = pay(ALICE, BOB, 5n)
      expect(await submit(transfer, pay(WORLD, ALICE, 5n), transfer)).toEqual([
        'exceeds_credits',
        'ok',
        'id_already_failed'
      ])
    })
  })

  describe('a balancing transfer', () => {
    const balancing = (amount: bigint, flags: NewTransfer['flags'] = {}) =>
      pay(ALICE, BOB, amount, { flags: { balancingDebit: true, ...flags } })

    it('moves what is free, at most its amount', async () => {
      const { ledger, submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      expect(await submit(reserve(ALICE, BOB, 30n))).toEqual(['ok'])
      const some = balancing(20n)
      const rest = balancing(AMOUNT_ALL)
      const nothing = balancing(5n)
      expect(await submit(some, rest, nothing)).toEqual(['ok', 'ok', 'ok'])
      const found = await ledger.lookupTransfers([some.id, rest.id, nothing.id])
      expect(found.map((transfer) => transfer!.amount)).toEqual([20n, 50n, 0n])
      expect(await balance(ALICE)).toEqual([30n, 70n, 0n, 100n])
      expect(await submit(rest, { ...rest, amount: 50n }, { ...rest, amount: 49n })).toEqual([
        'exists',
        'exists',
        'exists_with_different_fields'
      ])
    })

    it('may reserve', async () => {
      const { submit, balance, fund } = await open()
      await fund(ALICE, 10n)
      const reservation = balancing(AMOUNT_ALL, { pending: true })
      expect(await submit(reservation, post(reservation.id))).toEqual(['ok', 'ok'])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, 10n])
    })

    it('moves at most the largest amount', async () => {
      const { submit, balance, fund } = await open()
      await fund(ALICE, MAX_AMOUNT)
      await fund(ALICE, 7n)
      expect(await submit(balancing(AMOUNT_ALL))).toEqual(['ok'])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, MAX_AMOUNT])
    })

    it('of an account without limit that owes moves nothing', async () => {
      const { submit, balance, fund } = await open()
      await fund(ALICE, 10n)
      expect(await submit(pay(WORLD, BOB, 5n, { flags: { balancingDebit: true } }))).toEqual(['ok'])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, 0n])
    })
  })
}
