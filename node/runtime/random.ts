import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'

/** Randomness and ids. In the virtual world every draw comes from the seed and the node's incarnation. */
export interface Random {
  /** Cryptographically strong random bytes (reproducible in the virtual world). */
  bytes(length: number): Buffer
  /** UUID version 4: for what must not be guessed. */
  uuid(): string
  /** UUID version 7, rising with time within this process: for the ids of rows and resources. */
  orderedUuid(): string
  /** 128-bit id, rising with time within this process: for ledger transfers (ordered ids keep an index fast). */
  orderedId(): bigint
  /** A number in [0, 1), for jitter and choices. Never for secrets. */
  fraction(): number
}

/** `Random` on top of a source of bytes and a clock. */
export function createRandom(bytes: (length: number) => Buffer, clock: Pick<Clock, 'nowMs'>): Random {
  let lastId = 0n

  // UUIDv7 layout (RFC 9562, 5.7): 48 bits of milliseconds, version, 12 bits, variant, 62 bits.
  // Ids of one process rise: within one millisecond, or after a step back of the clock, the last id counts up.
  function orderedId(): bigint {
    const draw = bytes(10)
    const versioned = 0x7000 | ((draw[0]! & 0x0f) << 8) | draw[1]!
    const high = (BigInt(clock.nowMs()) << 16n) | BigInt(versioned)
    const low = (draw.readBigUInt64BE(2) & LOW_62_BITS) | (1n << 63n)
    const id = (high << 64n) | low
    lastId = id >> 64n <= lastId >> 64n ? nextUuid7(lastId) : id
    return lastId
  }

  return {
    bytes,
    uuid() {
      const id = Buffer.from(bytes(16))
      id[6] = (id[6]! & 0x0f) | 0x40
      id[8] = (id[8]! & 0x3f) | 0x80
      return formatUuid(id)
    },
    orderedUuid: () => idToUuid(orderedId()),
    orderedId,
    fraction: () => bytes(6).readUIntBE(0, 6) / 2 ** 48
  }
}

const LOW_62_BITS = (1n << 62n) - 1n

/** The UUIDv7 after `id`, counting in the 62 bits below the variant, then in the 12 above. */
function nextUuid7(id: bigint): bigint {
  if ((id & LOW_62_BITS) < LOW_62_BITS) return id + 1n
  const high = (id >> 64n) + 1n // carries into the 12 bits, and from there past the version into the time
  const versioned =
    (high & 0xfffn) === 0n && ((high >> 12n) & 0xfn) !== 7n ? high + (1n << 16n) - (1n << 12n) : high
  return (versioned << 64n) | (1n << 63n)
}

function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** What is drawn from the system at once: an id for each packet would be a call for each packet. */
const DRAWN_AT_ONCE_BYTES = 8_192
/** A longer draw is one of its own. */
const MAX_SHARED_DRAW_BYTES = 64

/** The machine's randomness. */
export function createSystemRandom(clock: Pick<Clock, 'nowMs'>): Random {
  let drawn = Buffer.alloc(0)
  let used = 0
  // What was handed out is never handed out again, nor written over.
  return createRandom((length) => {
    if (length > MAX_SHARED_DRAW_BYTES) return randomBytes(length)
    if (used + length > drawn.length) {
      drawn = randomBytes(DRAWN_AT_ONCE_BYTES)
      used = 0
    }
    used += length
    return drawn.subarray(used - length, used)
  }, clock)
}

/** The 128-bit number that a UUID writes: how resource ids become ledger account ids. */
export function uuidToId(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '')}`)
}

/** The UUID that writes a 128-bit number: the inverse of `uuidToId`. */
export function idToUuid(id: bigint): string {
  return formatUuid(Buffer.from(id.toString(16).padStart(32, '0'), 'hex'))
}
