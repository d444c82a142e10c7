import type { Ledger } from '../../ledger/index.ts'
import type { Cache, Clock, Logger, Timer } from '../../runtime/index.ts'
import { CACHE_PAUSE_MS, createSharedRecords } from '../shared-records.ts'

/** Connections whose totals are kept at hand; beyond it the one that was idle the longest is forgotten. */
export const MAX_TRACKED_CONNECTIONS = 10_000
/** A shared record lives so long after its last packet; after that the ledger tells. */
export const SHARED_TOTALS_TTL_MS = 600_000
/** While other processes count on a connection too, what a dead one left uncounted is looked for this often. */
export const LEDGER_REREAD_MS = 10_000
/** Credits that are read from the ledger at a time. */
export const LEDGER_PAGE = 1_000

/** What arrived on one STREAM connection, as a packet in hand holds it. Minor units of the destination's asset. */
export interface ConnectionTotal {
  /** The tag that its credits carry in the ledger (`userData128`), beside this process's (`userData64`). */
  readonly tag: bigint
  readonly processTag: bigint
  /**
   * An amount was credited under both tags: it counts from here on. The total with it, shared with the other
   * processes; undefined where neither cache nor ledger answers. Never rejects.
   */
  posted(amount: bigint): Promise<bigint | undefined>
  /** The total as all processes have shared it so far. Never rejects. */
  current(): Promise<bigint | undefined>
  /**
   * A part of the total that is certainly in the ledger and holds nothing which this process has in flight, so
   * that it may be compared with other counts of this process.
   */
  readonly settled: bigint
  /** The packet in hand is done with it. Call it once, after the last `posted`. */
  release(): void
}

/** Totals received per STREAM connection, right in every process that the connection's packets reach. */
export interface ConnectionTotals {
  /**
   * Takes a connection in hand, before any packet of it is credited.
   *
   * @throws what the ledger throws, when a connection is new here and its credits cannot be read
   */
  hold(connectionId: string): Promise<ConnectionTotal>
  /**
   * The total as the ledger has it now: with what a process that died had no time to count. Evidence for a payer.
   *
   * @throws what the ledger throws
   */
  fromLedger(connectionId: string): Promise<bigint>
}

interface Waiting {
  /** What this process had posted when the question was asked. */
  own: bigint
  resolve(total: bigint | undefined): void
}

interface Tracked {
  readonly id: string
  readonly tag: bigint
  /** Posted by this process; exact. */
  own: bigint
  /** Posted by others, by their tag: each no more than the ledger has, and never falling. */
  readonly others: Map<bigint, bigint>
  /** The highest total that was told. */
  told: bigint
  /** What the shared record holds of `own`; undefined where that is not known. */
  shared: bigint | undefined
  /** Credits up to this timestamp are in `read`, by process. */
  readTo: bigint | undefined
  readonly read: Map<bigint, bigint>
  readAtMs: number
  /** A reading of the ledger that goes on, and the one that follows it. */
  reading: Promise<void> | undefined
  nextReading: Promise<void> | undefined
  loading: Promise<void> | undefined
  holds: number
  waiting: Waiting[]
  isSharing: boolean
}

/**
 * The total of a connection is the sum of one number per process: what that process credited. Each number only
 * rises, is written by its own process alone and always whole, and follows from the ledger, whose credits carry
 * connection and process (docs/decisions/0004-totals-of-a-connection.md). So counts merge by taking the higher
 * number of each process: whatever is lost, repeated or read twice, nothing counts twice.
 *
 *   new here ──place in the shared record taken, credits read──▶ tracked ──idle, over the limit──▶ forgotten
 *
 *   tracked:  credited ──own number written, the others' read: one exchange──▶ total told, Fulfill
 *                 │
 *                 └──cache silent, or our number is gone from it──▶ credits read from the ledger ──▶ total told
 */
