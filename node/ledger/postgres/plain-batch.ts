import { AMOUNT_ALL } from '../model.ts'
import type { NewTransfer } from '../model.ts'
import { endsPending, staticRefusal } from '../transfer-rules.ts'

/** What a post or void takes from its reservation. A stored transfer never changes, so this may be remembered. */
export interface Reservation {
  debitAccountId: bigint
  creditAccountId: bigint
  amount: bigint
  ledger: number
  code: number
  userData128: bigint
  userData64: bigint
  userData32: number
}

/** What a batch does to one account. Signed: ending a reservation lowers what is pending. */
export interface AccountChange {
  id: bigint
  ledger: number
  debitsPending: bigint
  debitsPosted: bigint
  creditsPending: bigint
  creditsPosted: bigint
  /** Of these, what no reservation made sure of before: it may find the account short. */
  newDebits: bigint
  newCredits: bigint
}

/** A batch in which no event depends on another (plain-batch-sql.ts). */
export interface PlainBatch {
  /** The transfers with what they take from their reservations, amounts resolved. */
  transfers: readonly NewTransfer[]
  /** In the order of ids. */
  accounts: readonly AccountChange[]
  ended: readonly bigint[]
  reserved: readonly NewTransfer[]
}

/**
 * Puts a plain batch together, transfer by transfer. `finish` answers undefined when the batch has to go the ordered
 * way: an event depends on another or on what an account has free, is wrong in itself, or ends a reservation that is
 * unknown or that does not fit.
 */
export function createPlainBatch(reservationOf: (id: bigint) => Reservation | undefined): {
  add(transfer: NewTransfer): void
  finish(): PlainBatch | undefined
} {
  const transfers: NewTransfer[] = []
  const ids = new Set<bigint>()
  const ended = new Set<bigint>()
  const reserved: NewTransfer[] = []
  const changes = new Map<bigint, AccountChange>()
  let isPlain = true

  function add(transfer: NewTransfer): boolean {
    const { id, flags } = transfer
    if (flags?.balancingDebit || ids.has(id) || ended.has(id)) return false
    if (staticRefusal(transfer) !== undefined) return false
    ids.add(id)
    const ends = endsPending(transfer)
    let booked: NewTransfer | undefined = transfer
    let released = 0n
    if (ends) {
      const pendingId = transfer.pendingId!
      if (ended.has(pendingId) || ids.has(pendingId)) return false
      const reservation = reservationOf(pendingId)
      booked = reservation && resolveEnd(transfer, reservation)
      if (!reservation || !booked) return false
      released = reservation.amount
      ended.add(pendingId)
    } else if (flags?.pending) {
      reserved.push(transfer)
    }
    transfers.push(booked)
    const debit = changeOf(changes, booked.debitAccountId, booked.ledger)
    const credit = changeOf(changes, booked.creditAccountId, booked.ledger)
    if (!debit || !credit) return false
    const { amount } = booked
    const pending = flags?.pending ? amount : -released
    const posted = flags?.pending || flags?.voidPending ? 0n : amount
    debit.debitsPending += pending
    debit.debitsPosted += posted
    credit.creditsPending += pending
    credit.creditsPosted += posted
    if (!ends) {
      debit.newDebits += amount
      credit.newCredits += amount
    }
    return true
  }

  return {
    add(transfer) {
      isPlain &&= add(transfer)
    },
    finish() {
      if (!isPlain || transfers.at(-1)?.flags?.linked) return undefined
      const accounts = [...changes.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
      return { transfers, accounts, ended: [...ended], reserved }
    }
  }
}

/** Undefined where the ordered way has to say what is wrong. */
function resolveEnd(transfer: NewTransfer, reservation: Reservation): NewTransfer | undefined {
  const { debitAccountId, creditAccountId, ledger, code, flags } = transfer
  if (debitAccountId !== 0n && debitAccountId !== reservation.debitAccountId) return undefined
  if (creditAccountId !== 0n && creditAccountId !== reservation.creditAccountId) return undefined
  if (ledger !== 0 && ledger !== reservation.ledger) return undefined
  if (code !== 0 && code !== reservation.code) return undefined
  const all = flags?.voidPending ? transfer.amount === 0n : transfer.amount === AMOUNT_ALL
  const amount = all ? reservation.amount : transfer.amount
  if (flags?.voidPending ? amount !== reservation.amount : amount > reservation.amount) return undefined
  return {
    id: transfer.id,
    debitAccountId: reservation.debitAccountId,
    creditAccountId: reservation.creditAccountId,
    amount,
    ledger: reservation.ledger,
    code: reservation.code,
    flags,
    pendingId: transfer.pendingId,
    userData128: transfer.userData128 || reservation.userData128,
    userData64: transfer.userData64 || reservation.userData64,
    userData32: transfer.userData32 || reservation.userData32
  }
}

/** Undefined when one account would belong to two ledgers. */
function changeOf(
  changes: Map<bigint, AccountChange>,
  id: bigint,
  ledger: number
): AccountChange | undefined {
  let change = changes.get(id)
  if (change === undefined) {
    change = {
      id,
      ledger,
      debitsPending: 0n,
      debitsPosted: 0n,
      creditsPending: 0n,
      creditsPosted: 0n,
      newDebits: 0n,
      newCredits: 0n
    }
    changes.set(id, change)
  }
  return change.ledger === ledger ? change : undefined
}

/** What this process reserved lately, so that its posts need no look-up. The oldest are forgotten at the limit. */
export interface ReservationMemory {
  get(id: bigint): Reservation | undefined
  /** What a reservation was booked with. */
  add(id: bigint, reservation: Reservation): void
  remove(id: bigint): void
}

export function createReservationMemory(maxReservations: number): ReservationMemory {
  const reservations = new Map<bigint, Reservation>()
  return {
    get: (id) => reservations.get(id),
    add(id, reservation) {
      reservations.set(id, reservation)
      if (reservations.size <= maxReservations) return
      for (const oldest of reservations.keys()) {
        reservations.delete(oldest)
        break
      }
    },
    remove: (id) => void reservations.delete(id)
  }
}

/** Of a transfer that is booked as it is. */
export function reservationOf(transfer: NewTransfer): Reservation {
  return {
    debitAccountId: transfer.debitAccountId,
    creditAccountId: transfer.creditAccountId,
    amount: transfer.amount,
    ledger: transfer.ledger,
    code: transfer.code,
    userData128: transfer.userData128 ?? 0n,
    userData64: transfer.userData64 ?? 0n,
    userData32: transfer.userData32 ?? 0
  }
}
