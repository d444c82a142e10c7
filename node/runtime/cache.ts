import { Redis } from 'ioredis'
import type { CacheTls } from './cache-tls.ts'
import type { Clock } from './clock.ts'
import type { Logger } from './logger.ts'
import type { Network } from './network.ts'
import { CacheUnavailableError } from './overload.ts'
import { secureClient } from './tls.ts'

/** What processes of one service share for a while. Never the truth about money: that is the ledger. */
export interface Cache {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, ttlMs: number): Promise<void>
  /** Sets only where nothing is; tells whether it did. */
  setIfAbsent(key: string, value: string, ttlMs: number): Promise<boolean>
  delete(key: string): Promise<void>
  /** Deletes only where the value is still `value` (releasing a lock that one holds); tells whether it did. */
  deleteIfEqual(key: string, value: string): Promise<boolean>
  /**
   * Adds to a counter (absent counts as 0), renews its life, returns the new value.
   *
   * @throws RangeError when the sum passes 63 bits and a sign, which is what Redis counts in; nothing is added then
   */
  increment(key: string, by: bigint, ttlMs: number): Promise<bigint>
  /**
   * Writes one's own field of a shared record, renews the record's life, and returns all fields as they were
   * before: what others wrote, and whether one's own was still there. A repeat is harmless.
   */
  shareField(key: string, field: string, value: string, ttlMs: number): Promise<ReadonlyMap<string, string>>
  /** Rejects when the cache does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** Entries that the in-process cache holds at most; the oldest are dropped first. */
export const MAX_MEMORY_CACHE_ENTRIES = 100_000

/** How long Redis may take to answer a command, the wait for a connection counted. */
export const DEFAULT_CACHE_ANSWER_TIMEOUT_MS = 5_000

/** Counters are signed and of 64 bits, as those of Redis. */
export const MAX_COUNTER = 2n ** 63n - 1n

/** A cache within this process, for a node that runs as one process. */
export function createMemoryCache({ clock }: { clock: Clock }): Cache {
  type Value = string | ReadonlyMap<string, string>
  const entries = new Map<string, { value: Value; expiresMs: number }>()

  function readText(key: string): string | undefined {
    const value = read(key)
    if (value === undefined || typeof value === 'string') return value
    throw new TypeError(`${key} is a record in the cache, not a text`)
  }

  function read(key: string): Value | undefined {
    const entry = entries.get(key)
    if (entry === undefined) return undefined
    if (entry.expiresMs > clock.nowMs()) return entry.value
    entries.delete(key)
    return undefined
  }

  function write(key: string, value: Value, ttlMs: number): void {
    entries.delete(key)
    entries.set(key, { value, expiresMs: clock.nowMs() + ttlMs })
    if (entries.size <= MAX_MEMORY_CACHE_ENTRIES) return
    for (const [oldest] of entries) {
      entries.delete(oldest)
      break
    }
  }

  return {
    get: async (key) => readText(key),
    set: async (key, value, ttlMs) => write(key, value, ttlMs),
    async setIfAbsent(key, value, ttlMs) {
      if (read(key) !== undefined) return false
      write(key, value, ttlMs)
      return true
    },
    delete: async (key) => void entries.delete(key),
    async deleteIfEqual(key, value) {
      return read(key) === value && entries.delete(key)
    },
    async increment(key, by, ttlMs) {
      const value = BigInt(readText(key) ?? '0') + by
      if (value > MAX_COUNTER || value < -MAX_COUNTER - 1n) throw counterOverflow(key)
      write(key, value.toString(), ttlMs)
      return value
    },
    async shareField(key, field, value, ttlMs) {
      const before = read(key) ?? new Map<string, string>()
      if (typeof before === 'string') throw new TypeError(`${key} is a text in the cache, not a record`)
      write(key, new Map([...before, [field, value]]), ttlMs)
      return before
    },
    ping: async () => undefined,
    close: async () => entries.clear()
  }
}

/**
 * A cache in Redis, shared by the processes of a service. `rediss:` speaks TLS, as does a connection for which
 * `readTls` gives something: it is asked at each, so that certificates may be renewed meanwhile.
 *
 * A command that Redis does not answer in time, or for which there is no connection, rejects with a
 * CacheUnavailableError: whether it was done is unknown. A connection that is silent for as long is closed.
 */
