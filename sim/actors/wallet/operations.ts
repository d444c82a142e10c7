// What a wallet asks of the Admin API.

export const PAYMENT_STATE = `query OutgoingPayment($id: String!) { outgoingPayment(id: $id) { state } }`
export const ASSET = `query AssetByCodeAndScale($code: String!, $scale: UInt8!) {
  assetByCodeAndScale(code: $code, scale: $scale) { id } }`
export const CANCEL = `mutation CancelOutgoingPayment($input: CancelOutgoingPaymentInput!) {
  cancelOutgoingPayment(input: $input) { payment { id } } }`
export const FUND = `mutation DepositOutgoingPaymentLiquidity($input: DepositOutgoingPaymentLiquidityInput!) {
  depositOutgoingPaymentLiquidity(input: $input) { success } }`
export const WITHDRAW_INCOMING = `mutation CreateIncomingPaymentWithdrawal($input: CreateIncomingPaymentWithdrawalInput!) {
  createIncomingPaymentWithdrawal(input: $input) { success } }`
export const WITHDRAW_OUTGOING = `mutation CreateOutgoingPaymentWithdrawal($input: CreateOutgoingPaymentWithdrawalInput!) {
  createOutgoingPaymentWithdrawal(input: $input) { success } }`
export const WITHDRAW_WALLET_ADDRESS = `mutation CreateWalletAddressWithdrawal($input: CreateWalletAddressWithdrawalInput!) {
  createWalletAddressWithdrawal(input: $input) { withdrawal { id } } }`
export const DEPOSIT_ASSET = `mutation DepositAssetLiquidity($input: DepositAssetLiquidityInput!) {
  depositAssetLiquidity(input: $input) { success } }`
export const DEPOSIT_PEER = `mutation DepositPeerLiquidity($input: DepositPeerLiquidityInput!) {
  depositPeerLiquidity(input: $input) { success } }`
export const CREATE_WALLET_ADDRESS = `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
export const APPROVE_INCOMING = `mutation ApproveIncomingPayment($input: ApproveIncomingPaymentInput!) {
  approveIncomingPayment(input: $input) { payment { id } } }`
export const CANCEL_INCOMING = `mutation CancelIncomingPayment($input: CancelIncomingPaymentInput!) {
  cancelIncomingPayment(input: $input) { payment { id } } }`
export const CONFIRM_PARTIAL = `mutation ConfirmPartialIncomingPayment($input: ConfirmPartialIncomingPaymentInput!) {
  confirmPartialIncomingPayment(input: $input) { success } }`
export const REJECT_PARTIAL = `mutation RejectPartialIncomingPayment($input: RejectPartialIncomingPaymentInput!) {
  rejectPartialIncomingPayment(input: $input) { success } }`
