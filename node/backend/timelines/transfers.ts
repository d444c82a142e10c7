import { TransferCode } from '../../ledger/index.ts'
import type { Ledger, Transfer } from '../../ledger/index.ts'
import { idToUuid } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { MAX_SINGLE_PACKETS, MAX_TIMELINE_TRANSFERS } from './model.ts'
import type { TimelineEntry } from './model.ts'

/** The newest transfers of a payment's accounts, oldest first, and whether there are older ones. */
export interface PaymentTransfers {
  transfers: Transfer[]
  hasOlder: boolean
}

export async function readTransfers(
  ledger: Pick<Ledger, 'queryTransfers'>,
  accountIds: readonly bigint[]
): Promise<PaymentTransfers> {
  const limit = MAX_TIMELINE_TRANSFERS + 1
  const found = await Promise.all(
    accountIds.map((accountId) => ledger.queryTransfers({ accountId, order: 'newestFirst', limit }))
  )
  // What moves between two of the accounts is found twice.
  const distinct = new Map(found.flat().map((transfer) => [transfer.id, transfer]))
  const newest = [...distinct.values()].sort((a, b) => (a.timestamp < b.timestamp ? 1 : -1))
  return {
    transfers: newest.slice(0, MAX_TIMELINE_TRANSFERS).reverse(),
    hasOlder: newest.length > MAX_TIMELINE_TRANSFERS
  }
}

/** Transfers among which the first credit is looked for, where it is not among the newest: some before it may be void. */
const MAX_OLDEST = 50

/** The first transfer with this code that credited the account for good; undefined where none is known. */
export async function firstCredit(
  ledger: Pick<Ledger, 'queryTransfers'>,
  { transfers, hasOlder }: PaymentTransfers,
  accountId: bigint,
  code: TransferCode
): Promise<Transfer | undefined> {
  const query = { accountId, side: 'credit', code, order: 'oldestFirst', limit: MAX_OLDEST } as const
  const oldest = hasOlder ? await ledger.queryTransfers(query) : transfers
  return oldest.find(
    (transfer) =>
      transfer.creditAccountId === accountId &&
      transfer.code === code &&
      !transfer.flags.pending &&
      !transfer.flags.voidPending
  )
}

/**
 * The entries of transfers, in their order.
 *
 * @param accounts the payment's own account, and those that its attempts send from
 */
export function transferEntries(
  { transfers, hasOlder }: PaymentTransfers,
  asset: Asset,
  accounts: { own: bigint; attempts: ReadonlyMap<bigint, number> }
): TimelineEntry[] {
  const inAsset = { assetCode: asset.code, assetScale: asset.scale }
  const isSummed = transfers.filter(isPackets).length > MAX_SINGLE_PACKETS
  const sums = new Map<string, TimelineEntry>()
  const entries: TimelineEntry[] = []
  for (const transfer of transfers) {
    const at = new Date(transfer.createdAtMs)
    const title = titleOf(transfer, accounts)
    const entry: TimelineEntry = { at, kind: 'TRANSFER', title, amount: transfer.amount, ...inAsset }
    if (!isSummed || !isPackets(transfer)) {
      entries.push({ ...entry, id: idToUuid(transfer.id) })
      continue
    }
    const key = `${Math.floor(transfer.createdAtMs / 1_000)} ${title}`
    const sum = sums.get(key)
    if (sum === undefined) {
      sums.set(key, { ...entry, count: 1 })
      entries.push(sums.get(key)!)
    } else {
      sum.amount! += transfer.amount
      sum.count! += 1
    }
  }
  const [oldest] = transfers
  if (!hasOlder || oldest === undefined) return entries
  const note: TimelineEntry = {
    at: new Date(oldest.createdAtMs),
    kind: 'TRANSFER',
    title: 'Older transfers are not shown',
    detail: `These are the newest ${MAX_TIMELINE_TRANSFERS} records of the ledger.`
  }
  return [note, ...entries]
}

/** Whether it is of a packet, or of a payment within the node. */
function isPackets({ code }: Transfer): boolean {
  return code === TransferCode.TRANSFER
}

function titleOf(
  { code, flags, debitAccountId, creditAccountId }: Transfer,
  { own, attempts }: { own: bigint; attempts: ReadonlyMap<bigint, number> }
): string {
  if (code === TransferCode.EPOCH_MOVE) {
    const attempt = attempts.get(creditAccountId)
    if (attempt === undefined) return 'What was not sent came back'
    return debitAccountId === own ? `Handed to attempt ${attempt}` : `Taken over by attempt ${attempt}`
  }
  if (code === TransferCode.DEPOSIT) return 'Deposited'
  const isWithdrawal = code === TransferCode.WITHDRAWAL
  const isReceived = creditAccountId === own
  if (flags.pending) return isWithdrawal ? 'Withdrawal reserved' : 'Reserved for a packet'
  if (flags.voidPending) return isWithdrawal ? 'Withdrawal given up' : 'Reservation of a packet given up'
  if (isWithdrawal) return 'Withdrawn'
  return isReceived ? 'Received' : 'Sent'
}
