import DataLoader from 'dataloader'
import type { Clock, Logger } from '../../runtime/index.ts'
import type { AccountingTransfers } from '../accounting/transfers.ts'
import type { AssetDirectory, Assets } from '../assets/model.ts'
import type { AutoPeering } from '../auto-peering/index.ts'
import type { Fee, Fees, FeeType } from '../fees/model.ts'
import type { IncomingPayment, IncomingPayments, InitiatedBy } from '../incoming-payments/model.ts'
import type { Liquidity } from '../liquidity/model.ts'
import type { OutgoingPayment, OutgoingPayments } from '../outgoing-payments/model.ts'
import type { PartialPayments } from '../partial-payments/model.ts'
import type { Payments } from '../payments/model.ts'
import type { Peers } from '../peers/model.ts'
import type { Quote, Quotes } from '../quotes/model.ts'
import type { Receivers } from '../receivers/model.ts'
import type { Tenant, Tenants } from '../tenants/model.ts'
import type { PaymentTimelines } from '../timelines/model.ts'
import type { AdditionalProperty, WalletAddresses, WalletAddressKey } from '../wallet-addresses/model.ts'
import type { WebMonetization } from '../web-monetization/service.ts'
import type { WebhookDeliveries, WebhookDelivery, WebhookEvents } from '../webhooks/model.ts'
import type { Idempotency } from './idempotency.ts'
import { createPageLoader } from './page-loader.ts'
import type { PageLoader } from './page-loader.ts'

/** The nouns that the Admin API speaks of. */
export interface AdminServices {
  tenants: Tenants
  assets: Assets
  assetDirectory: Pick<AssetDirectory, 'byCodeAndScale'>
  peers: Peers
  autoPeering: AutoPeering
  fees: Fees
  walletAddresses: WalletAddresses
  incomingPayments: IncomingPayments
  partialPayments: PartialPayments
  quotes: Quotes
  outgoingPayments: OutgoingPayments
  payments: Payments
  receivers: Receivers
  liquidity: Liquidity
  webhookEvents: WebhookEvents
  webhookDeliveries: WebhookDeliveries
  webMonetization: WebMonetization
  accountingTransfers: AccountingTransfers
  timelines: PaymentTimelines
}

/** What a resolver gets with every request. */
export interface AdminContext {
  tenant: Tenant
  isOperator: boolean
  services: AdminServices
  loaders: Loaders
  idempotency: Idempotency
  clock: Clock
  logger: Logger
}

/** Answers shared by the rows of a request's lists: one query for all rows instead of one per row. */
export interface Loaders {
  /** Balance of a liquidity account; undefined where there is none. */
  balance: DataLoader<string, bigint | undefined>
  /** Minor units received by an incoming payment. */
  received: DataLoader<string, bigint>
  latestFee: DataLoader<{ assetId: string; type: FeeType }, Fee | undefined, string>
  additionalProperties: DataLoader<string, AdditionalProperty[]>
  /** Of a webhook event: those that are the caller's business. */
  deliveries: DataLoader<string, WebhookDelivery[]>
  /** Pages of what belongs to an asset or to a wallet address, by its id. */
  feesOf: PageLoader<Fee>
  keysOf: PageLoader<WalletAddressKey>
  quotesOf: PageLoader<Quote>
  incomingPaymentsOf: PageLoader<IncomingPayment, { initiatedBy?: InitiatedBy[] }>
  outgoingPaymentsOf: PageLoader<OutgoingPayment>
}

export function createLoaders(
  services: Pick<
    AdminServices,
    | 'liquidity'
    | 'incomingPayments'
    | 'outgoingPayments'
    | 'quotes'
    | 'fees'
    | 'walletAddresses'
    | 'webhookDeliveries'
  >,
  /** Whose the request is; undefined: the operator's. */
  tenantId: string | undefined
): Loaders {
  const { liquidity, incomingPayments, outgoingPayments, quotes, fees, walletAddresses } = services
  return {
    balance: new DataLoader((ids) => liquidity.balances(ids)),
    received: new DataLoader((ids) => incomingPayments.receivedAmounts(ids)),
    latestFee: new DataLoader((keys) => fees.latestOf(keys), {
      cacheKeyFn: ({ assetId, type }) => `${assetId} ${type}`
    }),
    additionalProperties: new DataLoader((ids) => walletAddresses.additionalPropertiesOf(ids)),
    deliveries: new DataLoader((ids) => services.webhookDeliveries.ofEvents(ids, tenantId)),
    feesOf: createPageLoader((ids, page) => fees.pages(ids, page)),
    keysOf: createPageLoader((ids, page) => walletAddresses.keyPages(ids, page)),
    quotesOf: createPageLoader((ids, page) => quotes.pages(ids, page)),
    incomingPaymentsOf: createPageLoader((ids, page, filter) => incomingPayments.pages(ids, page, filter)),
    outgoingPaymentsOf: createPageLoader((ids, page) => outgoingPayments.pages(ids, page))
  }
}
