import type { AssetFailure } from './assets/model.ts'
import type { AutoPeeringFailure } from './auto-peering/index.ts'
import type { FeeFailure } from './fees/model.ts'
import type { IncomingPaymentFailure } from './incoming-payments/model.ts'
import type { LiquidityFailure } from './liquidity/model.ts'
import type { OutgoingPaymentFailure } from './outgoing-payments/model.ts'
import type { PeerFailure } from './peers/model.ts'
import type { QuoteFailure } from './quotes/model.ts'
import type { ReceiverFailure } from './receivers/model.ts'
import type { TenantFailure, TenantSettingFailure } from './tenants/model.ts'
import type { WalletAddressFailure } from './wallet-addresses/model.ts'
import type { WebhookFailure } from './webhooks/model.ts'

/** Values of `extensions.code` on the Admin API. */
export type GraphqlErrorCode =
  | 'BAD_USER_INPUT'
  | 'DUPLICATE'
  | 'FORBIDDEN'
  | 'INACTIVE'
  | 'INTERNAL_SERVER_ERROR'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'TIMEOUT'

/** How one failure looks to the callers of both APIs. Messages are the contract's. */
export interface FailureKind {
  graphql: GraphqlErrorCode
  /** The status on the Open Payments API. */
  http: number
  message: string
}

/** The failures of one noun, by code. */
export type FailureRegistry<Code extends string> = Readonly<Record<Code, FailureKind>>

function kind(graphql: GraphqlErrorCode, http: number, message: string): FailureKind {
  return { graphql, http, message }
}

export const assetFailures: FailureRegistry<AssetFailure> = {
  UnknownAsset: kind('NOT_FOUND', 404, 'Asset not found'),
  DuplicateAsset: kind('DUPLICATE', 409, 'Asset already exists'),
  CannotDeleteInUseAsset: kind('FORBIDDEN', 403, 'Cannot delete! Asset in use.'),
  TooManyAssets: kind('FORBIDDEN', 403, 'too many assets')
}

export const feeFailures: FailureRegistry<FeeFailure> = {
  UnknownAsset: kind('NOT_FOUND', 404, 'Unknown asset'),
  InvalidBasisPointFee: kind('BAD_USER_INPUT', 400, 'Basis point fee must be between 0 and 10000'),
  InvalidFixedFee: kind('BAD_USER_INPUT', 400, 'Fixed fee must be greater than or equal to 0')
}

export const peerFailures: FailureRegistry<PeerFailure> = {
  DuplicateIncomingToken: kind('DUPLICATE', 409, 'duplicate incoming token'),
  DuplicatePeer: kind('DUPLICATE', 409, 'duplicate peer found for same ILP address and asset'),
  InvalidStaticIlpAddress: kind('BAD_USER_INPUT', 400, 'invalid ILP address'),
  InvalidHTTPEndpoint: kind('BAD_USER_INPUT', 400, 'invalid HTTP endpoint'),
  UnknownAsset: kind('NOT_FOUND', 404, 'unknown asset'),
  UnknownPeer: kind('NOT_FOUND', 404, 'unknown peer'),
  InvalidInitialLiquidity: kind('BAD_USER_INPUT', 400, 'invalid initial liquidity for peer'),
  TooManyPeers: kind('FORBIDDEN', 403, 'too many peers')
}

export const autoPeeringFailures: FailureRegistry<AutoPeeringFailure> = {
  InvalidIlpConfiguration: kind('BAD_USER_INPUT', 400, 'The ILP configuration is misconfigured'),
  InvalidPeerIlpConfiguration: kind(
    'INTERNAL_SERVER_ERROR',
    400,
    "Requested peer's ILP configuration is misconfigured"
  ),
  UnknownAsset: kind('NOT_FOUND', 404, 'Unknown asset'),
  PeerUnsupportedAsset: kind('BAD_USER_INPUT', 400, 'Peer does not support asset'),
  InvalidPeerUrl: kind('NOT_FOUND', 400, 'Peer URL is invalid or peer does not support auto-peering'),
  InvalidPeeringRequest: kind('BAD_USER_INPUT', 400, 'Invalid peering request'),
  LiquidityError: kind('INTERNAL_SERVER_ERROR', 400, 'Could not deposit liquidity to peer')
}

