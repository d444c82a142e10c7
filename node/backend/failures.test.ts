import { describe, expect, it } from 'vitest'
import * as registries from './failures.ts'

/** What the contract says of each failure (section 1.6 of the facts): the code and the message of its GraphQL error. */
const CONTRACT = {
  assetFailures: {
    UnknownAsset: ['NOT_FOUND', 'Asset not found'],
    DuplicateAsset: ['DUPLICATE', 'Asset already exists'],
    CannotDeleteInUseAsset: ['FORBIDDEN', 'Cannot delete! Asset in use.']
  },
  feeFailures: {
    UnknownAsset: ['NOT_FOUND', 'Unknown asset'],
    InvalidBasisPointFee: ['BAD_USER_INPUT', 'Basis point fee must be between 0 and 10000'],
    InvalidFixedFee: ['BAD_USER_INPUT', 'Fixed fee must be greater than or equal to 0']
  },
  peerFailures: {
    DuplicateIncomingToken: ['DUPLICATE', 'duplicate incoming token'],
    DuplicatePeer: ['DUPLICATE', 'duplicate peer found for same ILP address and asset'],
    InvalidStaticIlpAddress: ['BAD_USER_INPUT', 'invalid ILP address'],
    InvalidHTTPEndpoint: ['BAD_USER_INPUT', 'invalid HTTP endpoint'],
    UnknownAsset: ['NOT_FOUND', 'unknown asset'],
    UnknownPeer: ['NOT_FOUND', 'unknown peer'],
    InvalidInitialLiquidity: ['BAD_USER_INPUT', 'invalid initial liquidity for peer']
  },
  autoPeeringFailures: {
    InvalidIlpConfiguration: ['BAD_USER_INPUT', 'The ILP configuration is misconfigured'],
    InvalidPeerIlpConfiguration: [
      'INTERNAL_SERVER_ERROR',
      "Requested peer's ILP configuration is misconfigured"
    ],
    UnknownAsset: ['NOT_FOUND'],
    PeerUnsupportedAsset: ['BAD_USER_INPUT', 'Peer does not support asset'],
    InvalidPeerUrl: ['NOT_FOUND', 'Peer URL is invalid or peer does not support auto-peering'],
    InvalidPeeringRequest: ['BAD_USER_INPUT'],
    LiquidityError: ['INTERNAL_SERVER_ERROR', 'Could not deposit liquidity to peer']
  },
  walletAddressFailures: {
    InvalidUrl: ['BAD_USER_INPUT', 'invalid url'],
    UnknownAsset: ['BAD_USER_INPUT', 'unknown asset'],
    UnknownWalletAddress: ['NOT_FOUND', 'unknown wallet address'],
    DuplicateWalletAddress: ['DUPLICATE', 'Duplicate wallet address found with the same url'],
    WalletAddressSettingNotFound: ['NOT_FOUND', 'Setting for wallet address has not been found.']
  },
  walletAddressKeyFailures: {
    DuplicateKey: ['DUPLICATE', 'Key already exists'],
    UnknownKey: ['NOT_FOUND', 'Wallet address key not found']
  },
  incomingPaymentFailures: {
    UnknownWalletAddress: ['NOT_FOUND'],
    InvalidAmount: ['BAD_USER_INPUT', 'invalid amount'],
    UnknownPayment: ['NOT_FOUND', 'unknown payment'],
    InvalidState: ['BAD_USER_INPUT'],
    InvalidExpiry: ['BAD_USER_INPUT', 'invalid expiresAt'],
    WrongState: ['CONFLICT', 'wrong state'],
    InactiveWalletAddress: ['INACTIVE', 'inactive wallet address'],
    ActionNotPerformed: ['TIMEOUT', 'action not performed'],
    AlreadyActioned: ['FORBIDDEN', 'action already performed']
  },
  receiverFailures: {
    NotFound: ['NOT_FOUND', 'unknown incoming payment'],
    UnknownWalletAddress: ['NOT_FOUND', 'unknown wallet address'],
    InvalidRequest: ['BAD_USER_INPUT', 'invalid remote incoming payment request'],
    InvalidGrant: ['FORBIDDEN', 'invalid grant for remote incoming payment']
  },
  quoteFailures: {
    UnknownWalletAddress: ['NOT_FOUND'],
    InvalidAmount: ['BAD_USER_INPUT'],
    InvalidReceiver: ['BAD_USER_INPUT'],
    InactiveWalletAddress: ['INACTIVE'],
    NonPositiveReceiveAmount: ['BAD_USER_INPUT', 'non-positive receive amount'],
    CouldNotFetchRates: ['INTERNAL_SERVER_ERROR', 'could not convert between assets']
  },
  outgoingPaymentFailures: {
    UnknownWalletAddress: ['NOT_FOUND'],
    UnknownPayment: ['NOT_FOUND'],
    UnknownQuote: ['NOT_FOUND'],
    WrongState: ['CONFLICT'],
    InvalidQuote: ['BAD_USER_INPUT'],
    InsufficientGrant: ['FORBIDDEN', 'unauthorized'],
    InactiveWalletAddress: ['INACTIVE'],
    InvalidAmount: ['BAD_USER_INPUT'],
    // NegativeReceiveAmount of the contract.
    NonPositiveReceiveAmount: ['BAD_USER_INPUT', 'negative receive amount'],
    InvalidReceiver: ['BAD_USER_INPUT'],
    InvalidInterval: ['INTERNAL_SERVER_ERROR'],
    OnlyOneGrantAmountAllowed: ['BAD_USER_INPUT', 'only one of receiveAmount or debitAmount allowed'],
    CouldNotFetchRates: ['INTERNAL_SERVER_ERROR']
  },
  liquidityFailures: {
    AlreadyPosted: ['CONFLICT', 'Transfer already posted'],
    AlreadyVoided: ['CONFLICT', 'Transfer already voided'],
    AmountZero: ['FORBIDDEN', 'Transfer amount is zero'],
    InsufficientBalance: ['FORBIDDEN', 'Insufficient transfer balance'],
    InvalidId: ['BAD_USER_INPUT', 'Invalid transfer id'],
    TransferExists: ['DUPLICATE', 'Transfer already exists'],
    TransferExpired: ['FORBIDDEN', 'Transfer already expired'],
    UnknownTransfer: ['NOT_FOUND', 'Unknown transfer'],
    // UnknownSourceAccount of the contract.
    UnknownAccount: ['NOT_FOUND', 'Unknown source account']
  },
  tenantFailures: {
    InvalidTenantId: ['BAD_USER_INPUT', 'Invalid Tenant ID'],
    NotUpdated: ['NOT_FOUND', 'failed to update tenant'],
    NotDeleted: ['NOT_FOUND', 'failed to delete tenant'],
    UpdateAwaited: ['TIMEOUT', 'failed to update tenant'],
    UpdatePending: ['CONFLICT', 'failed to update tenant'],
    DeletionAwaited: ['TIMEOUT', 'failed to delete tenant']
  },
  tenantSettingFailures: {
    InvalidSetting: ['BAD_USER_INPUT', 'Invalid value for one or more tenant settings'],
    DuplicateWalletAddressUrl: ['BAD_USER_INPUT', 'Wallet Address Url already exists'],
    TenantNotFound: ['NOT_FOUND']
  }
} satisfies Record<string, Record<string, string[]>>

describe('failures', () => {
  it.each(Object.entries(CONTRACT))('of %s have the codes and messages of the contract', (name, rows) => {
    const registry = registries[name as keyof typeof CONTRACT] as Record<
      string,
      { graphql: string; message: string }
    >
    const contract: Record<string, string[]> = rows
    const ours = Object.keys(contract).map((failure) => {
      const { graphql, message } = registry[failure]!
      return [failure, contract[failure]!.length === 1 ? [graphql] : [graphql, message]]
    })
    expect(Object.fromEntries(ours)).toEqual(contract)
  })
})
