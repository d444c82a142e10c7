import { OctetReader, OctetsError, varSize, writeLength, writeVarLatin1, writeVarOctets } from '../octets.ts'

/** Packet types (RFC 23, BTP Type IDs). */
export const BtpType = { RESPONSE: 1, ERROR: 2, MESSAGE: 6, TRANSFER: 7 } as const

/** Type and request id. */
const HEAD_BYTES = 5

/** What a sub-protocol's data is (RFC 23, Sub-Protocol Data Format). */
export const BtpContentType = { OCTET_STREAM: 0, TEXT: 1, JSON: 2 } as const

/** Names that RFC 23 gives a meaning. */
export const ILP_SUB_PROTOCOL = 'ilp'
export const AUTH_SUB_PROTOCOL = 'auth'
export const AUTH_TOKEN_SUB_PROTOCOL = 'auth_token'
/** Ours: which process of a node connects, 1 to 64 visible ASCII characters. Each has a connection of its own. */
export const AUTH_PROCESS_SUB_PROTOCOL = 'auth_process'
/** Ours: names a Transfer, whose request id is its own only while it is in flight. */
export const TRANSFER_ID_SUB_PROTOCOL = 'transfer_id'

/** Error codes (RFC 23, Error Codes) that a link has a use for, with their names. */
export const BTP_ERROR_NAMES = {
  T00: 'UnreachableError',
  F00: 'NotAcceptedError',
  F01: 'InvalidFieldsError',
  F05: 'DuplicateIdError'
} as const
export type BtpErrorCode = keyof typeof BTP_ERROR_NAMES

/** The longest packet that is read: an ILP packet of the greatest length, and room for what comes with it. */
export const MAX_BTP_PACKET_BYTES = 65_536
/** Sub-protocols of one packet at most. */
export const MAX_BTP_SUB_PROTOCOLS = 32
/** The longest `data` of an Error (BilateralTransferProtocol.asn). */
export const MAX_BTP_ERROR_DATA_BYTES = 8_192

const MAX_REQUEST_ID = 2 ** 32 - 1
const MAX_AMOUNT = 2n ** 64n - 1n

/** One entry of a packet's protocol data; the first is the primary one. */
export interface BtpSubProtocol {
  name: string
  /** 0 to 255, see BtpContentType. */
  contentType: number
  data: Buffer
}

/** A request, or the answer to one. */
export interface BtpMessage {
  type: 'message' | 'response'
  /** 32 bits. */
  requestId: number
  subProtocols: BtpSubProtocol[]
}

/** A settlement, in a unit that both sides agreed on. */
export interface BtpTransfer {
  type: 'transfer'
  requestId: number
  /** 64 bits. */
  amount: bigint
  subProtocols: BtpSubProtocol[]
}

/** The answer to a request that could not be processed at all. */
export interface BtpError {
  type: 'error'
  requestId: number
  /** Three characters, see BTP_ERROR_NAMES. */
  code: string
  name: string
  /** Whole milliseconds since 1970. */
  triggeredAtMs: number
  data: Buffer
  subProtocols: BtpSubProtocol[]
}

export type BtpPacket = BtpMessage | BtpTransfer | BtpError

/** Bytes that are no packet: they are not answered (RFC 23, Flow). `code` names the kind, `reason` is for logs. */
export interface UnreadableBtpPacket {
  type: 'unreadable'
  code: 'too_long' | 'malformed' | 'trailing_bytes' | 'unknown_type' | 'invalid_field' | 'too_many'
  reason: string
}

class UnreadableError extends Error {
  readonly code: UnreadableBtpPacket['code']
  constructor(code: UnreadableBtpPacket['code'], message: string) {
    super(message)
    this.code = code
  }
}

/**
 * The packet that `bytes` encode (RFC 23, BilateralTransferProtocol.asn, canonical OER), or why they encode
 * none. Never throws. Data are windows on `bytes`.
 */
export function decodeBtpPacket(bytes: Buffer): BtpPacket | UnreadableBtpPacket {
  if (bytes.length > MAX_BTP_PACKET_BYTES) {
    return { type: 'unreadable', code: 'too_long', reason: `more than ${MAX_BTP_PACKET_BYTES} bytes` }
  }
  try {
    const envelope = new OctetReader(bytes)
    const type = envelope.uInt8()
    const requestId = envelope.uInt32()
    const contents = envelope.varReader()
    const packet = readContents(type, requestId, contents)
    if (envelope.left + contents.left > 0) {
      throw new UnreadableError('trailing_bytes', 'bytes follow the last field')
    }
    return packet
  } catch (error) {
    if (error instanceof UnreadableError)
      return { type: 'unreadable', code: error.code, reason: error.message }
    if (error instanceof OctetsError) return { type: 'unreadable', code: 'malformed', reason: error.message }
    throw error
  }
}

