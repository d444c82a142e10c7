import type * as registries from '../failures.ts'

/** A failure of a registry: `assetFailures.UnknownAsset`. */
export type Name = {
  [R in keyof typeof registries]: `${R}.${keyof (typeof registries)[R] & string}`
}[keyof typeof registries]

/** What no operation of the Admin API answers, and why; or the test that reaches it with what it takes. */
export const NOT_HERE: Partial<Record<Name, string>> = {
  'assetFailures.TooManyAssets': 'a limit of 32,767: assets.integration.test.ts',
  'peerFailures.TooManyPeers': 'a limit: peers.integration.test.ts',
  'tenantFailures.TooManyTenants': 'a limit: tenants/service.integration.test.ts',
  'feeFailures.InvalidFixedFee': 'UInt64 refuses what is below zero before, as BAD_USER_INPUT',
  'peerFailures.InvalidInitialLiquidity': 'UInt64 refuses what is out of range before, as BAD_USER_INPUT',
  'autoPeeringFailures.LiquidityError':
    'the deposit is under a new id into an account that is there: the ledger refuses none of these',
  'incomingPaymentFailures.ActionNotPerformed':
    'creations wait for the wallet: open-payments/approval.integration.test.ts, over both APIs',
  'outgoingPaymentFailures.InsufficientGrant':
    'no operation carries a grant: outgoing-payments/grant-limits.integration.test.ts',
  'outgoingPaymentFailures.GrantBusy': 'no operation carries a grant',
  'outgoingPaymentFailures.InvalidInterval': 'no operation carries a grant',
  'outgoingPaymentFailures.OnlyOneGrantAmountAllowed': 'no operation carries a grant',
  'outgoingPaymentFailures.InvalidAmount': 'its quote was refused before, with quoteFailures.InvalidAmount',
  'outgoingPaymentFailures.CouldNotFetchRates':
    'its quote was refused before, with quoteFailures.CouldNotFetchRates',
  'outgoingPaymentFailures.NonPositiveReceiveAmount':
    'NegativeReceiveAmount of the contract; its quote was refused before, with quoteFailures.NonPositiveReceiveAmount',
  'liquidityFailures.UnknownAccount':
    'UnknownSourceAccount of the contract; what can be named has an account, or is answered AmountZero',
  'tenantFailures.NotCreated': 'the authorization server is silent: tenants/service.integration.test.ts',
  'tenantFailures.UpdateAwaited': 'the authorization server is silent: tenants/service.integration.test.ts',
  'tenantFailures.UpdatePending': 'the authorization server is silent: tenants/service.integration.test.ts',
  'tenantFailures.DeletionAwaited': 'the authorization server is silent: tenants/service.integration.test.ts',
  'tenantSettingFailures.TenantNotFound': 'a deleted tenant is answered 401 before'
}

/** Names of the contract that no registry has: nothing here raises them. */
export const NOT_RAISED: Record<string, string> = {
  NoRatesForAsset: 'never raised in Rafiki either',
  'Transfer.DifferentAssets': 'no operation moves between two accounts that the caller names',
  'Transfer.SameAccounts': 'no operation moves between two accounts that the caller names',
  'Transfer.InsufficientDebitBalance': 'settlement accounts give what is deposited',
  'Transfer.InsufficientLiquidity': 'packets: T04 (connector)',
  'Transfer.InvalidAmount': 'UInt64 refuses it before, zero is AmountZero',
  'Transfer.InvalidSourceAmount': 'no operation names a source amount',
  'Transfer.InvalidDestinationAmount': 'no operation names a destination amount',
  'Transfer.UnknownDestinationAccount': 'what can be named has an account',
  'Transfer.UnknownError': 'an unexpected error is INTERNAL_SERVER_ERROR with an id: admin-api.test.ts',
  'Liquidity.UnknownPayment': 'an unknown payment is UnknownIncomingPayment or UnknownOutgoingPayment'
}
