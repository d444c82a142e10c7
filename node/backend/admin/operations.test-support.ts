/** Operations of the Admin API that several tests run, each of one input. */
export const CREATE_ASSET = `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id code } } }`
export const UPDATE_ASSET = `mutation ($input: UpdateAssetInput!) {
  updateAsset(input: $input) { asset { withdrawalThreshold liquidityThreshold } } }`
export const DELETE_ASSET = `mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { asset { id } } }`
export const SET_FEE = `mutation ($input: SetFeeInput!) { setFee(input: $input) { fee { id } } }`
export const CREATE_PEER = `mutation ($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
export const DELETE_PEER = `mutation ($input: DeletePeerInput!) { deletePeer(input: $input) { success liquidity } }`
export const DEPOSIT_ASSET = `mutation ($input: DepositAssetLiquidityInput!) { depositAssetLiquidity(input: $input) { success } }`
export const DEPOSIT_PEER = `mutation ($input: DepositPeerLiquidityInput!) { depositPeerLiquidity(input: $input) { success } }`
export const WITHDRAW_ASSET = `mutation ($input: CreateAssetLiquidityWithdrawalInput!) {
  createAssetLiquidityWithdrawal(input: $input) { success } }`
export const WITHDRAW_PEER = `mutation ($input: CreatePeerLiquidityWithdrawalInput!) {
  createPeerLiquidityWithdrawal(input: $input) { success } }`
export const POST = `mutation ($input: PostLiquidityWithdrawalInput!) { postLiquidityWithdrawal(input: $input) { success } }`
export const VOID = `mutation ($input: VoidLiquidityWithdrawalInput!) { voidLiquidityWithdrawal(input: $input) { success } }`
export const WITHDRAW_INCOMING = `mutation ($input: CreateIncomingPaymentWithdrawalInput!) {
  createIncomingPaymentWithdrawal(input: $input) { success } }`
export const WITHDRAW_OUTGOING = `mutation ($input: CreateOutgoingPaymentWithdrawalInput!) {
  createOutgoingPaymentWithdrawal(input: $input) { success } }`
export const FUND = `mutation ($input: DepositOutgoingPaymentLiquidityInput!) {
  depositOutgoingPaymentLiquidity(input: $input) { success } }`
export const CREATE_WALLET_ADDRESS = `mutation ($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
export const CREATE_INCOMING = `mutation ($input: CreateIncomingPaymentInput!) {
  createIncomingPayment(input: $input) { payment { id url } } }`
export const CREATE_QUOTE = `mutation ($input: CreateQuoteInput!) { createQuote(input: $input) { quote { id } } }`
export const CREATE_OUTGOING = `mutation ($input: CreateOutgoingPaymentInput!) {
  createOutgoingPayment(input: $input) { payment { id } } }`

export const PEER_BY_URL = `mutation ($input: CreateOrUpdatePeerByUrlInput!) { createOrUpdatePeerByUrl(input: $input) { peer { id } } }`
export const UPDATE_PEER = `mutation ($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id } } }`
export const UPDATE_ADDRESS = `mutation ($input: UpdateWalletAddressInput!) { updateWalletAddress(input: $input) { walletAddress { id } } }`
export const CREATE_KEY = `mutation ($input: CreateWalletAddressKeyInput!) { createWalletAddressKey(input: $input) { walletAddressKey { id } } }`
export const REVOKE_KEY = `mutation ($input: RevokeWalletAddressKeyInput!) { revokeWalletAddressKey(input: $input) { walletAddressKey { id } } }`
export const APPROVE = `mutation ($input: ApproveIncomingPaymentInput!) { approveIncomingPayment(input: $input) { payment { id } } }`
export const CANCEL_INCOMING = `mutation ($input: CancelIncomingPaymentInput!) { cancelIncomingPayment(input: $input) { payment { id } } }`
export const CONFIRM = `mutation ($input: ConfirmPartialIncomingPaymentInput!) { confirmPartialIncomingPayment(input: $input) { success } }`
export const CREATE_RECEIVER = `mutation ($input: CreateReceiverInput!) { createReceiver(input: $input) { receiver { id } } }`
export const COMPLETE_RECEIVER = `mutation ($input: CompleteReceiverInput!) { completeReceiver(input: $input) { receiver { id } } }`
export const CANCEL_OUTGOING = `mutation ($input: CancelOutgoingPaymentInput!) { cancelOutgoingPayment(input: $input) { payment { id } } }`
export const WITHDRAW_ADDRESS = `mutation ($input: CreateWalletAddressWithdrawalInput!) { createWalletAddressWithdrawal(input: $input) { withdrawal { id } } }`
export const CREATE_TENANT = `mutation ($input: CreateTenantInput!) { createTenant(input: $input) { tenant { id } } }`
export const UPDATE_TENANT = `mutation ($input: UpdateTenantInput!) { updateTenant(input: $input) { tenant { id } } }`
export const SETTINGS = `mutation ($input: CreateTenantSettingsInput!) { createTenantSettings(input: $input) { settings { key } } }`
export const RESEND = `mutation ($input: ResendWebhookEventInput!) { resendWebhookEvent(input: $input) { webhookEvent { id } } }`

export const MUTATIONS: Record<string, string> = {
  CREATE_ASSET,
  UPDATE_ASSET,
  SET_FEE,
  DEPOSIT_ASSET,
  DEPOSIT_PEER,
  WITHDRAW_ASSET,
  POST,
  WITHDRAW_INCOMING,
  WITHDRAW_OUTGOING,
  FUND,
  CREATE_INCOMING,
  CREATE_QUOTE,
  CREATE_OUTGOING
}