function readContents(type: number, requestId: number, reader: OctetReader): BtpPacket {
  switch (type) {
    case BtpType.MESSAGE:
      return { type: 'message', requestId, subProtocols: readSubProtocols(reader) }
    case BtpType.RESPONSE:
      return { type: 'response', requestId, subProtocols: readSubProtocols(reader) }
    case BtpType.TRANSFER: {
      const amount = reader.uInt64()
      return { type: 'transfer', requestId, amount, subProtocols: readSubProtocols(reader) }
    }
    case BtpType.ERROR: {
      const code = asAscii(reader.octets(3).toString('latin1'))
      const name = asAscii(reader.varLatin1())
      const triggeredAtMs = readTime(reader.varLatin1())
      const data = reader.varOctets()
      if (data.length > MAX_BTP_ERROR_DATA_BYTES) {
        throw new UnreadableError(
          'invalid_field',
          `an Error has at most ${MAX_BTP_ERROR_DATA_BYTES} bytes of data`
        )
      }
      return {
        type: 'error',
        requestId,
        code,
        name,
        triggeredAtMs,
        data,
        subProtocols: readSubProtocols(reader)
      }
    }
    default:
      throw new UnreadableError('unknown_type', `type ${type} is no packet type`)
  }
}

function readSubProtocols(reader: OctetReader): BtpSubProtocol[] {
  const count = readCount(reader.varOctets())
  const subProtocols: BtpSubProtocol[] = []
  for (let index = 0; index < count; index += 1) {
    const name = asAscii(reader.varLatin1())
    const contentType = reader.uInt8()
    const data = reader.varOctets()
    subProtocols.push({ name, contentType, data })
  }
  return subProtocols
}

/** An unsigned integer in the fewest bytes. */
function readCount(bytes: Buffer): number {
  if (bytes.length === 0 || (bytes.length > 1 && bytes[0] === 0)) {
    throw new UnreadableError(
      'invalid_field',
      'the number of sub-protocols is not written in the fewest bytes'
    )
  }
  const count = bytes.length > 1 ? Number.POSITIVE_INFINITY : bytes[0]!
  if (count > MAX_BTP_SUB_PROTOCOLS) {
    throw new UnreadableError('too_many', `at most ${MAX_BTP_SUB_PROTOCOLS} sub-protocols are read`)
  }
  return count
}

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{3})Z$/

