import type { KeyObject } from 'node:crypto'
import type { Clock, HttpClient } from '../../runtime/index.ts'
import { loadAnswerSchemas } from './answer-schemas.ts'
import type { AnswerSchemas } from './answer-schemas.ts'
import type { Receivers } from './model.ts'
import { createOpenPaymentsClient } from './open-payments-client.ts'
import { createRecentReads } from './recent-reads.ts'
import { createReceiversService } from './service.ts'
import type { ReceiversDependencies } from './service.ts'
import { createSignedHttp } from './signed-http.ts'

export { RemoteUnavailableError } from './signed-http.ts'
export type { Receiver, ReceiverFailure, Receivers } from './model.ts'

/** Receivers on a running node: the service with its client of other nodes. */
export function createReceivers({
  config,
  http,
  clock,
  instanceKey,
  tenants,
  walletAddresses,
  incomingPayments
}: {
  config: {
    OPEN_PAYMENTS_URL: string
    OPEN_PAYMENTS_SCHEME: 'http' | 'https'
    WALLET_ADDRESS_URL: string
    KEY_ID: string
  }
  /** With `allowPrivateAddresses` as ALLOW_PRIVATE_ADDRESSES says: third parties choose the URLs. */
  http: HttpClient
  clock: Clock
  /** The Ed25519 private key of PRIVATE_KEY_FILE. */
  instanceKey: KeyObject
  tenants: ReceiversDependencies['tenants']
  walletAddresses: ReceiversDependencies['walletAddresses']
  incomingPayments: ReceiversDependencies['incomingPayments']
}): Receivers {
  let loading: Promise<AnswerSchemas> | undefined
  const client = createOpenPaymentsClient({
    http: createSignedHttp({
      http,
      clock,
      scheme: config.OPEN_PAYMENTS_SCHEME,
      keyId: config.KEY_ID,
      privateKey: instanceKey
    }),
    schemas: () => (loading ??= loadAnswerSchemas()),
    clock,
    clientWalletAddress: config.WALLET_ADDRESS_URL
  })
  return createReceiversService({
    openPaymentsUrl: config.OPEN_PAYMENTS_URL,
    tenants,
    walletAddresses,
    incomingPayments,
    client,
    recentReads: createRecentReads(clock)
  })
}
