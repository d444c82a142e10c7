import { hash } from 'node:crypto'
import { isValidAddress } from './address.ts'
import {
  INTERLEDGER_TIME_BYTES,
  LATEST_TIME_MS,
  readInterledgerTime,
  writeInterledgerTime
} from './interledger-time.ts'
import type { IlpFulfill, IlpPrepare, IlpReject, IlpReply } from './model.ts'
import { OctetReader, OctetsError, varSize, writeLength, writeVarLatin1, writeVarOctets } from './octets.ts'

/** Packet types (RFC 27). */
const PREPARE = 12
const FULFILL = 13
const REJECT = 14
/** Bytes of a condition and of a fulfillment. */
const HASH_BYTES = 32
const CODE_BYTES = 3

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
  if (!Number.isSafeInteger(expiresAtMs) || expiresAtMs < 0 || expiresAtMs > LATEST_TIME_MS) {
    throw new RangeError(`A packet cannot expire at ${expiresAtMs} ms`)
  }
  if (executionCondition.length !== HASH_BYTES) throw new RangeError('A condition has 32 bytes')
  if (!isValidAddress(destination)) throw new RangeError(`Not an ILP address: ${destination}`)
  assertDataFits(data)
  const size = 8 + INTERLEDGER_TIME_BYTES + HASH_BYTES + varSize(destination.length) + varSize(data.length)
  const bytes = Buffer.allocUnsafe(1 + varSize(size))
  bytes[0] = PREPARE
  let at = writeLength(bytes, 1, size)
  at = bytes.writeBigUInt64BE(amount, at)
  writeInterledgerTime(bytes, at, expiresAtMs)
  at += INTERLEDGER_TIME_BYTES
  bytes.set(executionCondition, at)
  at = writeVarLatin1(bytes, at + HASH_BYTES, destination)
  writeVarOctets(bytes, at, data)
  return bytes
}

/** The Prepare that `bytes` encode, or why they encode none. Never throws. Its buffers are windows on `bytes`. */
export function decodePrepare(bytes: Buffer): IlpPrepare | PacketError {
  if (bytes.length > MAX_PREPARE_BYTES) return packetError(`${bytes.length} bytes are too many for a Prepare`)
  if (bytes[0] !== PREPARE) return packetError(`type ${bytes[0] ?? 'nothing'} is not Prepare (12)`)
  try {
    const reader = new OctetReader(bytes, 1).varReader()
    const amount = reader.uInt64()
    const expiresAtMs = readInterledgerTime(bytes, reader.skip(INTERLEDGER_TIME_BYTES))
    if (expiresAtMs === undefined) return packetError('the expiry is not a date')
    const executionCondition = reader.octets(HASH_BYTES)
    const destination = reader.varLatin1()
    if (!isValidAddress(destination)) return packetError('the destination is no ILP address')
    const data = reader.varOctets()
    if (data.length > MAX_PACKET_DATA_BYTES) return packetError('the data is too long')
    return { amount, executionCondition, expiresAtMs, destination, data }
  } catch (error) {
    return packetErrorOf(error)
  }
}

/**
 * A Fulfill or Reject as bytes (RFC 27). A Reject's message is cut to its maximum.
 *
 * @throws RangeError for a fulfillment, code, address or data that no packet can carry
 */
export function encodeReply(reply: IlpReply): Buffer {
  assertDataFits(reply.data)
  return reply.type === 'fulfill' ? encodeFulfill(reply) : encodeReject(reply)
}

function encodeFulfill({ fulfillment, data }: IlpFulfill): Buffer {
  if (fulfillment.length !== HASH_BYTES) throw new RangeError('A fulfillment has 32 bytes')
  const size = HASH_BYTES + varSize(data.length)
  const bytes = Buffer.allocUnsafe(1 + varSize(size))
  bytes[0] = FULFILL
  const at = writeLength(bytes, 1, size)
  bytes.set(fulfillment, at)
  writeVarOctets(bytes, at + HASH_BYTES, data)
  return bytes
}

function encodeReject({ code, triggeredBy, message, data }: IlpReject): Buffer {
  if (!ERROR_CODE.test(code)) throw new RangeError(`Not an ILP error code: ${code}`)
  if (triggeredBy !== '' && !isValidAddress(triggeredBy)) {
    throw new RangeError(`Not an ILP address: ${triggeredBy}`)
  }
  const text = Buffer.from(cutToBytes(message, MAX_REJECT_MESSAGE_BYTES))
  const size = CODE_BYTES + varSize(triggeredBy.length) + varSize(text.length) + varSize(data.length)
  const bytes = Buffer.allocUnsafe(1 + varSize(size))
  bytes[0] = REJECT
  let at = writeLength(bytes, 1, size)
  at += bytes.write(code, at, 'latin1')
  at = writeVarLatin1(bytes, at, triggeredBy)
  at = writeVarOctets(bytes, at, text)
  writeVarOctets(bytes, at, data)
  return bytes
}

/** The Fulfill or Reject that `bytes` encode, or why they encode none. Never throws. Its buffers are windows on `bytes`. */
export function decodeReply(bytes: Buffer): IlpReply | PacketError {
  if (bytes.length > MAX_REPLY_BYTES) return packetError(`${bytes.length} bytes are too many for a reply`)
  const type = bytes[0]
  if (type !== FULFILL && type !== REJECT) {
    return packetError(`type ${type ?? 'nothing'} is neither Fulfill (13) nor Reject (14)`)
  }
  try {
    const reader = new OctetReader(bytes, 1).varReader()
    const reply = type === FULFILL ? readFulfill(reader) : readReject(reader)
    return !isPacketError(reply) && reply.data.length > MAX_PACKET_DATA_BYTES
      ? packetError('the data is too long')
      : reply
  } catch (error) {
    return packetErrorOf(error)
  }
}

function readFulfill(reader: OctetReader): IlpFulfill {
  return { type: 'fulfill', fulfillment: reader.octets(HASH_BYTES), data: reader.varOctets() }
}

function readReject(reader: OctetReader): IlpReject | PacketError {
  const code = reader.octets(CODE_BYTES).toString('latin1')
  if (!ERROR_CODE.test(code)) return packetError('the error code is not three characters of A-Z, 0-9')
  const triggeredBy = reader.varLatin1()
  return {
    type: 'reject',
    code,
    // That the packet was rejected is plain, whatever is said of by whom.
    triggeredBy: isValidAddress(triggeredBy) ? triggeredBy : '',
    message: reader.varOctets().toString(),
    data: reader.varOctets()
  }
}

const ERROR_CODE = /^[A-Z0-9]{3}$/

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
  return hash('sha256', fulfillment, 'buffer')
}

/** True when the fulfillment is the condition's preimage. */
export function fulfills(fulfillment: Buffer, condition: Buffer): boolean {
  // Both are on the wire: nothing is given away by comparing them byte for byte.
  return fulfillment.length === HASH_BYTES && conditionOf(fulfillment).equals(condition)
}

/** Only what the reader refuses is a packet's fault: anything else is ours and must not be hidden. */
function packetErrorOf(error: unknown): PacketError {
  if (error instanceof OctetsError) return packetError(error.message)
  throw error
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
