import type { Clock } from '../../runtime/index.ts'
import type { Ratio } from '../model.ts'
import type { PathProbe } from './probe.ts'

/** Defaults of what is kept of paths. */
export const PATH_MEMORY_LIMITS = {
  /** What was learnt about a path is used for so long: as long as a rate. */
  lifetimeMs: 15_000,
  /** Paths in memory; the one that was learnt first goes first. */
  maxPaths: 10_000
}
export type PathMemoryLimits = typeof PATH_MEMORY_LIMITS

/** What an earlier probe says of a path: enough to know which few packets to try. Source units but for the loss. */
export interface KnownPath {
  maxPacketAmount?: bigint
  /** Inclusive; above 0. */
  lowRate: Ratio
  /** Exclusive. */
  highRate: Ratio
  /** Destination units. */
  roundingLoss: bigint
  /** The largest packet that arrived. */
  largestArrived: bigint
}

/**
 * What was learnt about paths, for a bounded time. It is never believed: `probePath` takes it for a guess at what
 * to try, and promises only what its own packets prove.
 */
export interface PathMemory {
  /** `via` is the next hop as it is known now: of another one, or of one that changed, nothing is recalled. */
  recall(key: string, via: unknown): KnownPath | undefined
  /** A probe that recognized the path does not make what it took over last longer. */
  remember(key: string, via: unknown, path: PathProbe): void
  /** A packet met something else than what is remembered. */
  forget(key: string): void
  readonly size: number
}

interface Entry {
  via: unknown
  path: KnownPath
  untilMs: number
}

/** An empty memory. */
export function createPathMemory({
  clock,
  limits: given
}: {
  clock: Pick<Clock, 'monotonicMs'>
  limits?: Partial<PathMemoryLimits>
}): PathMemory {
  const limits = { ...PATH_MEMORY_LIMITS, ...given }
  /** In the order in which they were learnt, which is the order in which they end. */
  const entries = new Map<string, Entry>()

  function dropFirst(isOver: (entry: Entry) => boolean): void {
    for (const [key, entry] of entries) {
      if (!isOver(entry)) return
      entries.delete(key)
    }
  }

  return {
    get size() {
      return entries.size
    },
    recall(key, via) {
      const entry = entries.get(key)
      if (entry === undefined) return undefined
      if (entry.via === via && entry.untilMs > clock.monotonicMs()) return entry.path
      entries.delete(key)
      return undefined
    },
    remember(key, via, { maxPacketAmount, lowRate, highRate, roundingLoss, largestArrived, isRecognized }) {
      const nowMs = clock.monotonicMs()
      dropFirst(({ untilMs }) => untilMs <= nowMs)
      if (isRecognized) return
      entries.delete(key)
      dropFirst(() => entries.size >= limits.maxPaths)
      const path: KnownPath = {
        ...(maxPacketAmount !== undefined && { maxPacketAmount }),
        ...{ lowRate, highRate, roundingLoss, largestArrived }
      }
      if (limits.maxPaths > 0) entries.set(key, { via, path, untilMs: nowMs + limits.lifetimeMs })
    },
    forget: (key) => void entries.delete(key)
  }
}
