// The PostgreSQL protocol, version 3 (PostgreSQL manual, "Frontend/Backend Protocol"), as far as the gate reads and
// writes it. Every message: one byte of type (the first message of a connection has none), length as int32 that counts
// itself, payload.

/** A message of a client, whole: type, length and payload. */
export interface FrontendMessage {
  readonly type: string
  readonly bytes: Buffer
}

export const PROTOCOL_VERSION_3 = 196_608
export const SSL_REQUEST = 80_877_103
export const GSS_REQUEST = 80_877_104
export const CANCEL_REQUEST = 80_877_102

/** Longest message that the gate takes; PostgreSQL's own limit is 1 GB. */
export const MAX_MESSAGE_BYTES = 64 * 1_048_576

/** Raised at bytes that are not the protocol. */
export class ProtocolError extends Error {
  override name = 'ProtocolError'
}

/** Cuts a client's bytes into messages. The first one has no type: it is given the type `startup`. */
export function createMessageReader() {
  let buffered: Buffer = Buffer.alloc(0)
  let started = false

  return {
    /** After a refused SSL request the client sends its startup message again. */
    expectStartup(): void {
      started = false
    },
    push(bytes: Buffer): void {
      buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes])
    },
    next(): FrontendMessage | undefined {
      const typeLength = started ? 1 : 0
      if (buffered.length < typeLength + 4) return undefined
      const length = buffered.readInt32BE(typeLength) + typeLength
      if (length < typeLength + 4 || length > MAX_MESSAGE_BYTES)
        throw new ProtocolError(`a message of ${length} bytes`)
      if (buffered.length < length) return undefined
      const bytes = buffered.subarray(0, length)
      buffered = buffered.subarray(length)
      if (started) return { type: String.fromCharCode(bytes[0]!), bytes }
      started = true
      return { type: 'startup', bytes }
    }
  }
}

/** The parameters of a startup message. */
export function startupParameters(bytes: Buffer): Map<string, string> {
  const parts = bytes.toString('utf8', 8, bytes.length).split('\0')
  const parameters = new Map<string, string>()
  for (let index = 0; index + 1 < parts.length && parts[index] !== ''; index += 2) {
    parameters.set(parts[index]!, parts[index + 1]!)
  }
  return parameters
}

/** A message with its length filled in. */
export function message(type: string, ...parts: (Buffer | string)[]): Buffer {
  const payload = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : part)))
  const head = Buffer.alloc(5)
  head.write(type, 0, 'latin1')
  head.writeInt32BE(payload.length + 4, 1)
  return Buffer.concat([head, payload])
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

export function simpleQuery(sql: string): Buffer {
  return message('Q', sql, '\0')
}

export const SYNC = message('S')

/** ErrorResponse: severity, SQLSTATE, text, and what to do. */
export function errorResponse(
  severity: 'ERROR' | 'FATAL',
  code: string,
  text: string,
  hint?: string
): Buffer {
  const fields = [
    `S${severity}`,
    `V${severity}`,
    `C${code}`,
    `M${text}`,
    ...(hint === undefined ? [] : [`H${hint}`])
  ]
  return message('E', `${fields.join('\0')}\0\0`)
}

export function readyForQuery(status: 'I' | 'T' | 'E'): Buffer {
  return message('Z', status)
}

/** Each message of the server, in order: its type and where it lies. */
export function* backendMessages(bytes: Buffer): Generator<{ type: string; start: number; end: number }> {
  let start = 0
  while (start + 5 <= bytes.length) {
    const end = start + 1 + bytes.readInt32BE(start + 1)
    yield { type: String.fromCharCode(bytes[start]!), start, end }
    start = end
  }
}

/** The string that begins at `start`, and where the next field begins. */
export function cString(bytes: Buffer, start: number): { text: string; next: number } {
  const end = bytes.indexOf(0, start)
  if (end < 0) throw new ProtocolError('a string without an end')
  return { text: bytes.toString('utf8', start, end), next: end + 1 }
}

/** The rows of a DataRow message as text; `null` where a column is null. */
export function dataRow(bytes: Buffer, start: number): (string | null)[] {
  const count = bytes.readInt16BE(start + 5)
  const columns: (string | null)[] = []
  let at = start + 7
  for (let index = 0; index < count; index += 1) {
    const length = bytes.readInt32BE(at)
    at += 4
    columns.push(length < 0 ? null : bytes.toString('utf8', at, at + length))
    if (length > 0) at += length
  }
  return columns
}

/** The SQL in a Query or Parse message; `undefined` for other messages. */
export function sqlOf({ type, bytes }: FrontendMessage): string | undefined {
  if (type === 'Q') return cString(bytes, 5).text
  if (type === 'P') return cString(bytes, cString(bytes, 5).next).text
  return undefined
}
