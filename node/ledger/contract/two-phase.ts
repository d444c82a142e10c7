import { describe, expect, it } from 'vitest'
import { AMOUNT_ALL, ID_MAX } from '../model.ts'
import type { CreateTransferResult, NewTransfer } from '../model.ts'
import { WORLD, ALICE, BOB, UNKNOWN, LEDGER } from './kit.ts'
import type { ContractKit } from './kit.ts'

/** Reservations: posted, voided, expired. */
export function describeTwoPhase({ open, pay, reserve, post, voiding, nextId }: ContractKit): void {
  describe('two phases', () => {
    it('reserve, then post the whole', async () => {
      const { ledger, submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      const reservation = reserve(ALICE, BOB, 70n)
      expect(await submit(reservation)).toEqual(['ok'])
      expect(await balance(ALICE)).toEqual([70n, 0n, 0n, 100n])
      expect(await balance(BOB)).toEqual([0n, 0n, 70n, 0n])
      expect(await submit(pay(ALICE, BOB, 31n), pay(BOB, WORLD, 1n))).toEqual([
        'exceeds_credits',
        'exceeds_credits'
      ])
      expect(await ledger.pendingStates([reservation.id, UNKNOWN])).toEqual(['pending', undefined])
      const posting = post(reservation.id)
      expect(await submit(posting)).toEqual(['ok'])
      expect(await balance(ALICE)).toEqual([0n, 70n, 0n, 100n])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, 70n])
      expect(await ledger.pendingStates([reservation.id, posting.id])).toEqual(['posted', undefined])
      expect(await submit(post(reservation.id), voiding(reservation.id))).toEqual([
        'pending_transfer_already_posted',
        'pending_transfer_already_posted'
      ])
      expect(await submit(posting)).toEqual(['exists'])
    })

    it('post a part and free the rest', async () => {
      const { ledger, submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      const reservation = { ...reserve(ALICE, BOB, 70n), userData128: 5n, userData64: 6n, userData32: 7 }
      const posting = post(reservation.id, 30n)
      expect(await submit(reservation, posting)).toEqual(['ok', 'ok'])
      expect(await balance(ALICE)).toEqual([0n, 30n, 0n, 100n])
      expect(await balance(BOB)).toEqual([0n, 0n, 0n, 30n])
      const [found] = await ledger.lookupTransfers([posting.id])
      expect(found).toMatchObject({
        debitAccountId: ALICE,
        creditAccountId: BOB,
        amount: 30n,
        ledger: LEDGER,
        code: 1,
        pendingId: reservation.id,
        userData128: 5n,
        userData64: 6n,
        userData32: 7
      })
    })

    it('void and free all', async () => {
      const { ledger, submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      const reservation = reserve(ALICE, BOB, 70n)
      const end = voiding(reservation.id, { userData64: 8n })
      expect(await submit(reservation, end)).toEqual(['ok', 'ok'])
      expect(await balance(ALICE)).toEqual([0n, 0n, 0n, 100n])
      expect(await ledger.pendingStates([reservation.id])).toEqual(['voided'])
      expect(await submit(post(reservation.id), voiding(reservation.id))).toEqual([
        'pending_transfer_already_voided',
        'pending_transfer_already_voided'
      ])
      const [found] = await ledger.lookupTransfers([end.id])
      expect(found).toMatchObject({ amount: 70n, userData64: 8n })
    })

    it('post nothing: all is freed and counts as posted', async () => {
      const { ledger, submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      const reservation = reserve(ALICE, BOB, 70n)
      expect(await submit(reservation, post(reservation.id, 0n))).toEqual(['ok', 'ok'])
      expect(await balance(ALICE)).toEqual([0n, 0n, 0n, 100n])
      expect(await ledger.pendingStates([reservation.id])).toEqual(['posted'])
    })

    it('name what is wrong with an end, the first reason first', async () => {
      const { submit, fund } = await open()
      await fund(ALICE, 100n)
      const moved = pay(ALICE, BOB, 1n)
      const held = reserve(ALICE, BOB, 10n)
      const ended = reserve(ALICE, BOB, 10n)
      expect(await submit(moved, held, ended, post(ended.id))).toEqual(['ok', 'ok', 'ok', 'ok'])
      const cases: [NewTransfer, CreateTransferResult][] = [
        [post(0n, 1n, { timeoutS: 1 }), 'pending_id_must_not_be_zero'],
        [post(ID_MAX), 'pending_id_must_not_be_int_max'],
        [post(nextId()), 'pending_id_must_be_different'],
        [post(UNKNOWN, 1n, { timeoutS: 1 }), 'timeout_reserved_for_pending_transfer'],
        [post(UNKNOWN), 'pending_transfer_not_found'],
        [post(moved.id), 'pending_transfer_not_pending'],
        [
          post(ended.id, 99n, { debitAccountId: BOB, creditAccountId: ALICE }),
          'pending_transfer_has_different_debit_account_id'
        ],
        [
          post(ended.id, 99n, { debitAccountId: ALICE, creditAccountId: ALICE, ledger: 9 }),
          'pending_transfer_has_different_credit_account_id'
        ],
        [post(ended.id, 99n, { ledger: 9, code: 9 }), 'pending_transfer_has_different_ledger'],
        [post(ended.id, 99n, { code: 9 }), 'pending_transfer_has_different_code'],
        [post(ended.id, 11n), 'exceeds_pending_transfer_amount'],
        [voiding(ended.id, { amount: AMOUNT_ALL }), 'exceeds_pending_transfer_amount'],
        [voiding(ended.id, { amount: 9n }), 'pending_transfer_has_different_amount'],
        [post(ended.id, 10n), 'pending_transfer_already_posted'],
        [post(held.id, 10n, { debitAccountId: ALICE, creditAccountId: BOB, ledger: LEDGER, code: 1 }), 'ok']
      ]
      for (const [transfer, result] of cases) expect(await submit(transfer)).toEqual([result])
    })

    it('repeat an end: exists where it asks for the same', async () => {
      const { submit, fund } = await open()
      await fund(ALICE, 100n)
      const reservation = { ...reserve(ALICE, BOB, 10n), userData128: 5n }
      const whole = post(reservation.id)
      expect(await submit(reservation, whole)).toEqual(['ok', 'ok'])
      const same: NewTransfer[] = [
        whole,
        { ...whole, amount: 10n },
        { ...whole, debitAccountId: ALICE, creditAccountId: BOB, ledger: LEDGER, code: 1 },
        { ...whole, userData128: 5n }
      ]
      expect(await submit(...same)).toEqual(same.map(() => 'exists'))
      const different: NewTransfer[] = [
        { ...whole, amount: 9n },
        { ...whole, creditAccountId: ALICE },
        { ...whole, code: 9 },
        { ...whole, userData128: 6n },
        { ...whole, userData64: 6n },
        { ...whole, pendingId: 7n },
        { ...whole, flags: { voidPending: true } }
      ]
      expect(await submit(...different)).toEqual(different.map(() => 'exists_with_different_fields'))
    })

    it('let a void be repeated with 0 and with the amount', async () => {
      const { submit, fund } = await open()
      await fund(ALICE, 100n)
      const reservation = reserve(ALICE, BOB, 10n)
      const end = voiding(reservation.id)
      expect(await submit(reservation, end, end, { ...end, amount: 10n }, { ...end, amount: 9n })).toEqual([
        'ok',
        'ok',
        'exists',
        'exists',
        'exists_with_different_fields'
      ])
    })
  })

  describe('a timeout', () => {
    it('ends a reservation; the sweep frees what it held', async () => {
      const { ledger, clock, submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      const short = reserve(ALICE, BOB, 10n, 1)
      const long = reserve(ALICE, BOB, 10n, 3_600)
      const never = reserve(ALICE, BOB, 10n)
      expect(await submit(short, long, never)).toEqual(['ok', 'ok', 'ok'])
      await ledger.sweepExpired()
      expect(await ledger.pendingStates([short.id, long.id, never.id])).toEqual(Array(3).fill('pending'))
      await clock.advance(1_000)
      expect(await ledger.pendingStates([short.id, long.id])).toEqual(['expired', 'pending'])
      expect(await submit(post(short.id), voiding(short.id))).toEqual(
        Array(2).fill('pending_transfer_expired')
      )
      await ledger.sweepExpired()
      expect(await balance(ALICE)).toEqual([20n, 0n, 0n, 100n])
      expect(await balance(BOB)).toEqual([0n, 0n, 20n, 0n])
      await ledger.sweepExpired()
      expect(await balance(ALICE)).toEqual([20n, 0n, 0n, 100n])
      expect(await submit(post(short.id))).toEqual(['pending_transfer_expired'])
      expect(await ledger.pendingStates([short.id, long.id, never.id])).toEqual([
        'expired',
        'pending',
        'pending'
      ])
      expect(await submit(post(never.id))).toEqual(['ok'])
      expect(await balance(ALICE)).toEqual([10n, 10n, 0n, 100n])
    })

    it('leaves alone what was posted in time', async () => {
      const { ledger, clock, submit, balance, fund } = await open()
      await fund(ALICE, 100n)
      const reservation = reserve(ALICE, BOB, 10n, 1)
      expect(await submit(reservation, post(reservation.id))).toEqual(['ok', 'ok'])
      await clock.advance(1_000)
      await ledger.sweepExpired()
      expect(await ledger.pendingStates([reservation.id])).toEqual(['posted'])
      expect(await balance(ALICE)).toEqual([0n, 10n, 0n, 100n])
    })

    it('of the longest length is kept', async () => {
      const { ledger, submit, fund } = await open()
      await fund(ALICE, 100n)
      const reservation = reserve(ALICE, BOB, 10n, 2 ** 32 - 1)
      expect(await submit(reservation)).toEqual(['ok'])
      const [found] = await ledger.lookupTransfers([reservation.id])
      expect(found!.timeoutS).toBe(2 ** 32 - 1)
    })
  })
}

/** To the millisecond, and over years: for stores that are given their time. */
export function describeExactTimeouts({ open, reserve, post }: ContractKit): void {
  it('a timeout ends a reservation at its millisecond, and none ends one without', async () => {
    const { ledger, clock, submit, balance, fund } = await open()
    await fund(ALICE, 100n)
    const [short, long, never] = [
      reserve(ALICE, BOB, 10n, 2),
      reserve(ALICE, BOB, 10n, 3),
      reserve(ALICE, BOB, 10n)
    ]
    expect(await submit(short, long, never)).toEqual(['ok', 'ok', 'ok'])
    await clock.advance(1_999)
    await ledger.sweepExpired()
    expect(await ledger.pendingStates([short.id, long.id, never.id])).toEqual(Array(3).fill('pending'))
    await clock.advance(1)
    expect(await ledger.pendingStates([short.id, long.id])).toEqual(['expired', 'pending'])
    await clock.advance(10 * 365 * 24 * 3600 * 1000)
    await ledger.sweepExpired()
    expect(await ledger.pendingStates([short.id, long.id, never.id])).toEqual([
      'expired',
      'expired',
      'pending'
    ])
    expect(await submit(post(never.id))).toEqual(['ok'])
    expect(await balance(ALICE)).toEqual([0n, 10n, 0n, 100n])
  })
}
