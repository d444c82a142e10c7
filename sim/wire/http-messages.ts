/** One HTTP/1.1 message, and where in its stream it ends. */
export interface HttpMessage {
  startLine: string
  headers: ReadonlyMap<string, string>
  body: Buffer
  /** Bytes of the stream up to its end. */
  endsAt: number
}

const HEAD_END = Buffer.from('\r\n\r\n')
const NO_BODY = /^HTTP\/1\.1 (1\d\d|204|304)/

/**
 * Cuts one direction of a connection into HTTP/1.1 messages (RFC 9112), as an observer: what it cannot read it throws.
 * A message without length has no body; a body that ends with its connection is not read.
 */
export function createHttpReader(): {
  push(bytes: Buffer): void
  next(): HttpMessage | undefined
  /** What follows the last message, which asked for another protocol. */
  rest(): { bytes: Buffer; startsAt: number }
} {
  let buffered: Buffer = Buffer.alloc(0)
  let consumed = 0
  let head: Pick<HttpMessage, 'startLine' | 'headers'> | undefined

  function take(length: number): Buffer {
    const bytes = buffered.subarray(0, length)
    buffered = buffered.subarray(length)
    consumed += length
    return bytes
  }

  return {
    push(bytes) {
      buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes])
    },
    next() {
      if (head === undefined) {
        const end = buffered.indexOf(HEAD_END)
        if (end < 0) return undefined
        head = readHead(take(end + HEAD_END.length).toString('latin1'))
      }
      const body = readBody(head, buffered)
      if (body === undefined) return undefined
      take(body.length)
      const message = { ...head, body: body.bytes, endsAt: consumed }
      head = undefined
      return message
    },
    rest: () => ({ bytes: buffered, startsAt: consumed })
  }
}

function readHead(text: string): Pick<HttpMessage, 'startLine' | 'headers'> {
  const [startLine = '', ...lines] = text.split('\r\n')
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    if (colon > 0) headers.set(line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim())
  }
  return { startLine, headers }
}

/** The body and how many bytes it takes in the stream; undefined while it is not complete. */
function readBody(
  { startLine, headers }: Pick<HttpMessage, 'startLine' | 'headers'>,
  buffered: Buffer
): { bytes: Buffer; length: number } | undefined {
  if (NO_BODY.test(startLine)) return { bytes: Buffer.alloc(0), length: 0 }
  if (headers.get('transfer-encoding')?.toLowerCase() === 'chunked') return readChunks(buffered)
  const length = Number(headers.get('content-length') ?? 0)
  return buffered.length < length ? undefined : { bytes: buffered.subarray(0, length), length }
}

function readChunks(buffered: Buffer): { bytes: Buffer; length: number } | undefined {
  const chunks: Buffer[] = []
  for (let at = 0; ;) {
    const lineEnd = buffered.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = parseInt(buffered.toString('latin1', at, lineEnd), 16)
    if (Number.isNaN(size)) throw new Error('a chunk without a size')
    const end = lineEnd + 2 + size + 2
    if (buffered.length < end) return undefined
    // Trailers are not used by anybody here: the last chunk is followed by an empty line.
    if (size === 0) return { bytes: Buffer.concat(chunks), length: end }
    chunks.push(buffered.subarray(lineEnd + 2, end - 2))
    at = end
  }
}
