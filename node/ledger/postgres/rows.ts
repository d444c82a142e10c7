import { uuidToId } from '../../runtime/index.ts'
import type { Account, Transfer } from '../model.ts'
import { accountFlagsOf, transferFlagsOf } from '../transfer-rules.ts'

/** Numbers of PostgreSQL arrive as bigint, number or text, depending on their type and the driver. */
type Numeric = bigint | number | string

export interface AccountRow {
  id: string
  ledger: Numeric
  code: number
  flags: number
  userData128: string | null
  debitsPending: Numeric
  debitsPosted: Numeric
  creditsPending: Numeric
  creditsPosted: Numeric
}

export interface TransferRow {
  id: string
  timestamp: Numeric
  createdAtMs: Numeric
  debitAccountId: string
  creditAccountId: string
  amount: Numeric
  ledger: Numeric
  code: number
  flags: number
  timeoutS: Numeric
  pendingId: string | null
  userData128: string | null
  userData64: Numeric | null
  userData32: Numeric | null
}

export function accountOf(row: AccountRow): Account {
  return {
    id: uuidToId(row.id),
    ledger: Number(row.ledger),
    code: row.code,
    flags: accountFlagsOf(row.flags),
    userData128: idOrZero(row.userData128),
    debitsPending: BigInt(row.debitsPending),
    debitsPosted: BigInt(row.debitsPosted),
    creditsPending: BigInt(row.creditsPending),
    creditsPosted: BigInt(row.creditsPosted)
  }
}

export function transferOf(row: TransferRow): Transfer {
  return {
    id: uuidToId(row.id),
    debitAccountId: uuidToId(row.debitAccountId),
    creditAccountId: uuidToId(row.creditAccountId),
    amount: BigInt(row.amount),
    ledger: Number(row.ledger),
    code: row.code,
    flags: transferFlagsOf(row.flags),
    pendingId: idOrZero(row.pendingId),
    timeoutS: Number(row.timeoutS),
    userData128: idOrZero(row.userData128),
    userData64: BigInt(row.userData64 ?? 0),
    userData32: Number(row.userData32 ?? 0),
    timestamp: BigInt(row.timestamp),
    createdAtMs: Number(row.createdAtMs)
  }
}

function idOrZero(uuid: string | null): bigint {
  return uuid === null ? 0n : uuidToId(uuid)
}
