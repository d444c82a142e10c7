/** One message of a WebSocket, and where in its stream it ends. */
export interface WebSocketMessage {
  bytes: Buffer
  endsAt: number
}

const CONTINUATION = 0
const BINARY = 2
const CONTROL = 8

/**
 * Cuts one direction of a connection into WebSocket messages (RFC 6455, 5.2), as an observer. Control frames and texts
 * are passed over.
 *
 * @param startsAt bytes of the stream that came before
 */
export function createWebSocketReader(startsAt: number): {
  push(bytes: Buffer): void
  next(): WebSocketMessage | undefined
} {
  let buffered: Buffer = Buffer.alloc(0)
  let consumed = startsAt
  let fragments: Buffer[] = []
  let isBinary = false

  function nextFrame(): { fin: boolean; opcode: number; payload: Buffer } | undefined {
    if (buffered.length < 2) return undefined
    const [first, second] = [buffered[0]!, buffered[1]!]
    let at = 2
    let length = second & 0x7f
    if (length === 126) {
      if (buffered.length < 4) return undefined
      length = buffered.readUInt16BE(2)
      at = 4
    } else if (length === 127) {
      if (buffered.length < 10) return undefined
      length = Number(buffered.readBigUInt64BE(2))
      at = 10
    }
    const isMasked = (second & 0x80) !== 0
    const start = isMasked ? at + 4 : at
    if (buffered.length < start + length) return undefined
    const payload = isMasked
      ? unmask(buffered.subarray(start, start + length), buffered.subarray(at, start))
      : buffered.subarray(start, start + length)
    buffered = buffered.subarray(start + length)
    consumed += start + length
    return { fin: (first & 0x80) !== 0, opcode: first & 0x0f, payload }
  }

  return {
    push(bytes) {
      buffered = buffered.length === 0 ? bytes : Buffer.concat([buffered, bytes])
    },
    next() {
      for (let frame = nextFrame(); frame; frame = nextFrame()) {
        if (frame.opcode >= CONTROL) continue
        if (frame.opcode !== CONTINUATION) {
          isBinary = frame.opcode === BINARY
          fragments = []
        }
        fragments.push(frame.payload)
        if (!frame.fin || !isBinary) continue
        const bytes = fragments.length === 1 ? fragments[0]! : Buffer.concat(fragments)
        fragments = []
        return { bytes, endsAt: consumed }
      }
      return undefined
    }
  }
}

function unmask(payload: Buffer, mask: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(payload.length)
  for (let index = 0; index < payload.length; index++) bytes[index] = payload[index]! ^ mask[index & 3]!
  return bytes
}