export const walletAddressFailures: FailureRegistry<WalletAddressFailure> = {
  InvalidUrl: kind('BAD_USER_INPUT', 400, 'invalid url'),
  UnknownAsset: kind('BAD_USER_INPUT', 400, 'unknown asset'),
  UnknownWalletAddress: kind('NOT_FOUND', 404, 'unknown wallet address'),
  DuplicateWalletAddress: kind('DUPLICATE', 409, 'Duplicate wallet address found with the same url'),
  WalletAddressSettingNotFound: kind('NOT_FOUND', 404, 'Setting for wallet address has not been found.')
}

export const walletAddressKeyFailures: FailureRegistry<
  'DuplicateKey' | 'UnknownKey' | 'UnknownWalletAddress'
> = {
  DuplicateKey: kind('DUPLICATE', 409, 'Key already exists'),
  UnknownKey: kind('NOT_FOUND', 404, 'Wallet address key not found'),
  UnknownWalletAddress: kind('NOT_FOUND', 404, 'unknown wallet address')
}

export const incomingPaymentFailures: FailureRegistry<IncomingPaymentFailure> = {
  UnknownWalletAddress: kind('NOT_FOUND', 404, 'unknown wallet address'),
  UnknownPayment: kind('NOT_FOUND', 404, 'unknown payment'),
  InvalidAmount: kind('BAD_USER_INPUT', 400, 'invalid amount'),
  InvalidState: kind('BAD_USER_INPUT', 400, 'invalid state'),
  InvalidExpiry: kind('BAD_USER_INPUT', 400, 'invalid expiresAt'),
  WrongState: kind('CONFLICT', 409, 'wrong state'),
  InactiveWalletAddress: kind('INACTIVE', 400, 'inactive wallet address'),
  ActionNotPerformed: kind('TIMEOUT', 403, 'action not performed'),
  AlreadyActioned: kind('FORBIDDEN', 403, 'action already performed')
}

export const receiverFailures: FailureRegistry<ReceiverFailure> = {
  NotFound: kind('NOT_FOUND', 404, 'unknown incoming payment'),
  UnknownWalletAddress: kind('NOT_FOUND', 404, 'unknown wallet address'),
  InvalidRequest: kind('BAD_USER_INPUT', 400, 'invalid remote incoming payment request'),
  InvalidGrant: kind('FORBIDDEN', 403, 'invalid grant for remote incoming payment')
}

export const quoteFailures: FailureRegistry<QuoteFailure> = {
  UnknownWalletAddress: kind('NOT_FOUND', 404, 'unknown wallet address'),
  InvalidAmount: kind('BAD_USER_INPUT', 400, 'invalid amount'),
  InvalidReceiver: kind('BAD_USER_INPUT', 400, 'invalid receiver'),
  InactiveWalletAddress: kind('INACTIVE', 400, 'inactive wallet address'),
  NonPositiveReceiveAmount: kind('BAD_USER_INPUT', 400, 'non-positive receive amount'),
  CouldNotFetchRates: kind('INTERNAL_SERVER_ERROR', 500, 'could not convert between assets')
}

