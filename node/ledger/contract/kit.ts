import { expect } from 'vitest'
import type { ManualClock } from '../../runtime/index.ts'
import { AMOUNT_ALL } from '../model.ts'
import type { AuditableLedger, CreateTransferResult, NewAccount, NewTransfer } from '../model.ts'

/** A ledger under test with its time. */
export interface LedgerUnderTest {
  ledger: AuditableLedger
  clock: Pick<ManualClock, 'advance' | 'nowMs'>
}

export const LEDGER = 1
export const OTHER_LEDGER = 2
/** Outside value: may owe without limit. */
export const WORLD = 1n
/** May not spend more than it has. */
export const ALICE = 2n
export const BOB = 3n
/** May not receive more than it gave. */
export const SETTLEMENT = 4n
export const ELSEWHERE = 5n
export const UNKNOWN = 99n

export const spender = (id: bigint): NewAccount => ({
  id,
  ledger: LEDGER,
  code: 3,
  flags: { debitsMustNotExceedCredits: true }
})

export const contractAccounts: readonly NewAccount[] = [
  { id: WORLD, ledger: LEDGER, code: 2 },
  spender(ALICE),
  spender(BOB),
  { id: SETTLEMENT, ledger: LEDGER, code: 101, flags: { creditsMustNotExceedDebits: true } },
  { id: ELSEWHERE, ledger: OTHER_LEDGER, code: 2, userData128: 77n }
]

export interface OpenedLedger extends LedgerUnderTest {
  submit(...transfers: NewTransfer[]): Promise<CreateTransferResult[]>
  /** Debits pending, debits posted, credits pending, credits posted. */
  balance(id: bigint): Promise<bigint[]>
  fund(id: bigint, amount: bigint): Promise<void>
}

/** What the examples are written with. Ids are fresh, whichever ledger they go to. */
export interface ContractKit {
  /** An empty ledger with `contractAccounts`; closed after the test. */
  open(): Promise<OpenedLedger>
  /** The id that the next transfer will have. */
  nextId(): bigint
  pay(from: bigint, to: bigint, amount: bigint, more?: Partial<NewTransfer>): NewTransfer
  reserve(from: bigint, to: bigint, amount: bigint, timeoutS?: number): NewTransfer
  post(pendingId: bigint, amount?: bigint, more?: Partial<NewTransfer>): NewTransfer
  voiding(pendingId: bigint, more?: Partial<NewTransfer>): NewTransfer
  linked(transfer: NewTransfer): NewTransfer
}

export function createContractKit(
  create: () => Promise<LedgerUnderTest>,
  opened: (ledger: AuditableLedger) => void
): ContractKit {
  let lastId = 1000n

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

  return {
    async open() {
      const { ledger, clock } = await create()
      opened(ledger)
      expect(await ledger.createAccounts(contractAccounts)).toEqual(contractAccounts.map(() => 'ok'))
      return {
        ledger,
        clock,
        submit: (...transfers) => ledger.createTransfers(transfers),
        async balance(id) {
          const [account] = await ledger.lookupAccounts([id])
          const { debitsPending, debitsPosted, creditsPending, creditsPosted } = account!
          return [debitsPending, debitsPosted, creditsPending, creditsPosted]
        },
        async fund(id, amount) {
          expect(await ledger.createTransfers([pay(WORLD, id, amount)])).toEqual(['ok'])
        }
      }
    },
    nextId: () => lastId + 1n,
    pay,
    reserve: (from, to, amount, timeoutS = 0) =>
      pay(from, to, amount, { flags: { pending: true }, timeoutS }),
    post: (pendingId, amount = AMOUNT_ALL, more = {}) =>
      pay(0n, 0n, amount, { ledger: 0, code: 0, pendingId, flags: { postPending: true }, ...more }),
    voiding: (pendingId, more = {}) =>
      pay(0n, 0n, 0n, { ledger: 0, code: 0, pendingId, flags: { voidPending: true }, ...more }),
    linked: (transfer) => ({ ...transfer, flags: { ...transfer.flags, linked: true } })
  }
}
