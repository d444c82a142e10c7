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
  /** The next bytes of its random stream. */
  draw(length: number): Buffer
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

/** Bytes of key stream made at once. */
const KEY_STREAM_CHUNK_BYTES = 4096

/** An owner whose random stream follows from the seed, its name and its incarnation alone. */
export function createOwner(options: {
  seed: string
  name: string
  incarnation: number
  skewMs?: number
  onDraw: (owner: Owner, bytes: Buffer) => void
}): Owner {
  const { seed, name, incarnation, skewMs = 0, onDraw } = options
  const key = createHash('sha256')
    .update(JSON.stringify([seed, name, incarnation]))
    .digest()
  const cipher = createCipheriv('aes-256-ctr', key, Buffer.alloc(16))
  const zeros = Buffer.alloc(KEY_STREAM_CHUNK_BYTES)
  let stream = Buffer.alloc(0)

  const owner: Owner = {
    name,
    incarnation,
    skewMs,
    killed: false,
    draw(length) {
      const parts: Buffer[] = []
      let missing = length
      while (missing > 0) {
        if (stream.length === 0) stream = cipher.update(zeros)
        const part = stream.subarray(0, missing)
        stream = stream.subarray(part.length)
        missing -= part.length
        parts.push(part)
      }
      const bytes = Buffer.concat(parts)
      onDraw(owner, bytes)
      return bytes
    }
  }
  return owner
}