export const outgoingPaymentFailures: FailureRegistry<OutgoingPaymentFailure> = {
  UnknownWalletAddress: kind('NOT_FOUND', 404, 'unknown wallet address'),
  UnknownPayment: kind('NOT_FOUND', 404, 'unknown payment'),
  UnknownQuote: kind('NOT_FOUND', 404, 'unknown quote'),
  WrongState: kind('CONFLICT', 409, 'wrong state'),
  InvalidQuote: kind('BAD_USER_INPUT', 400, 'invalid quote'),
  InsufficientGrant: kind('FORBIDDEN', 403, 'unauthorized'),
  GrantBusy: kind('TIMEOUT', 503, 'grant is busy'),
  InactiveWalletAddress: kind('INACTIVE', 400, 'inactive wallet address'),
  InvalidAmount: kind('BAD_USER_INPUT', 400, 'invalid amount'),
  InvalidReceiver: kind('BAD_USER_INPUT', 400, 'invalid receiver'),
  // Both are what the client's grant says: 403 here, 500 in Rafiki (docs/compatibility.md).
  InvalidInterval: kind('INTERNAL_SERVER_ERROR', 403, 'invalid interval'),
  OnlyOneGrantAmountAllowed: kind('BAD_USER_INPUT', 403, 'only one of receiveAmount or debitAmount allowed'),
  CouldNotFetchRates: kind('INTERNAL_SERVER_ERROR', 500, 'could not convert between assets'),
  NonPositiveReceiveAmount: kind('BAD_USER_INPUT', 400, 'negative receive amount'),
  DataTooLong: kind('BAD_USER_INPUT', 400, 'dataToTransmit is too long')
}

export const liquidityFailures: FailureRegistry<LiquidityFailure> = {
  AlreadyPosted: kind('CONFLICT', 409, 'Transfer already posted'),
  AlreadyVoided: kind('CONFLICT', 409, 'Transfer already voided'),
  AmountZero: kind('FORBIDDEN', 403, 'Transfer amount is zero'),
  InsufficientBalance: kind('FORBIDDEN', 403, 'Insufficient transfer balance'),
  InvalidId: kind('BAD_USER_INPUT', 400, 'Invalid transfer id'),
  TransferExists: kind('DUPLICATE', 409, 'Transfer already exists'),
  TransferExpired: kind('FORBIDDEN', 403, 'Transfer already expired'),
  UnknownTransfer: kind('NOT_FOUND', 404, 'Unknown transfer'),
  UnknownAccount: kind('NOT_FOUND', 404, 'Unknown source account')
}

export const tenantFailures: FailureRegistry<TenantFailure> = {
  InvalidTenantId: kind('BAD_USER_INPUT', 400, 'Invalid Tenant ID'),
  InvalidTenant: kind('BAD_USER_INPUT', 400, 'invalid tenant'),
  DuplicateTenant: kind('DUPLICATE', 409, 'Tenant already exists'),
  TooManyTenants: kind('FORBIDDEN', 403, 'too many tenants'),
  NotCreated: kind('TIMEOUT', 503, 'failed to create tenant'),
  NotUpdated: kind('NOT_FOUND', 404, 'failed to update tenant'),
  NotDeleted: kind('NOT_FOUND', 404, 'failed to delete tenant'),
  UpdateAwaited: kind('TIMEOUT', 503, 'failed to update tenant'),
  UpdatePending: kind('CONFLICT', 409, 'failed to update tenant'),
  DeletionAwaited: kind('TIMEOUT', 503, 'failed to delete tenant')
}

export const tenantSettingFailures: FailureRegistry<TenantSettingFailure> = {
  InvalidSetting: kind('BAD_USER_INPUT', 400, 'Invalid value for one or more tenant settings'),
  DuplicateWalletAddressUrl: kind('BAD_USER_INPUT', 400, 'Wallet Address Url already exists'),
  TenantNotFound: kind('NOT_FOUND', 404, 'Tenant not found')
}

export const webhookFailures: FailureRegistry<WebhookFailure> = {
  UnknownEvent: kind('NOT_FOUND', 404, 'Webhook event not found'),
  UnknownDelivery: kind('NOT_FOUND', 404, 'Webhook event has no such delivery'),
  NothingToSendAgain: kind('CONFLICT', 409, 'No delivery of the webhook event was given up')
}
