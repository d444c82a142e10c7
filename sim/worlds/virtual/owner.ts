import { AsyncLocalStorage } from 'node:async_hooks'
import { createCipheriv, createHash } from 'node:crypto'

/**
 * A process of the virtual world, as far as its one real process can tell several apart: who set a timer,
 * drew a random number or wrote to a connection. Code runs in its owner's context, across awaits.
 */
export interface Owner {
  readonly name: string
  /** 1 for the first start; each restart counts up and draws from a random stream of its own. */
  readonly incarnation: number
  /** Milliseconds that this process's wall clock is ahead of the world's. */
  skewMs: number
  /** Set by a kill: its timers and immediates are dropped, its sockets say nothing more. */
  killed: boolean
  /** Until then it gets no processor: what is due before, a message or a timer, it hears of then, in order. */
  pausedUntilMs?: number
  /** Its world has ended: nothing of it may run any more. */
  ended: boolean
  /** The next bytes of its random stream. */
  draw(length: number): Buffer
  /** The next number of [0, 1), of a stream of its own: libraries draw these by the thousand, for ids of their objects. */
  fraction(): number
}

const context = new AsyncLocalStorage<Owner>()

/** The owner of the code that runs now; `undefined` outside of every process of the world. */
export function currentOwner(): Owner | undefined {
  return context.getStore()
}

/** Runs `work`, and whatever it starts, as code of `owner`. */
export function runAs<T>(owner: Owner, work: () => T): T {
  return context.run(owner, work)
}

/** Code of a world that has ended still runs. */
export class LeftBehindError extends Error {
  override name = 'LeftBehindError'
}

export function leftBehind(owner: Owner | undefined): LeftBehindError {
  const who = owner ? `process ${owner.name} ${owner.incarnation}` : 'nobody'
  return new LeftBehindError(`code of ${who}, of a world that has ended, is still at work`)
}

/** Bytes of key stream made at once. */
const KEY_STREAM_CHUNK_BYTES = 4096

/** An owner whose random stream follows from the seed, its name and its incarnation alone. */
export function createOwner(options: {
  seed: string
  name: string
  incarnation: number
  skewMs?: number
  onDraw: (owner: Owner, bytes: Buffer) => void
  onFraction: (owner: Owner) => void
}): Owner {
  const { seed, name, incarnation, skewMs = 0, onDraw, onFraction } = options
  const key = createHash('sha256')
    .update(JSON.stringify([seed, name, incarnation]))
    .digest()
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(KEY_STREAM_CHUNK_BYTES)
  let stream = Buffer.alloc(0)
  const nextFraction = createFractions(key)

  const owner: Owner = {
    name,
    incarnation,
    skewMs,
    killed: false,
    ended: false,
    draw(length) {
      const bytes = Buffer.allocUnsafe(length)
      let done = 0
      while (done < length) {
        if (stream.length === 0) stream = cipher.update(zeros)
        const copied = stream.copy(bytes, done)
        stream = stream.subarray(copied)
        done += copied
      }
      onDraw(owner, bytes)
      return bytes
    },
    fraction() {
      onFraction(owner)
      return nextFraction()
    }
  }
  return owner
}

/** Numbers of [0, 1) with 32 bits each: sfc32 of PractRand, started from a key. */
function createFractions(key: Buffer): () => number {
  let [a, b, c, counter] = [key.readInt32LE(0), key.readInt32LE(4), key.readInt32LE(8), 1]
  const next = () => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return (sum >>> 0) / 2 ** 32
  }
  // As its author says: the first dozen still show where it started.
  for (let round = 0; round < 12; round += 1) next()
  return next
}
