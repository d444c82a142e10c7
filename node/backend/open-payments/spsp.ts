import type { StreamReceiver } from '../../ilp/index.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import type { WalletAddress } from '../wallet-addresses/model.ts'
import { refuse } from './errors.ts'
import type { Refusal } from './errors.ts'
import type { Answer } from './request.ts'

export const SPSP_CONTENT_TYPE = 'application/spsp4+json'
/** RFC 39, Receipt-Nonce and Receipt-Secret: their bytes, as base64 text. */
const NONCE_BYTES = 16
const SECRET_BYTES = 32

/**
 * Credentials to pay a wallet address itself (RFC 9, SPSP). With both headers of RFC 39 the answers carry
 * receipts that whoever knows the secret can verify.
 */
export function answerSpsp(
  walletAddress: WalletAddress,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  {
    tenants,
    streamReceiver
  }: {
    tenants: Pick<TenantDirectory, 'get'>
    streamReceiver: Pick<StreamReceiver, 'createCredentials'>
  }
): Answer | Refusal {
  const nonce = bytesOf(headers['receipt-nonce'], NONCE_BYTES)
  const secret = bytesOf(headers['receipt-secret'], SECRET_BYTES)
  if (nonce === 'malformed' || secret === 'malformed' || (nonce === undefined) !== (secret === undefined)) {
    return refuse(
      400,
      `receipt-nonce and receipt-secret come together: base64 of ${NONCE_BYTES} and of ${SECRET_BYTES} bytes`
    )
  }
  const { tenantId, id, asset } = walletAddress
  const serverAddress = tenants.get(tenantId)?.settings.ilpAddress
  if (serverAddress === undefined) return refuse(404, 'the wallet address has no ILP address')
  const receipts = nonce && secret ? { nonce, secret } : undefined
  const { ilpAddress, sharedSecret } = streamReceiver.createCredentials({
    serverAddress,
    paymentTag: id,
    asset: { code: asset.code, scale: asset.scale },
    ...(receipts && { receipts })
  })
  return {
    status: 200,
    contentType: SPSP_CONTENT_TYPE,
    body: {
      destination_account: ilpAddress,
      shared_secret: sharedSecret.toString('base64url'),
      receipts_enabled: receipts !== undefined
    }
  }
}

function bytesOf(header: string | string[] | undefined, length: number): Buffer | undefined | 'malformed' {
  if (header === undefined) return undefined
  const bytes = Buffer.from(String(header), 'base64')
  return bytes.length === length ? bytes : 'malformed'
}
