import { JSONObject, UInt64, UInt8 } from '../../../admin-api/index.ts'
import { accountingResolvers } from './accounting.ts'
import { allPaymentResolvers } from './all-payments.ts'
import { assetResolvers } from './assets.ts'
import { incomingPaymentResolvers } from './incoming-payments.ts'
import { liquidityResolvers } from './liquidity.ts'
import { outgoingPaymentResolvers } from './outgoing-payments.ts'
import { peerResolvers } from './peers.ts'
import { tenantResolvers } from './tenants.ts'
import { timelineResolvers } from './timelines.ts'
import { walletAddressResolvers } from './wallet-addresses.ts'
import { webhookResolvers } from './webhooks.ts'

/** The resolvers of all nouns. */
export const resolvers = [
  { UInt8, UInt64, JSONObject },
  tenantResolvers,
  assetResolvers,
  peerResolvers,
  walletAddressResolvers,
  incomingPaymentResolvers,
  outgoingPaymentResolvers,
  allPaymentResolvers,
  liquidityResolvers,
  accountingResolvers,
  webhookResolvers,
  timelineResolvers
]
