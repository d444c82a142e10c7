import { readFile } from 'node:fs/promises'
import { readCacheTls } from './cache-tls.ts'
import type { CacheTlsFiles } from './cache-tls.ts'
import { createMemoryCache, createRedisCache } from './cache.ts'
import type { Cache } from './cache.ts'
import { createSystemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { openDatabase } from './database.ts'
import type { Database, DatabaseOptions } from './database.ts'
import { createLogger } from './logger.ts'
import type { Logger } from './logger.ts'
import { createSystemNetwork } from './network.ts'
import type { Network } from './network.ts'
import { createSystemRandom } from './random.ts'
import type { Random } from './random.ts'
import { openTigerBeetleClient } from './tigerbeetle.ts'
import type { TigerBeetleClient, TigerBeetleOptions } from './tigerbeetle.ts'

/**
 * All that a service has of the outside. Each service is `create…(config, runtime)` and keeps its state in
 * what that built, so that many live in one process and `kill()` ends one of them as `kill -9` would.
 */
export interface Runtime {
  readonly clock: Clock
  readonly random: Random
  readonly network: Network
  readonly logger: Logger
  openDatabase(options: DatabaseOptions): Database
  /** `memory`, or the URL of a Redis with the files that TLS to it needs. */
  openCache(where: 'memory' | (string & {}), tls?: CacheTlsFiles): Cache
  /** A client of a TigerBeetle cluster. Rejects when its addresses cannot be resolved. */
  openTigerBeetle(options: TigerBeetleOptions): Promise<TigerBeetleClient>
  /** A file that the operator named in the configuration. Rejects when it cannot be read. */
  readTextFile(path: string): Promise<string>
  /** No door answers again, timers drop, sockets reset. */
  kill(): void
}

/** What a world has to bring; the rest is the same code in every world. */
export interface RuntimeParts {
  clock: Clock
  random: Random
  network: Network
  logger: Logger
  /** Absent: no TigerBeetle can be reached from this world, and opening one rejects. */
  openTigerBeetle?(options: TigerBeetleOptions): Promise<TigerBeetleClient>
  /** Absent: this world has no files, and reading one rejects. */
  readTextFile?(path: string): Promise<string>
  kill(): void
}

export function createRuntime(parts: RuntimeParts): Runtime {
  const readTextFile = (path: string) =>
    parts.readTextFile?.(path) ?? Promise.reject(new Error(`there are no files in this world: ${path}`))
  return {
    ...parts,
    openDatabase: (options) => openDatabase(parts, options),
    openCache: (where, tls = {}) =>
      where === 'memory'
        ? createMemoryCache(parts)
        : createRedisCache(parts, where, () => readCacheTls(tls, readTextFile)),
    openTigerBeetle: (options) =>
      parts.openTigerBeetle?.(options) ?? Promise.reject(new Error('there is no TigerBeetle in this world')),
    readTextFile
  }
}

/** The machine's own clock, randomness and network. */
export function createSystemRuntime(options: {
  name: string
  logLevel?: string
  writeLog?: (line: string) => void
}): Runtime {
  const clock = createSystemClock()
  const network = createSystemNetwork()
  const tigerBeetle = createTigerBeetleDoor(network)
  return createRuntime({
    clock,
    random: createSystemRandom(clock),
    network,
    logger: createLogger({
      name: options.name,
      level: options.logLevel ?? 'info',
      ...(options.writeLog && { write: options.writeLog })
    }),
    openTigerBeetle: tigerBeetle.open,
    readTextFile: (path) => readFile(path, 'utf8'),
    kill() {
      clock.kill()
      network.kill()
      tigerBeetle.kill()
    }
  })
}

/** Clients of TigerBeetle have sockets of their own, outside the network's door: `kill` ends them too. */
function createTigerBeetleDoor(network: Pick<Network, 'resolve'>) {
  const clients = new Set<TigerBeetleClient>()
  let killed = false
  return {
    async open(options: TigerBeetleOptions): Promise<TigerBeetleClient> {
      const client = await openTigerBeetleClient(network, options)
      const tracked: TigerBeetleClient = {
        ...client,
        destroy() {
          clients.delete(tracked)
          client.destroy()
        }
      }
      clients.add(tracked)
      if (killed) tracked.destroy()
      return tracked
    },
    kill() {
      killed = true
      for (const client of clients) client.destroy()
    }
  }
}

/**
 * Keeps this process alive until it is let go: neither a runtime's timers nor a promise do, so that a service
 * which waits for its database would end silently.
 */
export function holdProcess(): { release(): void } {
  const handle = setInterval(() => undefined, 2 ** 31 - 1)
  return { release: () => clearInterval(handle) }
}
