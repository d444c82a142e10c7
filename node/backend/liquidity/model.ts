import type { Account, NewAccount } from '../../ledger/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Failure } from '../model.ts'

export type LiquidityFailure =
  | 'AlreadyPosted'
  | 'AlreadyVoided'
  | 'AmountZero'
  | 'InsufficientBalance'
  | 'InvalidId'
  | 'TransferExists'
  | 'TransferExpired'
  | 'UnknownTransfer'
  | 'UnknownAccount'

/** Deposits, withdrawals and balances of liquidity accounts. Ids are those of the resources. */
export interface Liquidity {
  /** Creates the account unless it is there; true where it is new, and therefore empty. */
  ensureAccount(account: { id: string; asset: Asset; code: NewAccount['code'] }): Promise<boolean>
  /** Creates the asset's liquidity account and its settlement account. */
  ensureAssetAccounts(asset: Asset): Promise<void>
  /** Settlement → account, at once. `id` makes it safe to repeat: the second answers TransferExists. */
  deposit(deposit: {
    id: string
    accountId: string
    asset: Asset
    amount: bigint
  }): Promise<void | Failure<LiquidityFailure>>
  /**
   * Account → settlement: at once with `timeoutSeconds` 0, else in two phases. A withdrawal that was refused
   * (InsufficientBalance), voided or lapsed may be asked again under the same id.
   */
  withdraw(withdrawal: {
    id: string
    accountId: string
    asset: Asset
    amount: bigint
    timeoutSeconds: number
  }): Promise<void | Failure<LiquidityFailure>>
  /** Whether a transfer under this id was made, or is being made: whoever asks for another gets TransferExists. */
  isTaken(id: string): Promise<boolean>
  /** With `tenantId` another tenant's withdrawal is unknown. */
  postWithdrawal(id: string, tenantId?: string): Promise<void | Failure<LiquidityFailure>>
  voidWithdrawal(id: string, tenantId?: string): Promise<void | Failure<LiquidityFailure>>
  /** credits posted − debits posted − debits pending; undefined where there is no account. */
  balance(accountId: string): Promise<bigint | undefined>
  balances(accountIds: readonly string[]): Promise<(bigint | undefined)[]>
  /** The accounts themselves, for totals received and sent. */
  accounts(accountIds: readonly string[]): Promise<(Account | undefined)[]>
}
