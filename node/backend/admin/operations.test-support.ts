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
