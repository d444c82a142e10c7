import type { Account as WireAccount, Transfer as WireTransfer } from 'tigerbeetle-node'
import { MAX_AMOUNT } from '../model.ts'
import type {
  Account,
  CreateAccountResult,
  CreateTransferResult,
  NewAccount,
  NewTransfer,
  Transfer
} from '../model.ts'
import {
  accountFlagBits,
  accountFlagsOf,
  balancingLimit,
  endsPending,
  transferFlagBits,
  transferFlagsOf
} from '../transfer-rules.ts'

/** Between the port's records and TigerBeetle's. Flags are the same bits on both sides. */

const NANOSECONDS_PER_MS = 1_000_000n

export function toWireAccount(account: NewAccount): WireAccount {
  return {
    id: account.id,
    debits_pending: 0n,
    debits_posted: 0n,
    credits_pending: 0n,
    credits_posted: 0n,
    user_data_128: account.userData128 ?? 0n,
    user_data_64: 0n,
    user_data_32: 0,
    reserved: 0,
    ledger: account.ledger,
    code: account.code,
    flags: accountFlagBits(account),
    timestamp: 0n
  }
}

/**
 * The record to send. Amounts are 128 bits wide in TigerBeetle and 64 here: one that is too large goes out with
 * the code 0, which TigerBeetle refuses at the very place in its order of checks where we refuse the amount.
 */
export function toWireTransfer(transfer: NewTransfer): WireTransfer {
  return {
    id: transfer.id,
    debit_account_id: transfer.debitAccountId,
    credit_account_id: transfer.creditAccountId,
    amount: transfer.flags?.balancingDebit ? balancingLimit(transfer.amount) : transfer.amount,
    pending_id: transfer.pendingId ?? 0n,
    user_data_128: transfer.userData128 ?? 0n,
    user_data_64: transfer.userData64 ?? 0n,
    user_data_32: transfer.userData32 ?? 0,
    timeout: transfer.timeoutS ?? 0,
    ledger: transfer.ledger,
    code: exceedsAmount(transfer) ? 0 : transfer.code,
    flags: transferFlagBits(transfer),
    timestamp: 0n
  }
}

function exceedsAmount(transfer: NewTransfer): boolean {
  return transfer.amount > MAX_AMOUNT && !transfer.flags?.balancingDebit && !endsPending(transfer)
}

export function accountOf(wire: WireAccount): Account {
  return {
    id: wire.id,
    ledger: wire.ledger,
    code: wire.code,
    flags: accountFlagsOf(wire.flags),
    userData128: wire.user_data_128,
    debitsPending: wire.debits_pending,
    debitsPosted: wire.debits_posted,
    creditsPending: wire.credits_pending,
    creditsPosted: wire.credits_posted
  }
}

export function transferOf(wire: WireTransfer): Transfer {
  return {
    id: wire.id,
    debitAccountId: wire.debit_account_id,
    creditAccountId: wire.credit_account_id,
    amount: wire.amount,
    ledger: wire.ledger,
    code: wire.code,
    flags: transferFlagsOf(wire.flags),
    pendingId: wire.pending_id,
    timeoutS: wire.timeout,
    userData128: wire.user_data_128,
    userData64: wire.user_data_64,
    userData32: wire.user_data_32,
    timestamp: wire.timestamp,
    createdAtMs: Number(wire.timestamp / NANOSECONDS_PER_MS)
  }
}

/** What TigerBeetle's answer to `transfer` means here. */
export function transferResult(status: number, transfer: NewTransfer): CreateTransferResult {
  const result = TRANSFER_RESULTS[status]
  if (result === undefined) throw new Error(`TigerBeetle answered a transfer with the status ${status}`)
  if (result === 'code_must_not_be_zero' && transfer.code !== 0) return 'amount_must_not_exceed_64_bits'
  return result
}

export function accountResult(status: number): CreateAccountResult {
  const result = ACCOUNT_RESULTS[status]
  if (result === undefined) throw new Error(`TigerBeetle answered an account with the status ${status}`)
  return result
}

/** `created`, as the protocol writes it. */
const CREATED = 2 ** 32 - 1
const DIFFERENT = 'exists_with_different_fields'

/**
 * The protocol's numbers (https://docs.tigerbeetle.com/reference/requests/create_transfers/#status), those that
 * this port's records can be answered with. Named here rather than taken from the client's package, which would
 * load its native library into every process that imports the ledger; a test holds them to it.
 */
export const TRANSFER_RESULTS: Readonly<Record<number, CreateTransferResult>> = {
  [CREATED]: 'ok',
  1: 'linked_event_failed',
  2: 'linked_event_chain_open',
  5: 'id_must_not_be_zero',
  6: 'id_must_not_be_int_max',
  7: 'flags_are_mutually_exclusive',
  8: 'debit_account_id_must_not_be_zero',
  9: 'debit_account_id_must_not_be_int_max',
  10: 'credit_account_id_must_not_be_zero',
  11: 'credit_account_id_must_not_be_int_max',
  12: 'accounts_must_be_different',
  13: 'pending_id_must_be_zero',
  14: 'pending_id_must_not_be_zero',
  15: 'pending_id_must_not_be_int_max',
  16: 'pending_id_must_be_different',
  17: 'timeout_reserved_for_pending_transfer',
  19: 'ledger_must_not_be_zero',
  20: 'code_must_not_be_zero',
  21: 'debit_account_not_found',
  22: 'credit_account_not_found',
  23: 'accounts_must_have_the_same_ledger',
  24: 'transfer_must_have_the_same_ledger_as_accounts',
  25: 'pending_transfer_not_found',
  26: 'pending_transfer_not_pending',
  27: 'pending_transfer_has_different_debit_account_id',
  28: 'pending_transfer_has_different_credit_account_id',
  29: 'pending_transfer_has_different_ledger',
  30: 'pending_transfer_has_different_code',
  31: 'exceeds_pending_transfer_amount',
  32: 'pending_transfer_has_different_amount',
  33: 'pending_transfer_already_posted',
  34: 'pending_transfer_already_voided',
  35: 'pending_transfer_expired',
  36: DIFFERENT,
  37: DIFFERENT,
  38: DIFFERENT,
  39: DIFFERENT,
  40: DIFFERENT,
  41: DIFFERENT,
  42: DIFFERENT,
  43: DIFFERENT,
  44: DIFFERENT,
  45: DIFFERENT,
  46: 'exists',
  54: 'exceeds_credits',
  55: 'exceeds_debits',
  67: DIFFERENT,
  68: 'id_already_failed'
}

export const ACCOUNT_RESULTS: Readonly<Record<number, CreateAccountResult>> = {
  [CREATED]: 'ok',
  1: 'linked_event_failed',
  2: 'linked_event_chain_open',
  6: 'id_must_not_be_zero',
  7: 'id_must_not_be_int_max',
  8: 'flags_are_mutually_exclusive',
  13: 'ledger_must_not_be_zero',
  14: 'code_must_not_be_zero',
  15: DIFFERENT,
  16: DIFFERENT,
  17: DIFFERENT,
  18: DIFFERENT,
  19: DIFFERENT,
  20: DIFFERENT,
  21: 'exists'
}
