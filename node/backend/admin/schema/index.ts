import { accountingTypes } from './accounting.ts'
import { allPaymentTypes } from './all-payments.ts'
import { approvalTypes } from './approvals.ts'
import { assetTypes } from './assets.ts'
import { commonTypes } from './common.ts'
import { liquidityTypes } from './liquidity.ts'
import { paymentTypes } from './payments.ts'
import { peerTypes } from './peers.ts'
import { tenantTypes } from './tenants.ts'
import { timelineTypes } from './timelines.ts'
import { walletAddressTypes } from './wallet-addresses.ts'
import { webhookTypes } from './webhooks.ts'

/** The Admin API's schema: Rafiki's names and types, in our own words. */
export const typeDefs: string[] = [
  commonTypes,
  assetTypes,
  peerTypes,
  walletAddressTypes,
  paymentTypes,
  approvalTypes,
  allPaymentTypes,
  liquidityTypes,
  accountingTypes,
  tenantTypes,
  webhookTypes,
  timelineTypes
]
