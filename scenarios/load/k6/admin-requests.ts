import type { AdminSubjects } from './targets.ts'

// What wallets ask of a node again and again. Plain JavaScript: k6 imports it, too.

export interface AdminRequest {
  /** How it ended, when all was well. */
  outcome: string
  query: string
  variables(subjects: AdminSubjects, id: string): Record<string, unknown>
}

export const CREATED = {
  walletAddress: 'created a wallet address',
  incomingPayment: 'created an incoming payment'
}

/** By turns; `id` is another one each time. */
export const ADMIN_REQUESTS: readonly AdminRequest[] = [
  {
    outcome: CREATED.walletAddress,
    query: `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
      createWalletAddress(input: $input) { walletAddress { id address } } }`,
    variables: ({ openPaymentsUrl, assetId }, id) => ({
      input: { address: `${openPaymentsUrl}/load-${id}`, assetId, publicName: 'Load', idempotencyKey: id }
    })
  },
  {
    outcome: 'read a wallet address',
    query: `query WalletAddress($id: String!) {
      walletAddress(id: $id) { id address publicName asset { code scale } liquidity } }`,
    variables: ({ walletAddressId }, request) => ({ id: walletAddressId, request })
  },
  {
    outcome: CREATED.incomingPayment,
    query: `mutation CreateIncomingPayment($input: CreateIncomingPaymentInput!) {
      createIncomingPayment(input: $input) { payment { id state } } }`,
    variables: ({ walletAddressId }, id) => ({ input: { walletAddressId, idempotencyKey: id } })
  },
  {
    outcome: 'read an incoming payment',
    query: `query IncomingPayment($id: String!) {
      incomingPayment(id: $id) { id state expiresAt receivedAmount { value assetCode assetScale } } }`,
    variables: ({ incomingPaymentId }, request) => ({ id: incomingPaymentId, request })
  },
  {
    outcome: 'listed payments',
    query: `query Payments { payments(first: 20) { edges { node { id type state createdAt } } pageInfo { hasNextPage } } }`,
    // A variable that no query declares: equal bodies of one millisecond would carry one signature.
    variables: (_, request) => ({ request })
  },
  {
    outcome: 'listed peers',
    query: `query Peers { peers(first: 20) { edges { node { id name staticIlpAddress liquidity } } } }`,
    variables: (_, request) => ({ request })
  }
]
