import { afterEach, describe, expect, it } from 'vitest'
import type { ManualClock } from '../runtime/index.ts'
import { AMOUNT_ALL, ID_MAX, MAX_AMOUNT, MAX_BATCH_EVENTS } from './model.ts'
import type { AuditableLedger, CreateTransferResult, NewAccount, NewTransfer } from './model.ts'

/** A ledger under test with the clock that it was given. */
export interface LedgerUnderTest {
  ledger: AuditableLedger
  clock: ManualClock
}

const LEDGER = 1
const OTHER_LEDGER = 2
/** Outside value: may owe without limit. */
const WORLD = 1n
/** May not spend more than it has. */
const ALICE = 2n
const BOB = 3n
/** May not receive more than it gave. */
const SETTLEMENT = 4n
const ELSEWHERE = 5n
const UNKNOWN = 99n

const spender = (id: bigint): NewAccount => ({
  id,
  ledger: LEDGER,
  code: 3,
  flags: { debitsMustNotExceedCredits: true }
})

const accounts: NewAccount[] = [
  { id: WORLD, ledger: LEDGER, code: 2 },
  spender(ALICE),
  spender(BOB),
  { id: SETTLEMENT, ledger: LEDGER, code: 101, flags: { creditsMustNotExceedDebits: true } },
  { id: ELSEWHERE, ledger: OTHER_LEDGER, code: 2, userData128: 77n }
]

