import { createSecretKey } from 'node:crypto'
import type { Random } from '../../runtime/index.ts'
import { isValidAddress, segmentsBelow } from '../address.ts'
import type { StreamCredentials } from '../model.ts'
import { decrypt, encrypt, hmac } from './codec.ts'

/** The shortest server secret that is taken. */
export const SERVER_SECRET_BYTES = 32
/** The longest payment tag, in bytes of UTF-8. */
export const MAX_PAYMENT_TAG_BYTES = 255

const NONCE_BYTES = 18
const ORDERED_NONCE_BYTES = 16
const RECEIPT_NONCE_BYTES = 16
const RECEIPT_SECRET_BYTES = 32
const TOKEN_VERSION = 1

export interface AssetDetails {
  code: string
  /** 0 to 255. */
  scale: number
}

/** What makes receipts of a connection verifiable by a third party (STREAM Receipts). */
export interface ReceiptSetup {
  /** 16 bytes. */
  nonce: Buffer
  /** 32 bytes. */
  secret: Buffer
}

/** What a token holds: all that the receiver has to know of a connection, so that it need not store any. */
export interface ConnectionDetails {
  paymentTag: string
  asset?: AssetDetails
  receipts?: ReceiptSetup
}

/** A connection that was recognised by its address. */
export interface RecognisedConnection extends ConnectionDetails {
  /** The same for all packets of a connection, different for each connection. */
  connectionId: string
  sharedSecret: Buffer
}

/**
 * Credentials without storage (RFC 29, 4.1). An address is `<server address>.<token>`, the token base64url of
 *
 *   nonce (16 bytes ordered by time, 2 random) ‖ AES-256-GCM of the connection's details, bound to the server address
 *
 * under a key of its own for every nonce (so the fixed IV never meets a key twice), and the shared secret is
 * an HMAC of the token. Without the server secret a token can be neither read nor forged.
 */
export interface CredentialsIssuer {
  /** Fresh credentials. @throws RangeError when the details do not fit an address */
  issue(serverAddress: string, details: ConnectionDetails): StreamCredentials
  /** The connection that `destination` names, undefined unless it was issued here for `serverAddress`. */
  recognise(destination: string, serverAddress: string): RecognisedConnection | undefined
}

/** @throws RangeError when the secret has not 32 bytes */
export function createCredentialsIssuer(
  serverSecret: Buffer,
  random: Pick<Random, 'bytes' | 'orderedId'>
): CredentialsIssuer {
  if (serverSecret.length !== SERVER_SECRET_BYTES) {
    throw new RangeError(
      `The STREAM secret must have ${SERVER_SECRET_BYTES} bytes, not ${serverSecret.length}`
    )
  }
  const secret = createSecretKey(serverSecret)
  const tokenKeys = createSecretKey(hmac(secret, 'ilp_stream_connection_token'))
  const sharedSecrets = createSecretKey(hmac(secret, 'ilp_stream_shared_secret'))
  const tokenKey = (nonce: Buffer) => createSecretKey(hmac(tokenKeys, nonce))
  const iv = Buffer.alloc(12)

  return {
    issue(serverAddress, details) {
      // Its head tags the connection's credits in the ledger, whose indexes like new keys beside each other.
      const ordered = random
        .orderedId()
        .toString(16)
        .padStart(2 * ORDERED_NONCE_BYTES, '0')
      const nonce = Buffer.concat([
        Buffer.from(ordered, 'hex'),
        random.bytes(NONCE_BYTES - ORDERED_NONCE_BYTES)
      ])
      const sealed = encrypt(tokenKey(nonce), writeDetails(details), iv, Buffer.from(serverAddress))
      const token = Buffer.concat([nonce, sealed.subarray(iv.length)])
      const destination = `${serverAddress}.${token.toString('base64url')}`
      if (!isValidAddress(destination)) {
        throw new RangeError(`${destination.length} characters below ${serverAddress} make no ILP address`)
      }
      return { destination, sharedSecret: hmac(sharedSecrets, token) }
    },

    recognise(destination, serverAddress) {
      // Segments after the token are the sender's own (RFC 29, 4.2).
      const text = segmentsBelow(serverAddress, destination)?.[0]
      if (text === undefined) return undefined
      const token = Buffer.from(text, 'base64url')
      if (token.length <= NONCE_BYTES || token.toString('base64url') !== text) return undefined
      const nonce = token.subarray(0, NONCE_BYTES)
      const sealed = Buffer.concat([iv, token.subarray(NONCE_BYTES)])
      const plain = decrypt(tokenKey(nonce), sealed, Buffer.from(serverAddress))
      if (plain === undefined || plain[0] !== TOKEN_VERSION) return undefined
      return {
        ...readDetails(plain),
        connectionId: nonce.toString('base64url'),
        sharedSecret: hmac(sharedSecrets, token)
      }
    }
  }
}

// version ‖ tag ‖ asset code ‖ asset scale ‖ receipt nonce ‖ receipt secret; the texts and the receipt's parts
// with a length byte each, an empty code for an unknown asset, empty parts without receipts.
function writeDetails({ paymentTag, asset, receipts }: ConnectionDetails): Buffer {
  if (asset && (!Number.isInteger(asset.scale) || asset.scale < 0 || asset.scale > 255)) {
    throw new RangeError(`An asset scale is a whole number from 0 to 255, not ${asset.scale}`)
  }
  if (
    receipts &&
    (receipts.nonce.length !== RECEIPT_NONCE_BYTES || receipts.secret.length !== RECEIPT_SECRET_BYTES)
  ) {
    throw new RangeError('A receipt nonce has 16 bytes, a receipt secret 32')
  }
  const parts = [Buffer.from(paymentTag), Buffer.from(asset?.code ?? '')]
  for (const part of parts) {
    if (part.length > MAX_PAYMENT_TAG_BYTES)
      throw new RangeError(`${part.length} bytes are too many for a token`)
  }
  return Buffer.concat([
    Buffer.of(TOKEN_VERSION),
    ...parts.flatMap((part) => [Buffer.of(part.length), part]),
    Buffer.of(asset?.scale ?? 0),
    ...[receipts?.nonce, receipts?.secret].flatMap((part) => [
      Buffer.of(part?.length ?? 0),
      part ?? Buffer.alloc(0)
    ])
  ])
}

/** Only ever reads what `writeDetails` wrote: the token is authenticated. */
function readDetails(plain: Buffer): ConnectionDetails {
  let offset = 1
  const next = () => {
    const start = offset + 1
    offset = start + plain[start - 1]!
    return plain.subarray(start, offset)
  }
  const paymentTag = next().toString()
  const code = next().toString()
  const scale = plain[offset++]!
  const nonce = next()
  const secret = next()
  return {
    paymentTag,
    ...(code !== '' && { asset: { code, scale } }),
    ...(nonce.length > 0 && { receipts: { nonce, secret } })
  }
}
