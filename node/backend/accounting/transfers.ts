import { TransferCode } from '../../ledger/index.ts'
import type { Ledger, Transfer } from '../../ledger/index.ts'
import { idToUuid, uuidToId } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { isUuid } from '../sql.ts'

/** Transfers of one side that are shown when the caller does not say how many. */
export const DEFAULT_TRANSFERS = 20
/** The most that is shown of one side. */
export const MAX_TRANSFERS = 1_000

/** A record of the ledger as the Admin API shows it: what reserved, posted and voided are records of their own. */
export interface AccountingTransfer {
  id: string
  /** A resource's id; a settlement account is named by its ledger number. */
  debitAccountId: string
  creditAccountId: string
  /** Minor units; of a void: what was freed. */
  amount: bigint
  transferType: 'DEPOSIT' | 'WITHDRAWAL' | 'TRANSFER'
  ledger: number
  createdAt: Date
  state: 'PENDING' | 'POSTED' | 'VOIDED'
  /** When a reservation lapses. */
  expiresAt?: Date
}

export interface AccountingTransfers {
  /**
   * The newest transfers of an account, newest first. Nothing for an account that does not exist, or is another
   * tenant's.
   *
   * @param id of the resource (asset, peer, payment, wallet address), or a ledger number: its settlement account
   * @param limit of each side, 1 to MAX_TRANSFERS
   */
  ofAccount(
    id: string,
    limit: number,
    tenantId?: string
  ): Promise<{ debits: AccountingTransfer[]; credits: AccountingTransfer[] }>
}

export function createAccountingTransfers({
  ledger,
  assets
}: {
  ledger: Pick<Ledger, 'lookupAccounts' | 'queryTransfers'>
  assets: { find(id: string): Promise<Asset | undefined> }
}): AccountingTransfers {
  async function isVisible(accountId: bigint, tenantId: string): Promise<boolean> {
    const [account] = await ledger.lookupAccounts([accountId])
    const asset = account && (await assets.find(idToUuid(account.userData128)))
    return asset?.tenantId === tenantId
  }

  return {
    async ofAccount(id, limit, tenantId) {
      const accountId = accountIdOf(id)
      if (accountId === undefined) return { debits: [], credits: [] }
      if (tenantId !== undefined && !(await isVisible(accountId, tenantId)))
        return { debits: [], credits: [] }
      const side = async (side: 'debit' | 'credit') =>
        (await ledger.queryTransfers({ accountId, side, order: 'newestFirst', limit })).map(describe)
      const [debits, credits] = await Promise.all([side('debit'), side('credit')])
      return { debits, credits }
    }
  }
}

function accountIdOf(id: string): bigint | undefined {
  if (isUuid(id)) return uuidToId(id)
  return /^[1-9]\d{0,9}$/.test(id) ? BigInt(id) : undefined
}

function describe(transfer: Transfer): AccountingTransfer {
  const { flags, timeoutS, createdAtMs } = transfer
  return {
    id: idToUuid(transfer.id),
    debitAccountId: nameOf(transfer.debitAccountId),
    creditAccountId: nameOf(transfer.creditAccountId),
    amount: transfer.amount,
    transferType: typeOf(transfer.code),
    ledger: transfer.ledger,
    createdAt: new Date(createdAtMs),
    state: flags.pending ? 'PENDING' : flags.voidPending ? 'VOIDED' : 'POSTED',
    ...(flags.pending && timeoutS > 0 && { expiresAt: new Date(createdAtMs + timeoutS * 1_000) })
  }
}

/** Settlement accounts have their ledger's number as id: no UUID of a resource is that small. */
function nameOf(accountId: bigint): string {
  return accountId < 2n ** 32n ? accountId.toString() : idToUuid(accountId)
}

function typeOf(code: number): AccountingTransfer['transferType'] {
  if (code === TransferCode.DEPOSIT) return 'DEPOSIT'
  return code === TransferCode.WITHDRAWAL ? 'WITHDRAWAL' : 'TRANSFER'
}
