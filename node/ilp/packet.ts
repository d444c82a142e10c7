import { createHash, timingSafeEqual } from 'node:crypto'
import {
  IlpPacketType,
  deserializeIlpFulfill,
  deserializeIlpPrepare,
  deserializeIlpReject,
  serializeIlpFulfill,
  serializeIlpPrepare,
  serializeIlpReject
} from 'ilp-packet'
import { isValidAddress } from './address.ts'
import type { IlpFulfill, IlpPrepare, IlpReject, IlpReply } from './model.ts'

/** Error codes (RFC 27, Error Codes). */
export const IlpErrorCode = {
  F00_BAD_REQUEST: 'F00',
  F01_INVALID_PACKET: 'F01',
  F02_UNREACHABLE: 'F02',
  F03_INVALID_AMOUNT: 'F03',
  F04_INSUFFICIENT_DESTINATION_AMOUNT: 'F04',
  F05_WRONG_CONDITION: 'F05',
  F06_UNEXPECTED_PAYMENT: 'F06',
  F07_CANNOT_RECEIVE: 'F07',
  F08_AMOUNT_TOO_LARGE: 'F08',
  F99_APPLICATION_ERROR: 'F99',
  T00_INTERNAL_ERROR: 'T00',
  T01_PEER_UNREACHABLE: 'T01',
  T02_PEER_BUSY: 'T02',
  T03_CONNECTOR_BUSY: 'T03',
  T04_INSUFFICIENT_LIQUIDITY: 'T04',
  T05_RATE_LIMITED: 'T05',
  T99_APPLICATION_ERROR: 'T99',
  R00_TRANSFER_TIMED_OUT: 'R00',
  R01_INSUFFICIENT_SOURCE_AMOUNT: 'R01',
  R02_INSUFFICIENT_TIMEOUT: 'R02',
  R99_APPLICATION_ERROR: 'R99'
} as const
export type IlpErrorCode = (typeof IlpErrorCode)[keyof typeof IlpErrorCode]

/** The largest amount a packet carries: UInt64 (RFC 27). */
export const MAX_PACKET_AMOUNT = 2n ** 64n - 1n
/** The largest `data` in bytes (InterledgerProtocol.asn). */
export const MAX_PACKET_DATA_BYTES = 32_767
/** The longest `message` of a Reject in bytes (InterledgerProtocol.asn). */
export const MAX_REJECT_MESSAGE_BYTES = 8_191
/**
 * The most bytes that an encoded packet can have: what a transport reads before it gives up. A Prepare has
 * 1 + 3 bytes of envelope, 8 + 17 + 32 of fixed fields, 3 + 1,023 of address, 3 + 32,767 of data; a Reject
 * has 1 + 3, 3, 3 + 1,023, 3 + 8,191 and 3 + 32,767.
 */
export const MAX_PREPARE_BYTES = 1 + 3 + 8 + 17 + 32 + 3 + 1_023 + 3 + MAX_PACKET_DATA_BYTES
export const MAX_REPLY_BYTES =
  1 + 3 + 3 + 3 + 1_023 + 3 + MAX_REJECT_MESSAGE_BYTES + 3 + MAX_PACKET_DATA_BYTES

/** The latest expiry that RFC 27's 17 digits can write: 9999-12-31T23:59:59.999Z. */
const LATEST_EXPIRY_MS = 253_402_300_799_999

/** Bytes that are no packet. `reason` is for logs and the message of an F01. */
export interface PacketError {
  type: 'packetError'
  reason: string
}

export function isPacketError(value: { type?: unknown } | IlpPrepare): value is PacketError {
  return 'type' in value && value.type === 'packetError'
}

/**
 * A Prepare as bytes (RFC 27, ILP Prepare).
 *
 * @throws RangeError for an amount, expiry, condition, address or data that no packet can carry
 */
export function encodePrepare(prepare: IlpPrepare): Buffer {
  const { amount, expiresAtMs, executionCondition, destination, data } = prepare
  if (amount < 0n || amount > MAX_PACKET_AMOUNT)
    throw new RangeError(`A packet cannot carry the amount ${amount}`)
  if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs < 0 || expiresAtMs > LATEST_EXPIRY_MS) {
    throw new RangeError(`A packet cannot expire at ${expiresAtMs} ms`)
  }
  if (executionCondition.length !== 32) throw new RangeError('A condition has 32 bytes')
  if (!isValidAddress(destination)) throw new RangeError(`Not an ILP address: ${destination}`)
  assertDataFits(data)
  return serializeIlpPrepare({
    amount: amount.toString(),
    expiresAt: new Date(expiresAtMs),
    executionCondition,
    destination,
    data
  })
}

/** The Prepare that `bytes` encode, or why they encode none. Never throws. */
export function decodePrepare(bytes: Buffer): IlpPrepare | PacketError {
  if (bytes.length > MAX_PREPARE_BYTES) return packetError(`${bytes.length} bytes are too many for a Prepare`)
  try {
    const packet = deserializeIlpPrepare(bytes)
    if (packet.data.length > MAX_PACKET_DATA_BYTES) return packetError('the data is too long')
    const expiresAtMs = packet.expiresAt.getTime()
    // The library reads the characters as numbers and wraps what overflows (month 13); RFC 27 has exactly one
    // text for an instant, so it must come out the same again.
    if (expiryText(bytes) !== interledgerTime(expiresAtMs)) return packetError('the expiry is not a date')
    return {
      amount: BigInt(packet.amount),
      executionCondition: packet.executionCondition,
      expiresAtMs,
      destination: packet.destination,
      data: packet.data
    }
  } catch (error) {
    return packetError(error instanceof Error ? error.message : String(error))
  }
}