function readTime(text: string): number {
  const parts = TIME.exec(text)
  const timeMs = parts
    ? Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}.${parts[7]}Z`)
    : Number.NaN
  // Date wraps what overflows (February 30): an instant has exactly one text. The node counts from 1970.
  if (timeMs >= 0 && timeText(timeMs) === text) return timeMs
  throw new UnreadableError('invalid_field', 'triggeredAt is not a time')
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-T:]/g, '')
}

function asAscii(text: string): string {
  if (text === ILP_SUB_PROTOCOL || isAscii(text)) return text
  throw new UnreadableError('invalid_field', 'a text that is not ASCII')
}

function isAscii(text: string): boolean {
  return /^[\0-\x7f]*$/.test(text)
}

/**
 * A packet as bytes (RFC 23).
 *
 * @throws RangeError for a field that no packet can carry
 */
export function encodeBtpPacket(packet: BtpPacket): Buffer {
  const { requestId, subProtocols } = packet
  if (!Number.isInteger(requestId) || requestId < 0 || requestId > MAX_REQUEST_ID) {
    throw new RangeError(`A request id has 32 bits, not ${requestId}`)
  }
  if (subProtocols.length > MAX_BTP_SUB_PROTOCOLS) {
    throw new RangeError(`A packet has at most ${MAX_BTP_SUB_PROTOCOLS} sub-protocols`)
  }
  const size = sizeOfContents(packet)
  const total = 5 + varSize(size)
  if (total > MAX_BTP_PACKET_BYTES) throw new RangeError(`${total} bytes are too many for a packet`)
  const bytes = Buffer.allocUnsafe(total)
  let at = writeHead(bytes, packet.type, requestId, size)
  if (packet.type === 'transfer') {
    if (packet.amount < 0n || packet.amount > MAX_AMOUNT) {
      throw new RangeError(`A Transfer cannot carry the amount ${packet.amount}`)
    }
    at = bytes.writeBigUInt64BE(packet.amount, at)
  } else if (packet.type === 'error') {
    const { code, name, triggeredAtMs, data } = packet
    if (code.length !== 3) throw new RangeError(`An error code has three characters: ${code}`)
    if (data.length > MAX_BTP_ERROR_DATA_BYTES) {
      throw new RangeError(`An Error has at most ${MAX_BTP_ERROR_DATA_BYTES} bytes of data`)
    }
    at += bytes.write(assertAscii(code), at, 'latin1')
    at = writeVarLatin1(bytes, at, assertAscii(name))
    at = writeVarLatin1(bytes, at, errorTime(triggeredAtMs))
    at = writeVarOctets(bytes, at, data)
  }
  bytes[at++] = 1
  bytes[at++] = subProtocols.length
  for (const { name, contentType, data } of subProtocols) {
    if (!Number.isInteger(contentType) || contentType < 0 || contentType > 255) {
      throw new RangeError(`A content type has 8 bits, not ${contentType}`)
    }
    at = writeVarLatin1(bytes, at, assertAscii(name))
    bytes[at++] = contentType
    at = writeVarOctets(bytes, at, data)
  }
  return bytes
}

const TIME_LENGTH = 'YYYYMMDDHHMMSS.mmmZ'.length

function sizeOfContents(packet: BtpPacket): number {
  // The count has a byte of length.
  let size = 2
  if (packet.type === 'transfer') size += 8
  if (packet.type === 'error') {
    size += 3 + varSize(packet.name.length) + varSize(TIME_LENGTH) + varSize(packet.data.length)
  }
  for (const { name, data } of packet.subProtocols) size += varSize(name.length) + 1 + varSize(data.length)
  return size
}

function writeHead(bytes: Buffer, type: BtpPacket['type'], requestId: number, size: number): number {
  bytes[0] = typeByte(type)
  return writeLength(bytes, bytes.writeUInt32BE(requestId, 1), size)
}

/**
 * A Message or Response that carries one ILP packet and nothing else: what `encodeBtpPacket` would write, for
 * the path of every packet.
 */
export function encodeIlpOverBtp(type: 'message' | 'response', requestId: number, ilpPacket: Buffer): Buffer {
  const size = 2 + varSize(ILP_SUB_PROTOCOL.length) + 1 + varSize(ilpPacket.length)
  const bytes = Buffer.allocUnsafe(5 + varSize(size))
  let at = writeHead(bytes, type, requestId, size)
  bytes[at++] = 1
  bytes[at++] = 1
  at = writeVarLatin1(bytes, at, ILP_SUB_PROTOCOL)
  bytes[at++] = BtpContentType.OCTET_STREAM
  writeVarOctets(bytes, at, ilpPacket)
  return bytes
}

/** Whether bytes begin as a Message does, without reading on. */
export function isBtpMessage(bytes: Buffer): boolean {
  return bytes.length >= HEAD_BYTES && bytes[0] === BtpType.MESSAGE
}

/** Makes an encoded answer the one to an encoded request. Both begin as BTP packets do: type, then request id. */
export function copyRequestId(request: Buffer, answer: Buffer): void {
  request.copy(answer, 1, 1, HEAD_BYTES)
}

/** The name that stands twice in the protocol data; undefined where all differ, as they must (RFC 23). */
export function duplicateName(subProtocols: readonly BtpSubProtocol[]): string | undefined {
  if (subProtocols.length < 2) return undefined
  const seen = new Set<string>()
  for (const { name } of subProtocols) {
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}

/** The ILP packet of a Message or Response whose primary sub-protocol is `ilp`. */
export function ilpPacketOf({ subProtocols }: BtpMessage): Buffer | undefined {
  const primary = subProtocols[0]
  return primary?.name === ILP_SUB_PROTOCOL ? primary.data : undefined
}

function typeByte(type: BtpPacket['type']): number {
  switch (type) {
    case 'message':
      return BtpType.MESSAGE
    case 'response':
      return BtpType.RESPONSE
    case 'transfer':
      return BtpType.TRANSFER
    case 'error':
      return BtpType.ERROR
  }
}

function errorTime(timeMs: number): string {
  const isWritable =
    Number.isInteger(timeMs) && timeMs >= 0 && timeMs <= Date.UTC(9999, 11, 31, 23, 59, 59, 999)
  if (!isWritable) throw new RangeError(`An Error cannot be triggered at ${timeMs} ms`)
  return timeText(timeMs)
}

function assertAscii(text: string): string {
  if (!isAscii(text)) throw new RangeError(`Not ASCII: ${text}`)
  return text
}