export function createConnectionTotals({
  ledger,
  cache,
  clock,
  logger,
  incarnationId,
  stopped
}: {
  ledger: Pick<Ledger, 'queryTransfers'>
  cache: Pick<Cache, 'shareField'>
  clock: Clock
  logger: Logger
  incarnationId: bigint
  /** Nothing is shared any more by itself. */
  stopped: AbortSignal
}): ConnectionTotals {
  const processTag = processTagOf(incarnationId)
  const field = processTag.toString()
  const records = createSharedRecords({
    cache,
    clock,
    logger,
    field,
    ttlMs: SHARED_TOTALS_TTL_MS,
    silence: {
      event: 'totals_not_shared',
      message: 'totals of connections cannot be shared: they are read from the ledger meanwhile'
    }
  })
  /** In the order of their last use, the oldest first. */
  const connections = new Map<string, Tracked>()
  /** Connections whose number could not be shared: the others hear of it as soon as the cache is back. */
  const unshared = new Set<Tracked>()
  let sharingLater: Timer | undefined

  /** The connection, held: whoever holds one keeps it from being forgotten. */
  async function hold(id: string): Promise<{ connection: Tracked; isNew: boolean }> {
    let connection = connections.get(id)
    const isNew = connection === undefined
    if (connection === undefined) {
      connection = createTracked(id)
      connection.loading = load(connection).finally(() => (connection!.loading = undefined))
    }
    connections.delete(id)
    connections.set(id, connection)
    connection.holds += 1
    try {
      if (connection.loading) await connection.loading
    } catch (error) {
      connection.holds -= 1
      // A next packet tries again.
      if (connections.get(id) === connection) connections.delete(id)
      throw error
    }
    return { connection, isNew }
  }

  /**
   * No packet of it is in flight here meanwhile, so what the ledger has of this process is exact. The place in
   * the shared record is taken first: if the record is lost from then on, that shows.
   */
  async function load(connection: Tracked): Promise<void> {
    if (await exchange(connection)) connection.shared = 0n
    await readFromLedger(connection)
    connection.own = connection.read.get(processTag) ?? 0n
    forgetIdle()
  }

  /** Writes this process's number, merges those of the others. The record as it was before; undefined: no answer. */
  async function exchange(connection: Tracked): Promise<ReadonlyMap<string, string> | undefined> {
    const record = await records.exchange(`stream_totals:${connection.id}`, connection.own.toString())
    for (const [process, amount] of record ?? []) {
      if (process !== field) learn(connection, BigInt(process), BigInt(amount))
    }
    return record
  }

  /**
   * Exchanges, and tells whether that suffices. It does not when the cache does not answer, nor when it lost our
   * number: then it may also have lost what others wrote since we last saw it.
   */
  async function share(connection: Tracked): Promise<boolean> {
    const { own, shared: before } = connection
    const record = await exchange(connection)
    if (record === undefined) {
      unshared.add(connection)
      shareLater()
      return false
    }
    unshared.delete(connection)
    const ours = record.get(field)
    connection.shared = own
    return before !== undefined && ours !== undefined && BigInt(ours) >= before
  }

  function shareLater(): void {
    if (stopped.aborted || unshared.size === 0) return
    sharingLater ??= clock.setTimer(CACHE_PAUSE_MS, () => {
      void shareUnshared().finally(() => {
        sharingLater = undefined
        shareLater()
      })
    })
  }

  async function shareUnshared(): Promise<void> {
    for (const connection of unshared) {
      const isWhole = await share(connection)
      if (unshared.has(connection)) return
      // Its next packet reads from the ledger what the cache may have lost.
      if (!isWhole) connection.shared = undefined
    }
  }

  function learn(connection: Tracked, process: bigint, amount: bigint): void {
    if (amount > (connection.others.get(process) ?? 0n)) connection.others.set(process, amount)
  }

  /** A reading that starts after the call: all who wait for the next one share it. */
  function readFromLedger(connection: Tracked): Promise<void> {
    connection.nextReading ??= (connection.reading ?? Promise.resolve())
      // Its own callers hear of its failure.
      .catch(() => undefined)
      .then(() => {
        connection.nextReading = undefined
        connection.reading = readPages(connection).finally(() => (connection.reading = undefined))
        return connection.reading
      })
    return connection.nextReading
  }

  /** Goes on where the last reading ended: credits of one account are paged in the order of their commits. */
  async function readPages(connection: Tracked): Promise<void> {
    const { tag, read } = connection
    for (;;) {
      const page = await ledger.queryTransfers({
        userData128: tag,
        order: 'oldestFirst',
        limit: LEDGER_PAGE,
        ...(connection.readTo !== undefined && { after: connection.readTo })
      })
      for (const { userData64, amount, timestamp, flags } of page) {
        connection.readTo = timestamp
        // A fence (books.ts) reserves under the same tags, and is void.
        if (flags.pending || flags.voidPending) continue
        const sum = (read.get(userData64) ?? 0n) + amount
        read.set(userData64, sum)
        if (userData64 !== processTag) learn(connection, userData64, sum)
      }
      if (page.length < LEDGER_PAGE) break
    }
    connection.readAtMs = clock.monotonicMs()
  }

  function totalOf(connection: Tracked, own: bigint): bigint {
    const total = own + sumOf(connection.others)
    if (total > connection.told) connection.told = total
    return connection.told
  }

  function ask(connection: Tracked): Promise<bigint | undefined> {
    return new Promise((resolve) => {
      connection.waiting.push({ own: connection.own, resolve })
      if (!connection.isSharing) void answerWaiting(connection)
    })
  }

  /** One exchange at a time for each connection; whoever asks meanwhile is answered by the next. */
  async function answerWaiting(connection: Tracked): Promise<void> {
    connection.isSharing = true
    // What the same ledger batch credited comes along.
    await Promise.resolve()
    while (connection.waiting.length > 0) {
      const round = connection.waiting
      connection.waiting = []
      const isKnown = await refresh(connection)
      for (const { own, resolve } of round) resolve(isKnown ? totalOf(connection, own) : undefined)
    }
    connection.isSharing = false
  }

  /** Brings what others posted up to date. False: nobody answers. */
  async function refresh(connection: Tracked): Promise<boolean> {
    if (await share(connection)) {
      rereadSometimes(connection)
      return true
    }
    try {
      await readFromLedger(connection)
      return true
    } catch (error) {
      logger.error({ err: error, connectionId: connection.id }, 'the total of a connection cannot be read')
      return false
    }
  }

  function rereadSometimes(connection: Tracked): void {
    if (connection.others.size === 0 || connection.reading !== undefined) return
    if (clock.monotonicMs() - connection.readAtMs < LEDGER_REREAD_MS) return
    readFromLedger(connection).catch((error: unknown) => {
      logger.warn({ err: error, connectionId: connection.id }, 'credits of a connection cannot be read again')
    })
  }

  function forgetIdle(): void {
    if (connections.size <= MAX_TRACKED_CONNECTIONS) return
    for (const [id, connection] of connections) {
      if (connection.holds > 0 || connection.isSharing) continue
      connections.delete(id)
      unshared.delete(connection)
      if (connections.size <= MAX_TRACKED_CONNECTIONS) return
    }
  }

  return {
    async hold(connectionId) {
      const { connection } = await hold(connectionId)
      return {
        tag: connection.tag,
        processTag,
        get settled() {
          return connection.own + sumOf(connection.others)
        },
        posted(amount) {
          connection.own += amount
          return ask(connection)
        },
        current: () => ask(connection),
        release() {
          connection.holds -= 1
        }
      }
    },
    async fromLedger(connectionId) {
      const { connection, isNew } = await hold(connectionId)
      try {
        if (!isNew) await readFromLedger(connection)
        const total = sumOf(connection.read)
        if (total > connection.told) connection.told = total
        return totalOf(connection, connection.own)
      } finally {
        connection.holds -= 1
      }
    }
  }
}

function createTracked(id: string): Tracked {
  return {
    id,
    tag: connectionTagOf(id),
    own: 0n,
    others: new Map(),
    told: 0n,
    shared: undefined,
    readTo: undefined,
    read: new Map(),
    readAtMs: 0,
    reading: undefined,
    nextReading: undefined,
    loading: undefined,
    holds: 0,
    waiting: [],
    isSharing: false
  }
}

/** The first 128 bits of a connection's nonce: the receiver chose them, ordered by time, so no payer can. */
export function connectionTagOf(connectionId: string): bigint {
  return BigInt(`0x${Buffer.from(connectionId, 'base64url').subarray(0, 16).toString('hex')}`)
}

/** The random half of an incarnation's id. */
export function processTagOf(incarnationId: bigint): bigint {
  return BigInt.asUintN(64, incarnationId)
}

function sumOf(amounts: ReadonlyMap<bigint, bigint>): bigint {
  let sum = 0n
  for (const amount of amounts.values()) sum += amount
  return sum
}
