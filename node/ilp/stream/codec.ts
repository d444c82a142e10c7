import { createCipheriv, createDecipheriv, createHmac, createSecretKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { Packet, StreamMaxMoneyFrame } from 'ilp-protocol-stream/dist/src/packet.js'
import type { Frame } from 'ilp-protocol-stream/dist/src/packet.js'
import type { Random } from '../../runtime/index.ts'
import { MAX_PACKET_AMOUNT, MAX_PACKET_DATA_BYTES } from '../packet.ts'

export {
  ConnectionAssetDetailsFrame,
  ConnectionCloseFrame,
  ConnectionMaxDataFrame,
  ConnectionMaxStreamIdFrame,
  ConnectionNewAddressFrame,
  ErrorCode as StreamErrorCode,
  FrameType,
  StreamCloseFrame,
  StreamDataFrame,
  StreamMaxDataFrame,
  StreamMaxMoneyFrame,
  StreamMoneyFrame,
  StreamReceiptFrame
} from 'ilp-protocol-stream/dist/src/packet.js'
export type { Frame } from 'ilp-protocol-stream/dist/src/packet.js'

/** Sequence numbers stay below this, for with more packets under one key AES-GCM wears out (RFC 29, 5.1). */
export const MAX_SEQUENCE = 2 ** 31 - 1

const IV_BYTES = 12
const TAG_BYTES = 16
/** What encryption adds to a packet. */
export const ENCRYPTION_OVERHEAD_BYTES = IV_BYTES + TAG_BYTES
/** The longest frames that fit a packet, its header of at most 24 bytes and the encryption taken off. */
export const MAX_FRAME_BYTES = MAX_PACKET_DATA_BYTES - ENCRYPTION_OVERHEAD_BYTES - 24

/** The ILP packet types that STREAM data names (RFC 29, 5.2). */
export const StreamPacketType = { PREPARE: 12, FULFILL: 13, REJECT: 14 } as const
export type StreamPacketType = (typeof StreamPacketType)[keyof typeof StreamPacketType]

/** STREAM data, decoded (RFC 29, 5.2). */
export interface StreamPacket {
  sequence: bigint
  type: StreamPacketType
  /** On a Prepare: the least that the receiver may accept. On a reply: what arrived. Destination units. */
  prepareAmount: bigint
  frames: Frame[]
}

/** The keys of one connection, as key objects: Node.js 24 takes bytes for a key five times more slowly. */
export interface StreamKeys {
  encryption: KeyObject
  fulfillment: KeyObject
}

/** The keys that a shared secret yields (RFC 29, 5.1 and 6.2). */
export function deriveStreamKeys(sharedSecret: Buffer): StreamKeys {
  const secret = createSecretKey(sharedSecret)
  return {
    encryption: createSecretKey(hmac(secret, 'ilp_stream_encryption')),
    fulfillment: createSecretKey(hmac(secret, 'ilp_stream_fulfillment'))
  }
}

/** The fulfillment of a packet with this (encrypted) data (RFC 29, 6.3). */
export function fulfillmentOf(keys: StreamKeys, data: Buffer): Buffer {
  return hmac(keys.fulfillment, data)
}

/**
 * STREAM data, encrypted under a fresh random IV (RFC 29, 5.1).
 *
 * @throws RangeError when the frames do not fit a packet, or a number is out of its range
 */
export function encryptStreamPacket(
  keys: StreamKeys,
  packet: StreamPacket,
  random: Pick<Random, 'bytes'>
): Buffer {
  const plain = new Packet(
    asLongValue(packet.sequence),
    packet.type,
    asLongValue(packet.prepareAmount),
    packet.frames
  )._serialize()
  const data = encrypt(keys.encryption, plain, random.bytes(IV_BYTES))
  if (data.length > MAX_PACKET_DATA_BYTES)
    throw new RangeError(`${data.length} bytes of STREAM data fit no packet`)
  return data
}

/** The STREAM packet in `data`; undefined unless it decrypts under the key and parses. Never throws. */
export function decryptStreamPacket(keys: StreamKeys, data: Buffer): StreamPacket | undefined {
  const plain = decrypt(keys.encryption, data)
  if (plain === undefined) return undefined
  try {
    const packet = Packet._deserializeUnencrypted(plain)
    const type = Number(packet.ilpPacketType)
    if (
      type !== StreamPacketType.PREPARE &&
      type !== StreamPacketType.FULFILL &&
      type !== StreamPacketType.REJECT
    ) {
      return undefined
    }
    return {
      sequence: asBigInt(packet.sequence),
      type,
      prepareAmount: asBigInt(packet.prepareAmount),
      frames: packet.frames
    }
  } catch {
    return undefined // authentic bytes that are no STREAM packet: the caller rejects them as it does forged ones
  }
}

type LongValue = ConstructorParameters<typeof StreamMaxMoneyFrame>[1]
/** What receivers without a limit say with every answer. */
const LARGEST: LongValue = new StreamMaxMoneyFrame(0, MAX_PACKET_AMOUNT.toString(), 0).receiveMax

/** For the library's 64-bit numbers, which it makes of a number faster than of a text. */
export function asLongValue(value: bigint): LongValue {
  if (value <= Number.MAX_SAFE_INTEGER) return Number(value)
  return value === MAX_PACKET_AMOUNT ? LARGEST : value.toString()
}

/** The value of one of the library's unsigned 64-bit numbers, from its halves. */
export function asBigInt({ high, low }: { high: number; low: number }): bigint {
  return high === 0 ? BigInt(low >>> 0) : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

/** AES-256-GCM as RFC 29, 5.1 lays it out: IV, tag, ciphertext. */
export function encrypt(key: KeyObject, plain: Buffer, iv: Buffer, authenticated?: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  if (authenticated) cipher.setAAD(authenticated)
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), body])
}

/** The inverse of `encrypt`; undefined when the key is another or a byte was changed. */
export function decrypt(key: KeyObject, data: Buffer, authenticated?: Buffer): Buffer | undefined {
  if (data.length < ENCRYPTION_OVERHEAD_BYTES) return undefined
  const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, IV_BYTES), {
    authTagLength: TAG_BYTES
  })
  if (authenticated) decipher.setAAD(authenticated)
  decipher.setAuthTag(data.subarray(IV_BYTES, ENCRYPTION_OVERHEAD_BYTES))
  try {
    return Buffer.concat([decipher.update(data.subarray(ENCRYPTION_OVERHEAD_BYTES)), decipher.final()])
  } catch {
    return undefined // the tag does not match: expected for whatever was not encrypted under this key
  }
}

export function hmac(key: KeyObject, message: Buffer | string): Buffer {
  return createHmac('sha256', key).update(message).digest()
}