export function createRedisCache(
  { network, logger }: { network: Network; logger: Logger },
  url: string,
  readTls: () => Promise<CacheTls | undefined> = async () => undefined,
  { answerTimeoutMs = DEFAULT_CACHE_ANSWER_TIMEOUT_MS }: { answerTimeoutMs?: number } = {}
): Cache {
  const redis = new Redis(url, {
    lazyConnect: false,
    maxRetriesPerRequest: 2,
    commandTimeout: answerTimeoutMs,
    // What was sent stays queued until it is answered, whoever waits for it: a silent connection ends.
    socketTimeout: answerTimeoutMs,
    Connector: networkConnector(network, url, readTls) as never
  }) as RedisWithScripts
  redis.defineCommand('shareField', { numberOfKeys: 1, lua: SHARE_FIELD })
  // Every command reports its own failure; this tells why the connection is gone.
  redis.on('error', (error: Error) => logger.warn({ err: error }, 'the cache does not answer'))

  return {
    get: async (key) => (await answer(redis.get(key))) ?? undefined,
    set: async (key, value, ttlMs) => void (await answer(redis.set(key, value, 'PX', ttlMs))),
    setIfAbsent: async (key, value, ttlMs) =>
      (await answer(redis.set(key, value, 'PX', ttlMs, 'NX'))) === 'OK',
    delete: async (key) => void (await answer(redis.del(key))),
    deleteIfEqual: async (key, value) => (await answer(redis.eval(DELETE_IF_EQUAL, 1, key, value))) === 1,
    async increment(key, by, ttlMs) {
      if (by > MAX_COUNTER || by < -MAX_COUNTER - 1n) throw counterOverflow(key)
      // The sum is read as text: a number of JavaScript would lose digits above 2^53.
      const sum = redis.multi().incrby(key, by.toString()).pexpire(key, ttlMs).get(key)
      const results = await answer(sum.exec())
      const [failure] = results?.[0] ?? [new Error('the transaction was discarded')]
      if (failure) throw /overflow/.test(failure.message) ? counterOverflow(key, failure) : failure
      return BigInt(String(results![2]![1]))
    },
    async shareField(key, field, value, ttlMs) {
      const flat = await answer(redis.shareField(key, field, value, ttlMs))
      const record = new Map<string, string>()
      for (let at = 0; at < flat.length; at += 2) record.set(flat[at]!, flat[at + 1]!)
      return record
    },
    ping: async () => void (await answer(redis.ping())),
    close: async () => redis.disconnect()
  }
}

/** What Redis answers; its errors as they are, and whatever says that it did not as a CacheUnavailableError. */
async function answer<Value>(command: Promise<Value>): Promise<Value> {
  try {
    return await command
  } catch (error) {
    if (error instanceof Error && error.name === 'ReplyError') throw error
    const reason = error instanceof Error ? error.message : String(error)
    throw new CacheUnavailableError(`the cache does not answer: ${reason}`, { cause: error })
  }
}

const DELETE_IF_EQUAL = `
if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) else return 0 end`

/** One command for what would be five in a transaction: on the packet path that is half the time. */
const SHARE_FIELD = `
local before = redis.call('hgetall', KEYS[1])
redis.call('hset', KEYS[1], ARGV[1], ARGV[2])
redis.call('pexpire', KEYS[1], ARGV[3])
return before`

interface RedisWithScripts extends Redis {
  shareField(key: string, field: string, value: string, ttlMs: number): Promise<string[]>
}

function counterOverflow(key: string, cause?: Error): RangeError {
  return new RangeError(`the counter ${key} would pass 63 bits`, { cause })
}

/** ioredis opens its connection through the network's door. */
function networkConnector(network: Network, url: string, readTls: () => Promise<CacheTls | undefined>) {
  const { protocol, hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  return class {
    connecting = false
    firstError: Error | undefined
    #socket: { end(): unknown } | undefined
    check(): boolean {
      return true
    }
    disconnect(): void {
      this.connecting = false
      this.#socket?.end()
    }
    async connect(): Promise<unknown> {
      this.connecting = true
      const tls = await readTls()
      const secure = (protocol === 'rediss:' || tls !== undefined) && network.speaksTls
      const socket = network.connect({ host, port: Number(port || 6379) })
      this.#socket = secure ? secureClient(socket, host, tls) : socket
      return this.#socket
    }
  }
}
