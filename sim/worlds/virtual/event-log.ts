import { createHash } from 'node:crypto'

/** What the log tells apart. */
export type EventKind =
  | 'open'
  | 'message'
  | 'end'
  | 'reset'
  | 'statement'
  | 'lock'
  | 'timer-set'
  | 'timer-cancelled'
  | 'timer-fired'
  | 'random'
  | 'process'

/**
 * The history of a world: append-only, hashed with SHA-256 as it grows. Two runs of one seed must give the
 * same hash, in any two processes.
 */
export interface EventLog {
  /** Appends one event: when it happened, to whom, and its bytes. */
  append(kind: EventKind, subject: string, bytes?: Uint8Array): void
  /** A number was drawn: successive ones of one process are one event, which says how many. */
  countFraction(owner: string): void
  /** A line for readers, which the hash leaves out (log lines carry stacks with paths of this machine). */
  note(subject: string, line: string): void
  /** Events so far. */
  readonly length: number
  /** SHA-256 over all events so far, in hexadecimal. */
  hash(): string
}

/** Bytes collected before they are hashed: one update per event would cost more than the hash itself. */
const HASH_CHUNK_BYTES = 65_536
/** Of one unit of a string. */
const MAX_UTF8_BYTES = 3
/** Of an event's bytes, as many are shown to a reader. */
const SHOWN_BYTES = 2_000

/**
 * @param nowMs the world's time, part of each event
 * @param write receives each event as a line of text, for debugging
 */
export function createEventLog(nowMs: () => number, write?: (line: string) => void): EventLog {
  const running = createHash('sha256')
  const chunk = Buffer.alloc(HASH_CHUNK_BYTES)
  let used = 0
  let length = 0

  let fractionOwner = ''
  let fractions = 0
  let timeMs = Number.NaN
  let timeText = ''

  function flush(): void {
    if (used === 0) return
    running.update(chunk.subarray(0, used))
    used = 0
  }

  function endFractions(): void {
    if (fractions === 0) return
    const count = fractions
    fractions = 0
    append('random', `${fractionOwner} ${count} fractions`)
  }

  function append(kind: EventKind, subject: string, bytes?: Uint8Array): void {
    if (fractions > 0) endFractions()
    length += 1
    if (nowMs() !== timeMs) {
      timeMs = nowMs()
      timeText = String(timeMs)
    }
    const byteLength = bytes === undefined ? 0 : bytes.length
    // Every field ends, or tells its length, so that two different histories never write the same bytes.
    const head = `${kind}\0${timeText}\0${subject}\0${byteLength}\0`
    const longestHead = head.length * MAX_UTF8_BYTES
    if (used + longestHead > HASH_CHUNK_BYTES) flush()
    if (longestHead > HASH_CHUNK_BYTES) running.update(head)
    else used += chunk.write(head, used)
    if (bytes && used + byteLength > HASH_CHUNK_BYTES) {
      flush()
      running.update(bytes)
    } else if (bytes) {
      chunk.set(bytes, used)
      used += byteLength
    }
    write?.(`${stamp(timeMs)} ${kind} ${subject}${bytes ? ` ${shown(bytes)}` : ''}`)
  }

  return {
    append,
    countFraction(owner) {
      if (owner !== fractionOwner) {
        endFractions()
        fractionOwner = owner
      }
      fractions += 1
    },
    note(subject, line) {
      write?.(`${stamp(nowMs())} note ${subject} ${line}`)
    },
    get length() {
      endFractions()
      return length
    },
    hash() {
      endFractions()
      flush()
      return running.copy().digest('hex')
    }
  }
}

function stamp(timeMs: number): string {
  return new Date(timeMs).toISOString()
}

/** Printable characters as they are, others as escapes: protocols here are mostly text. */
function shown(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, SHOWN_BYTES)).toString(
    'latin1'
  )
  const escaped = text.replace(/[^\x20-\x7e]/g, (character) =>
    character === '\r'
      ? '\\r'
      : character === '\n'
        ? '\\n'
        : `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
  )
  return bytes.length > SHOWN_BYTES ? `${escaped}… (${bytes.length} bytes)` : escaped
}
