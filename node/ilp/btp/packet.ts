import { OerReader, lengthPrefixBytes, writeOctets } from './oer.ts'

/** Packet types (RFC 23, BTP Type IDs). */
export const BtpType = { RESPONSE: 1, ERROR: 2, MESSAGE: 6, TRANSFER: 7 } as const

/** What a sub-protocol's data is (RFC 23, Sub-Protocol Data Format). */
export const BtpContentType = { OCTET_STREAM: 0, TEXT: 1, JSON: 2 } as const

/** Names that RFC 23 gives a meaning. */
export const ILP_SUB_PROTOCOL = 'ilp'
export const AUTH_SUB_PROTOCOL = 'auth'
export const AUTH_TOKEN_SUB_PROTOCOL = 'auth_token'

/** Error codes (RFC 23, Error Codes) that a link without bilateral ledger has a use for, with their names. */
export const BTP_ERROR_NAMES = {
  T00: 'UnreachableError',
  F00: 'NotAcceptedError',
  F01: 'InvalidFieldsError'
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
  code: 'too_long' | 'truncated' | 'trailing_bytes' | 'unknown_type' | 'invalid_field' | 'too_many'
  reason: string
}

/**
 * The packet that `bytes` encode (RFC 23, BilateralTransferProtocol.asn, canonical OER), or why they encode
 * none. Never throws. Data are views of `bytes`.
 */
export function decodeBtpPacket(bytes: Buffer): BtpPacket | UnreadableBtpPacket {
  if (bytes.length > MAX_BTP_PACKET_BYTES) {
    return { type: 'unreadable', code: 'too_long', reason: `more than ${MAX_BTP_PACKET_BYTES} bytes` }
  }
  const reader = new OerReader(bytes)
  const type = reader.readUInt8()
  const requestId = reader.readUInt32()
  reader.enterOctets()
  const packet = readContents(type, requestId, reader)
  if (reader.failure !== undefined) return { type: 'unreadable', ...reader.failure }
  if (packet === undefined) {
    return { type: 'unreadable', code: 'unknown_type', reason: `type ${type} is no packet type` }
  }
  if (reader.offset !== bytes.length) {
    return { type: 'unreadable', code: 'trailing_bytes', reason: 'bytes follow the last field' }
  }
  return packet
}

function readContents(type: number, requestId: number, reader: OerReader): BtpPacket | undefined {
  switch (type) {
    case BtpType.MESSAGE:
      return { type: 'message', requestId, subProtocols: readSubProtocols(reader) }
    case BtpType.RESPONSE:
      return { type: 'response', requestId, subProtocols: readSubProtocols(reader) }
    case BtpType.TRANSFER: {
      const amount = reader.readUInt64()
      return { type: 'transfer', requestId, amount, subProtocols: readSubProtocols(reader) }
    }
    case BtpType.ERROR: {
      const code = reader.readAscii(3)
      const name = reader.readAscii(reader.readLength())
      const triggeredAtMs = readTime(reader)
      const data = reader.readOctets()
      if (data.length > MAX_BTP_ERROR_DATA_BYTES) {
        reader.fail('invalid_field', `an Error has at most ${MAX_BTP_ERROR_DATA_BYTES} bytes of data`)
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
      return undefined
  }
}

function readSubProtocols(reader: OerReader): BtpSubProtocol[] {
  const count = reader.readVarUInt()
  if (count > MAX_BTP_SUB_PROTOCOLS) {
    reader.fail('too_many', `${count} sub-protocols; at most ${MAX_BTP_SUB_PROTOCOLS} are read`)
  }
  const subProtocols: BtpSubProtocol[] = []
  for (let index = 0; index < count && reader.failure === undefined; index += 1) {
    const name = reader.readAscii(reader.readLength())
    const contentType = reader.readUInt8()
    const data = reader.readOctets()
    subProtocols.push({ name, contentType, data })
  }
  return subProtocols
}

const TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.(\d{3})Z$/

function readTime(reader: OerReader): number {
  const text = reader.readAscii(reader.readLength())
  const parts = TIME.exec(text)
  const timeMs = parts
    ? Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}.${parts[7]}Z`)
    : Number.NaN
  // Date wraps what overflows (February 30): an instant has exactly one text.
  if (!Number.isNaN(timeMs) && timeText(timeMs) === text) return timeMs
  reader.fail('invalid_field', 'triggeredAt is not a time')
  return 0
}

function timeText(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-T:]/g, '')
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
  const parts: Buffer[] = []
  if (packet.type === 'transfer') {
    if (packet.amount < 0n || packet.amount > MAX_AMOUNT) {
      throw new RangeError(`A Transfer cannot carry the amount ${packet.amount}`)
    }
    const amount = Buffer.allocUnsafe(8)
    amount.writeBigUInt64BE(packet.amount)
    parts.push(amount)
  } else if (packet.type === 'error') {
    if (packet.code.length !== 3) throw new RangeError(`An error code has three characters: ${packet.code}`)
    if (packet.data.length > MAX_BTP_ERROR_DATA_BYTES) {
      throw new RangeError(`An Error has at most ${MAX_BTP_ERROR_DATA_BYTES} bytes of data`)
    }
    parts.push(ascii(packet.code), ...octets(ascii(packet.name)))
    parts.push(...octets(ascii(errorTime(packet.triggeredAtMs))), ...octets(packet.data))
  }
  parts.push(Buffer.of(1, subProtocols.length))
  for (const { name, contentType, data } of subProtocols) {
    if (!Number.isInteger(contentType) || contentType < 0 || contentType > 255) {
      throw new RangeError(`A content type has 8 bits, not ${contentType}`)
    }
    parts.push(...octets(ascii(name)), Buffer.of(contentType), ...octets(data))
  }
  const contents = Buffer.concat(parts)
  const head = Buffer.allocUnsafe(5)
  head[0] = typeByte(packet.type)
  head.writeUInt32BE(requestId, 1)
  const bytes = Buffer.concat([head, ...octets(contents)])
  if (bytes.length > MAX_BTP_PACKET_BYTES)
    throw new RangeError(`${bytes.length} bytes are too many for a packet`)
  return bytes
}

/**
 * A Message or Response that carries one ILP packet and nothing else: what `encodeBtpPacket` would write, in
 * one piece, for the path of every packet.
 */
export function encodeIlpOverBtp(type: 'message' | 'response', requestId: number, ilpPacket: Buffer): Buffer {
  const dataPrefix = lengthPrefixBytes(ilpPacket.length)
  // Count (2), name with its prefix (4), content type (1).
  const contents = 7 + dataPrefix + ilpPacket.length
  const bytes = Buffer.allocUnsafe(5 + lengthPrefixBytes(contents) + contents)
  bytes[0] = typeByte(type)
  bytes.writeUInt32BE(requestId, 1)
  let offset = writeOctets(bytes, 5, contents)
  bytes[offset++] = 1
  bytes[offset++] = 1
  bytes[offset++] = 3
  bytes[offset++] = 0x69
  bytes[offset++] = 0x6c
  bytes[offset++] = 0x70
  bytes[offset++] = BtpContentType.OCTET_STREAM
  offset = writeOctets(bytes, offset, ilpPacket.length)
  ilpPacket.copy(bytes, offset)
  return bytes
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

function ascii(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (!/^[\0-\x7f]*$/.test(text)) throw new RangeError(`Not ASCII: ${text}`)
  return bytes
}

function octets(value: Buffer): [Buffer, Buffer] {
  const prefix = Buffer.allocUnsafe(lengthPrefixBytes(value.length))
  writeOctets(prefix, 0, value.length)
  return [prefix, value]
}