/** What every store must do, example by example. `create` gives an empty ledger. */
export function describeLedgerContract(name: string, create: () => Promise<LedgerUnderTest>): void {
  describe(`${name}: the ledger contract`, () => {
    let opened: AuditableLedger | undefined
    let lastId = 1000n

    afterEach(async () => {
      await opened?.close()
      opened = undefined
    })

    async function open() {
      const { ledger, clock } = await create()
      opened = ledger
      expect(await ledger.createAccounts(accounts)).toEqual(accounts.map(() => 'ok'))
      return { ledger, clock, ...helpers(ledger) }
    }

    function helpers(ledger: AuditableLedger) {
      return {
        submit: (...transfers: NewTransfer[]) => ledger.createTransfers(transfers),
        /** Debits pending, posted, credits pending, posted. */
        async balance(id: bigint) {
          const [account] = await ledger.lookupAccounts([id])
          const { debitsPending, debitsPosted, creditsPending, creditsPosted } = account!
          return [debitsPending, debitsPosted, creditsPending, creditsPosted]
        },
        async fund(id: bigint, amount: bigint) {
          expect(await ledger.createTransfers([pay(WORLD, id, amount)])).toEqual(['ok'])
        }
      }
    }

    function pay(from: bigint, to: bigint, amount: bigint, more: Partial<NewTransfer> = {}): NewTransfer {
      return {
        id: ++lastId,
        debitAccountId: from,
        creditAccountId: to,
        amount,
        ledger: LEDGER,
        code: 1,
        ...more
      }
    }

    const reserve = (from: bigint, to: bigint, amount: bigint, timeoutS = 0): NewTransfer =>
      pay(from, to, amount, { flags: { pending: true }, timeoutS })
    const post = (pendingId: bigint, amount = AMOUNT_ALL, more: Partial<NewTransfer> = {}): NewTransfer =>
      pay(0n, 0n, amount, { ledger: 0, code: 0, pendingId, flags: { postPending: true }, ...more })
    const voiding = (pendingId: bigint, more: Partial<NewTransfer> = {}): NewTransfer =>
      pay(0n, 0n, 0n, { ledger: 0, code: 0, pendingId, flags: { voidPending: true }, ...more })
    const linked = (transfer: NewTransfer): NewTransfer => ({
      ...transfer,
      flags: { ...transfer.flags, linked: true }
    })

    describe('accounts', () => {
      it('exist once, with the fields they were created with', async () => {
        const { ledger } = await open()
        expect(await ledger.createAccounts([spender(ALICE)])).toEqual(['exists'])
        expect(
          await ledger.createAccounts([
            { ...spender(ALICE), code: 9 },
            { ...spender(ALICE), ledger: 9 },
            { ...spender(ALICE), flags: {} },
            { ...spender(ALICE), userData128: 9n }
          ])
        ).toEqual(Array(4).fill('exists_with_different_fields'))
        const [elsewhere, unknown, alice] = await ledger.lookupAccounts([ELSEWHERE, UNKNOWN, ALICE])
        expect(unknown).toBeUndefined()
        expect(elsewhere).toEqual({
          id: ELSEWHERE,
          ledger: OTHER_LEDGER,
          code: 2,
          userData128: 77n,
          flags: { debitsMustNotExceedCredits: false, creditsMustNotExceedDebits: false },
          debitsPending: 0n,
          debitsPosted: 0n,
          creditsPending: 0n,
          creditsPosted: 0n
        })
        expect(alice!.flags.debitsMustNotExceedCredits).toBe(true)
      })

      it('are refused with the reason, each by itself', async () => {
        const { ledger } = await open()
        const both = { debitsMustNotExceedCredits: true, creditsMustNotExceedDebits: true }
        expect(
          await ledger.createAccounts([
            { id: 0n, ledger: 1, code: 1 },
            { id: ID_MAX, ledger: 1, code: 1 },
            { id: 50n, ledger: 1, code: 1, flags: both },
            { id: 50n, ledger: 0, code: 1 },
            { id: 50n, ledger: 1, code: 0 },
            { id: 50n, ledger: 2 ** 32 - 1, code: 2 ** 16 - 1, userData128: ID_MAX },
            { id: 50n, ledger: 2 ** 32 - 1, code: 2 ** 16 - 1, userData128: ID_MAX },
            { id: ID_MAX - 1n, ledger: 1, code: 1 }
          ])
        ).toEqual([
          'id_must_not_be_zero',
          'id_must_not_be_int_max',
          'flags_are_mutually_exclusive',
          'ledger_must_not_be_zero',
          'code_must_not_be_zero',
          'ok',
          'exists',
          'ok'
        ])
        const [widest] = await ledger.lookupAccounts([50n])
        expect(widest).toMatchObject({ ledger: 2 ** 32 - 1, code: 2 ** 16 - 1, userData128: ID_MAX })
      })
    })

    describe('a transfer at once', () => {
      it('moves its amount and can be looked up', async () => {
        const { ledger, clock, submit, balance } = await open()
        const transfer = pay(WORLD, ALICE, 100n, {
          userData128: ID_MAX,
          userData64: 2n ** 64n - 1n,
          userData32: 2 ** 32 - 1,
          code: 2 ** 16 - 1
        })
        expect(await submit(transfer)).toEqual(['ok'])
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
          createdAtMs: clock.nowMs()
        })
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
          await submit(
            pay(ALICE, BOB, 101n),
            pay(ALICE, BOB, 60n),
            pay(ALICE, BOB, 41n),
            pay(ALICE, BOB, 40n)
          )
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
        expect(await submit(...cases.map(([transfer]) => transfer))).toEqual(
          cases.map(([, result]) => result)
        )
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
          [post(lastId + 1n), 'pending_id_must_be_different'],
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
        const short = reserve(ALICE, BOB, 10n, 2)
        const long = reserve(ALICE, BOB, 10n, 3)
        const never = reserve(ALICE, BOB, 10n)
        expect(await submit(short, long, never)).toEqual(['ok', 'ok', 'ok'])
        await clock.advance(1_999)
        await ledger.sweepExpired()
        expect(await ledger.pendingStates([short.id, long.id, never.id])).toEqual(Array(3).fill('pending'))
        await clock.advance(1)
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

      it('leaves alone what was posted in time', async () => {
        const { ledger, clock, submit, balance, fund } = await open()
        await fund(ALICE, 100n)
        const reservation = reserve(ALICE, BOB, 10n, 1)
        expect(await submit(reservation, post(reservation.id))).toEqual(['ok', 'ok'])
        await clock.advance(5_000)
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
        expect(
          await submit(linked(legs[0]!), legs[1]!, linked(post(legs[0]!.id)), post(legs[1]!.id))
        ).toEqual(['ok', 'ok', 'ok', 'ok'])
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

    describe('queries', () => {
      it('filter by account, side, tag and code, in both orders, page by page', async () => {
        const { ledger, submit } = await open()
        const transfers = [
          pay(WORLD, ALICE, 50n, { userData128: 1n }),
          pay(ALICE, BOB, 1n, { userData128: 1n, code: 7 }),
          pay(WORLD, BOB, 2n, { userData128: 2n }),
          pay(ALICE, BOB, 3n, { userData128: 1n }),
          pay(BOB, ALICE, 4n)
        ]
        expect(await submit(...transfers)).toEqual(transfers.map(() => 'ok'))
        const amounts = async (filter: Parameters<typeof ledger.queryTransfers>[0]) =>
          (await ledger.queryTransfers(filter)).map(({ amount }) => amount)
        expect(await amounts({ limit: 10 })).toEqual([50n, 1n, 2n, 3n, 4n])
        expect(await amounts({ accountId: ALICE, limit: 10 })).toEqual([50n, 1n, 3n, 4n])
        expect(await amounts({ accountId: ALICE, side: 'debit', limit: 10 })).toEqual([1n, 3n])
        expect(await amounts({ accountId: ALICE, side: 'credit', limit: 10 })).toEqual([50n, 4n])
        expect(await amounts({ accountId: UNKNOWN, limit: 10 })).toEqual([])
        expect(await amounts({ userData128: 1n, limit: 10 })).toEqual([50n, 1n, 3n])
        expect(await amounts({ userData128: 1n, order: 'newestFirst', limit: 2 })).toEqual([3n, 1n])
        expect(await amounts({ userData128: 0n, limit: 10 })).toEqual([4n])
        expect(await amounts({ userData128: 1n, code: 7, limit: 10 })).toEqual([1n])
        expect(await amounts({ accountId: BOB, userData128: 1n, limit: 10 })).toEqual([1n, 3n])

        const paged: bigint[] = []
        let after: bigint | undefined
        for (;;) {
          const page = await ledger.queryTransfers({ accountId: BOB, limit: 2, ...(after && { after }) })
          if (page.length === 0) break
          paged.push(...page.map(({ amount }) => amount))
          after = page.at(-1)!.timestamp
        }
        expect(paged).toEqual([1n, 2n, 3n, 4n])
        const [newest] = await ledger.queryTransfers({ accountId: BOB, order: 'newestFirst', limit: 1 })
        expect(
          await amounts({ accountId: BOB, order: 'newestFirst', after: newest!.timestamp, limit: 10 })
        ).toEqual([3n, 2n, 1n])
      })

      it('find what is in doubt', async () => {
        const { ledger, clock, submit, fund } = await open()
        await fund(ALICE, 100n)
        const [kept, posted, voided, late] = [
          { ...reserve(ALICE, BOB, 1n), userData128: 6n },
          { ...reserve(ALICE, BOB, 2n), userData128: 6n },
          { ...reserve(ALICE, BOB, 3n), userData128: 6n },
          { ...reserve(ALICE, BOB, 4n, 1), userData128: 6n }
        ] as const
        expect(await submit(kept, posted, voided, late)).toEqual(['ok', 'ok', 'ok', 'ok'])
        expect(await submit(post(posted.id), voiding(voided.id))).toEqual(['ok', 'ok'])
        const inDoubt = async () =>
          (await ledger.queryTransfers({ userData128: 6n, pendingOnly: true, limit: 10 })).map(({ id }) => id)
        expect(await inDoubt()).toEqual([kept.id, late.id])
        await clock.advance(1_000)
        expect(await inDoubt()).toEqual([kept.id])
        await ledger.sweepExpired()
        expect(await inDoubt()).toEqual([kept.id])
        expect(
          (await ledger.queryTransfers({ accountId: BOB, pendingOnly: true, limit: 10 })).map(({ id }) => id)
        ).toEqual([kept.id])
        expect(await ledger.queryTransfers({ accountId: WORLD, pendingOnly: true, limit: 10 })).toEqual([])
      })

      it('give timestamps that rise strictly', async () => {
        const { ledger, submit } = await open()
        for (let n = 0; n < 3; n++) await submit(pay(WORLD, ALICE, 1n), pay(WORLD, BOB, 1n))
        const stamps = (await ledger.queryTransfers({ limit: 10 })).map(({ timestamp }) => timestamp)
        expect(stamps).toHaveLength(6)
        for (let n = 1; n < stamps.length; n++) expect(stamps[n]! > stamps[n - 1]!).toBe(true)
      })

      it('total each ledger', async () => {
        const { ledger, submit, fund } = await open()
        await fund(ALICE, 100n)
        expect(await submit(reserve(ALICE, BOB, 30n))).toEqual(['ok'])
        expect(await ledger.totals()).toEqual([
          {
            ledger: LEDGER,
            debitsPosted: 100n,
            creditsPosted: 100n,
            debitsPending: 30n,
            creditsPending: 30n,
            overdrawnAccountIds: []
          },
          {
            ledger: OTHER_LEDGER,
            debitsPosted: 0n,
            creditsPosted: 0n,
            debitsPending: 0n,
            creditsPending: 0n,
            overdrawnAccountIds: []
          }
        ])
      })
    })

    describe('limits', () => {
      it('an empty call is answered emptily', async () => {
        const { ledger } = await open()
        expect(await ledger.createTransfers([])).toEqual([])
        expect(await ledger.createAccounts([])).toEqual([])
        expect(await ledger.lookupAccounts([])).toEqual([])
        expect(await ledger.lookupTransfers([])).toEqual([])
        expect(await ledger.pendingStates([])).toEqual([])
      })

      it('what no record holds is the bug of the caller', async () => {
        const { ledger, submit } = await open()
        await expect(submit(pay(WORLD, ALICE, -1n))).rejects.toThrow(/amount is -1/)
        await expect(submit(pay(WORLD, ALICE, AMOUNT_ALL + 1n))).rejects.toThrow(RangeError)
        await expect(submit(pay(WORLD, ALICE, 1n, { timeoutS: 1.5 }))).rejects.toThrow(/timeoutS is 1.5/)
        await expect(submit(pay(WORLD, ALICE, 1n, { code: 2 ** 16 }))).rejects.toThrow(/code/)
        await expect(submit(pay(WORLD, ALICE, 1n, { userData64: 2n ** 64n }))).rejects.toThrow(/userData64/)
        await expect(ledger.createAccounts([{ id: -1n, ledger: 1, code: 1 }])).rejects.toThrow(/id is -1/)
        const many = Array.from({ length: MAX_BATCH_EVENTS + 1 }, () => pay(WORLD, ALICE, 1n))
        await expect(ledger.createTransfers(many)).rejects.toThrow(/8190 events/)
        await expect(ledger.queryTransfers({ limit: 0 })).rejects.toThrow(/limit is 0/)
        expect(await ledger.queryTransfers({ limit: 10 })).toEqual([])
      })
    })
  })
}
