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
  function orderedUuidBytes(): Buffer {
    const draw = bytes(10)
    const id = Buffer.alloc(16)
    id.writeUIntBE(clock.nowMs(), 0, 6)
    draw.copy(id, 6)
    id[6] = (id[6]! & 0x0f) | 0x70
    id[8] = (id[8]! & 0x3f) | 0x80
    let value = BigInt(`0x${id.toString('hex')}`)
    if (value >> 64n <= lastId >> 64n) value = nextUuid7(lastId)
    lastId = value
    return Buffer.from(value.toString(16).padStart(32, '0'), 'hex')
  }

  return {
    bytes,
    uuid() {
      const id = Buffer.from(bytes(16))
      id[6] = (id[6]! & 0x0f) | 0x40
      id[8] = (id[8]! & 0x3f) | 0x80
      return formatUuid(id)
    },
    orderedUuid: () => formatUuid(orderedUuidBytes()),
    orderedId: () => BigInt(`0x${orderedUuidBytes().toString('hex')}`),
    fraction: () => bytes(6).readUIntBE(0, 6) / 2 ** 48
  }
}

/** The UUIDv7 after `id`, counting in the 62 bits below the variant, then in the 12 above. */
function nextUuid7(id: bigint): bigint {
  const low62 = (1n << 62n) - 1n
  if ((id & low62) < low62) return id + 1n
  const high = (id >> 64n) + 1n // carries into the 12 bits, and from there past the version into the time
  const versioned =
    (high & 0xfffn) === 0n && ((high >> 12n) & 0xfn) !== 7n ? high + (1n << 16n) - (1n << 12n) : high
  return (versioned << 64n) | (1n << 63n)
}

function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}

/** The machine's randomness. */
export function createSystemRandom(clock: Pick<Clock, 'nowMs'>): Random {
  return createRandom((length) => randomBytes(length), clock)
}

/** The 128-bit number that a UUID writes: how resource ids become ledger account ids. */
export function uuidToId(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '')}`)
}

/** The UUID that writes a 128-bit number: the inverse of `uuidToId`. */
export function idToUuid(id: bigint): string {
  return formatUuid(Buffer.from(id.toString(16).padStart(32, '0'), 'hex'))
}