/**
 * A Fulfill or Reject as bytes (RFC 27). A Reject's message is cut to its maximum.
 *
 * @throws RangeError for a fulfillment, code, address or data that no packet can carry
 */
export function encodeReply(reply: IlpReply): Buffer {
  assertDataFits(reply.data)
  if (reply.type === 'fulfill') {
    if (reply.fulfillment.length !== 32) throw new RangeError('A fulfillment has 32 bytes')
    return serializeIlpFulfill({ fulfillment: reply.fulfillment, data: reply.data })
  }
  if (!/^[A-Z0-9]{3}$/.test(reply.code)) throw new RangeError(`Not an ILP error code: ${reply.code}`)
  if (reply.triggeredBy !== '' && !isValidAddress(reply.triggeredBy)) {
    throw new RangeError(`Not an ILP address: ${reply.triggeredBy}`)
  }
  return serializeIlpReject({
    code: reply.code,
    triggeredBy: reply.triggeredBy,
    message: cutToBytes(reply.message, MAX_REJECT_MESSAGE_BYTES),
    data: reply.data
  })
}

/** The Fulfill or Reject that `bytes` encode, or why they encode none. Never throws. */
export function decodeReply(bytes: Buffer): IlpReply | PacketError {
  if (bytes.length > MAX_REPLY_BYTES) return packetError(`${bytes.length} bytes are too many for a reply`)
  try {
    if (bytes[0] === IlpPacketType.Fulfill) {
      const { fulfillment, data } = deserializeIlpFulfill(bytes)
      if (data.length > MAX_PACKET_DATA_BYTES) return packetError('the data is too long')
      return { type: 'fulfill', fulfillment, data }
    }
    if (bytes[0] === IlpPacketType.Reject) {
      const { code, triggeredBy, message, data } = deserializeIlpReject(bytes)
      if (!/^[A-Z0-9]{3}$/.test(code))
        return packetError('the error code is not three characters of A-Z, 0-9')
      if (data.length > MAX_PACKET_DATA_BYTES) return packetError('the data is too long')
      return { type: 'reject', code, triggeredBy, message, data }
    }
    return packetError(`type ${bytes[0] ?? 'nothing'} is neither Fulfill (13) nor Reject (14)`)
  } catch (error) {
    return packetError(error instanceof Error ? error.message : String(error))
  }
}

/** A Reject with the fields that are mostly left out. */
export function createReject(
  code: IlpErrorCode,
  fields: { triggeredBy: string; message?: string; data?: Buffer }
): IlpReject {
  const { triggeredBy, message = '', data = Buffer.alloc(0) } = fields
  return { type: 'reject', code, triggeredBy, message, data }
}

/** A Fulfill. */
export function createFulfill(fulfillment: Buffer, data: Buffer = Buffer.alloc(0)): IlpFulfill {
  return { type: 'fulfill', fulfillment, data }
}

/** What an F08 says: the amount that arrived at the connector and its maximum, both in that connector's units. */
export interface AmountTooLarge {
  receivedAmount: bigint
  maximumAmount: bigint
}

/** The `data` of an F08 (InterledgerErrorData.asn). */
export function encodeAmountTooLarge({ receivedAmount, maximumAmount }: AmountTooLarge): Buffer {
  const data = Buffer.alloc(16)
  data.writeBigUInt64BE(receivedAmount, 0)
  data.writeBigUInt64BE(maximumAmount, 8)
  return data
}

/** What the `data` of an F08 says, undefined where it is too short. */
export function decodeAmountTooLarge(data: Buffer): AmountTooLarge | undefined {
  if (data.length < 16) return undefined
  return { receivedAmount: data.readBigUInt64BE(0), maximumAmount: data.readBigUInt64BE(8) }
}

/** SHA-256 of a fulfillment: the condition that it fulfills (RFC 27). */
export function conditionOf(fulfillment: Buffer): Buffer {
  return createHash('sha256').update(fulfillment).digest()
}

/** True when the fulfillment is the condition's preimage. */
export function fulfills(fulfillment: Buffer, condition: Buffer): boolean {
  return (
    fulfillment.length === 32 &&
    condition.length === 32 &&
    timingSafeEqual(conditionOf(fulfillment), condition)
  )
}

/** The 17 characters after the envelope's type and length and the 8 bytes of the amount. */
function expiryText(prepare: Buffer): string {
  const lengthPrefix = prepare[1] ?? 0
  const start = 2 + (lengthPrefix < 0x80 ? 0 : lengthPrefix & 0x7f) + 8
  return prepare.toString('latin1', start, start + 17)
}

function interledgerTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-T:.Z]/g, '')
}

function packetError(reason: string): PacketError {
  return { type: 'packetError', reason }
}

function assertDataFits(data: Buffer): void {
  if (data.length > MAX_PACKET_DATA_BYTES)
    throw new RangeError(`A packet cannot carry ${data.length} bytes of data`)
}

/** The longest beginning of `text` that has at most `maxBytes` in UTF-8, in whole characters. */
export function cutToBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  let end = maxBytes
  const bytes = Buffer.from(text)
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end).toString()
}
