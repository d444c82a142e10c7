import type { Clock } from '../../runtime/index.ts'
import { MAX_CACHED_WALLET_ADDRESSES } from './cache.ts'

/**
 * What belongs to a wallet address and is read far more often than it changes (its keys, its additional properties),
 * by the wallet address's id, for as long as the wallet address itself is kept. Concurrent reads are one. A read that
 * began before a change is given to those who waited for it, and not kept.
 */
export interface Details<T> {
  get(walletAddressId: string): Promise<T>
  drop(walletAddressId: string): void
  clear(): void
}

export function createDetails<T>({
  clock,
  lifetimeMs,
  read,
  maxEntries = MAX_CACHED_WALLET_ADDRESSES
}: {
  clock: Clock
  /** 0: nothing is kept. */
  lifetimeMs: number
  read(walletAddressId: string): Promise<T>
  /** Beyond it the one that was read longest ago goes. */
  maxEntries?: number
}): Details<T> {
  const kept = new Map<string, { value: T; expiresMs: number }>()
  const reading = new Map<string, Promise<T>>()

  async function readAndKeep(id: string): Promise<T> {
    const begunMs = clock.nowMs()
    const started = read(id)
    reading.set(id, started)
    try {
      const value = await started
      // A change meanwhile has taken it out: what was read may be older than the change.
      if (reading.get(id) !== started || lifetimeMs === 0) return value
      kept.delete(id)
      kept.set(id, { value, expiresMs: begunMs + lifetimeMs })
      const [oldest] = kept.keys()
      if (kept.size > maxEntries && oldest !== undefined) kept.delete(oldest)
      return value
    } finally {
      if (reading.get(id) === started) reading.delete(id)
    }
  }

  return {
    async get(id) {
      const entry = kept.get(id)
      if (entry && entry.expiresMs > clock.nowMs()) return entry.value
      return reading.get(id) ?? readAndKeep(id)
    },
    drop(id) {
      kept.delete(id)
      reading.delete(id)
    },
    clear() {
      kept.clear()
      reading.clear()
    }
  }
}
