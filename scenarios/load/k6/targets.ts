/** What the scripts call: the `target` of their settings (sim/load/engine/k6-setting.ts). */

/** An Admin API, and the tenant that calls it. */
export interface AdminTarget {
  /** Of the service, without `/graphql`. */
  url: string
  tenantId: string
  secret: string
}

/** ILP packets over HTTP (RFC 35), as a peer sends them to a connector. */
export interface PacketTarget {
  senders: { url: string; authToken: string }[]
  destination: string
  /** Minor units, decimal. */
  amount: string
  /** What a packet should end with: `fulfilled`, or the code of a Reject. */
  goodOutcome: string
}

/** End-to-end payments as a wallet makes them over the Admin API of its node; the wallet funds them at its webhooks. */
export interface PaymentTarget {
  admin: AdminTarget
  payerWalletAddressId: string
  receiverUrl: string
  receiveAmount: { value: string; assetCode: string; assetScale: number }
}

/** What requests to the Admin API are about. */
export interface AdminSubjects {
  /** Of the node: each wallet address that is created is one below it. */
  openPaymentsUrl: string
  assetId: string
  walletAddressId: string
  incomingPaymentId: string
}

export interface AdminRequestsTarget extends AdminSubjects {
  admin: AdminTarget
}

/** The key of an Open Payments client: its id, and the 32 bytes of its Ed25519 seed as hexadecimal text. */
export interface ClientKey {
  keyId: string
  seed: string
}

/** A client of Open Payments, and the wallet address that it creates incoming payments at. */
export interface GrantTarget {
  client: { walletAddressUrl: string; key: ClientKey }
  receiver: { id: string; authServer: string; resourceServer: string }
}

/** A grant of GNAP, as far as it is used. */
export interface IssuedGrant {
  access_token: { value: string }
  continue: { uri: string; access_token: { value: string } }
}
