import type { Ratio } from '../../ilp/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Amount, Failure } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

export interface Quote {
  id: string
  tenantId: string
  walletAddressId: string
  asset: Asset
  /** The incoming payment's URL. */
  receiver: string
  method: 'LOCAL' | 'ILP'
  /** What the payer is debited, fee included. */
  debitAmount: Amount
  /** The most that may be sent: debitAmount without the fee. */
  debitAmountMinusFees: bigint
  /** The least that will be delivered. */
  receiveAmount: Amount
  estimatedExchangeRate?: number
  feeId?: string
  client?: string
  expiresAt: Date
  createdAt: Date
  ilp?: IlpQuoteDetails
}

export interface IlpQuoteDetails {
  maxPacketAmount?: bigint
  minRate: Ratio
  lowRate: Ratio
  highRate: Ratio
  /** This node's own conversion, fixed for the payment's packets to a next hop of that asset. */
  conversion?: { assetId: string; ratio: Ratio }
}

export type QuoteFailure =
  | 'UnknownWalletAddress'
  | 'InvalidAmount'
  | 'InvalidReceiver'
  | 'InactiveWalletAddress'
  | 'NonPositiveReceiveAmount'
  | 'CouldNotFetchRates'

export interface Quotes {
  /** @param input.id of the new quote, where it was given out already */
  create(input: {
    id?: string
    tenantId: string
    walletAddressId: string
    receiver: string
    debitAmount?: Amount
    receiveAmount?: Amount
    client?: string
  }): Promise<Quote | Failure<QuoteFailure>>
  get(id: string, tenantId?: string): Promise<Quote | undefined>
  getMany(ids: readonly string[]): Promise<(Quote | undefined)[]>
  /** The same page of each wallet address's quotes, in the order of `walletAddressIds`. */
  pages(walletAddressIds: readonly string[], request: PageRequest): Promise<Page<Quote>[]>
  url(quote: Pick<Quote, 'id' | 'tenantId'>): string
}
