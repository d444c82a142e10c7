/**
 * ILP packets (RFC 27) in plain JavaScript, for k6, which has no Node modules: what a sender of packets needs. Amounts
 * are minor units.
 */

export interface IlpPrepare {
  amount: bigint
  expiresAtMs: number
  /** 32 bytes: SHA-256 of the fulfillment. */
  executionCondition: Uint8Array
  destination: string
  data: Uint8Array
}

export type IlpReply =
  | { type: 'fulfill'; fulfillment: Uint8Array; data: Uint8Array }
  | { type: 'reject'; code: string; message: string }

const PREPARE = 12
const FULFILL = 13
const REJECT = 14
const CONDITION_BYTES = 32

/** @throws RangeError where the amount is no UInt64 or the condition not 32 bytes long */
export function encodePrepare({
  amount,
  expiresAtMs,
  executionCondition,
  destination,
  data
}: IlpPrepare): Uint8Array {
  if (amount < 0n || amount >= 1n << 64n) throw new RangeError('the amount must be from 0 to 2^64 - 1')
  if (executionCondition.length !== CONDITION_BYTES)
    throw new RangeError('the condition must be 32 bytes long')
  const amountBytes = new Uint8Array(8)
  for (let index = 7, rest = amount; index >= 0; index--, rest >>= 8n)
    amountBytes[index] = Number(rest & 0xffn)
  const content = concat([
    amountBytes,
    ascii(interledgerTime(expiresAtMs)),
    executionCondition,
    withLength(ascii(destination)),
    withLength(data)
  ])
  return concat([Uint8Array.of(PREPARE), withLength(content)])
}

/** @throws Error where it is neither a Fulfill nor a Reject, or cut off */
export function decodeReply(packet: Uint8Array): IlpReply {
  const type = packet[0]
  const content = readWithLength(packet, 1).bytes
  if (type === FULFILL) {
    return {
      type: 'fulfill',
      fulfillment: take(content, 0, CONDITION_BYTES),
      data: readWithLength(content, CONDITION_BYTES).bytes
    }
  }
  if (type !== REJECT) throw new Error(`packet type ${type} is no answer`)
  const triggeredBy = readWithLength(content, 3)
  const message = readWithLength(content, triggeredBy.nextAt)
  return { type: 'reject', code: text(take(content, 0, 3)), message: text(message.bytes) }
}

/** A length and what is so long (RFC 30, OER): one byte below 128, else as many bytes as its first one says. */
function withLength(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 0x80) return concat([Uint8Array.of(bytes.length), bytes])
  const length: number[] = []
  for (let rest = bytes.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256)
  return concat([Uint8Array.of(0x80 | length.length, ...length), bytes])
}

function readWithLength(bytes: Uint8Array, at: number): { bytes: Uint8Array; nextAt: number } {
  const first = take(bytes, at, 1)[0]!
  const isShort = first < 0x80
  const lengthBytes = isShort ? [first] : [...take(bytes, at + 1, first & 0x7f)]
  const length = lengthBytes.reduce((sum, byte) => sum * 256 + byte, 0)
  const from = at + 1 + (isShort ? 0 : lengthBytes.length)
  return { bytes: take(bytes, from, length), nextAt: from + length }
}

function take(bytes: Uint8Array, from: number, length: number): Uint8Array {
  if (from + length > bytes.length) throw new Error('the packet is cut off')
  return bytes.subarray(from, from + length)
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

function ascii(value: string): Uint8Array {
  // k6's engine makes no typed array of a text.
  return Uint8Array.from(Array.from(value, (character) => character.charCodeAt(0)))
}

function text(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

/** YYYYMMDDHHMMSSfff, UTC (RFC 27). */
function interledgerTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-T:.Z]/g, '')
}
