import type { Clock } from '../../runtime/index.ts'
import type { WalletAddress } from './model.ts'

/** Wallet addresses that a process keeps by URL; the longest unused are dropped first. */
export const MAX_CACHED_WALLET_ADDRESSES = 10_000
/** URLs of which a process remembers that they are none of ours; the longest known are dropped first. */
export const MAX_ABSENT_WALLET_ADDRESSES = 1_000

/**
 * Wallet addresses by URL and id for a while. A read that started before a change is never kept: `begin` before
 * the read, `keep` after it.
 */
export interface WalletAddressCache {
  /** `null`: there was none. */
  get(url: string): WalletAddress | null | undefined
  byId(id: string): WalletAddress | undefined
  begin(): number
  keep(url: string, walletAddress: WalletAddress, begun: number): void
  keepAbsent(url: string, begun: number): void
  drop(id: string): void
  clear(): void
}

export function createWalletAddressCache({
  clock,
  lifetimeMs,
  maxEntries = MAX_CACHED_WALLET_ADDRESSES
}: {
  clock: Clock
  lifetimeMs: number
  maxEntries?: number
}): WalletAddressCache {
  const entries = new Map<string, { walletAddress: WalletAddress; expiresMs: number }>()
  const urlsById = new Map<string, string>()
  /** When their absence is to be looked at again. */
  const absent = new Map<string, number>()
  let changes = 0

  function remove(url: string): void {
    const entry = entries.get(url)
    if (entry === undefined) return
    entries.delete(url)
    urlsById.delete(entry.walletAddress.id)
  }

  function present(url: string): WalletAddress | undefined {
    const entry = entries.get(url)
    if (entry === undefined) return undefined
    if (entry.expiresMs <= clock.nowMs()) {
      remove(url)
      return undefined
    }
    entries.delete(url)
    entries.set(url, entry)
    return entry.walletAddress
  }

  return {
    get(url) {
      const absentUntilMs = absent.get(url)
      if (absentUntilMs === undefined) return present(url)
      if (absentUntilMs > clock.nowMs()) return null
      absent.delete(url)
      return undefined
    },
    byId(id) {
      const url = urlsById.get(id)
      return url === undefined ? undefined : present(url)
    },
    begin: () => changes,
    keep(url, walletAddress, begun) {
      if (begun !== changes || lifetimeMs === 0) return
      remove(url)
      entries.set(url, { walletAddress, expiresMs: clock.nowMs() + lifetimeMs })
      urlsById.set(walletAddress.id, url)
      for (const [oldest] of entries) {
        if (entries.size <= maxEntries) break
        remove(oldest)
      }
    },
    keepAbsent(url, begun) {
      if (begun !== changes || lifetimeMs === 0) return
      absent.set(url, clock.nowMs() + lifetimeMs)
      if (absent.size <= MAX_ABSENT_WALLET_ADDRESSES) return
      const [oldest] = absent.keys()
      if (oldest !== undefined) absent.delete(oldest)
    },
    drop(id) {
      changes += 1
      absent.clear() // the change may have been its creation
      const url = urlsById.get(id)
      if (url !== undefined) remove(url)
    },
    clear() {
      changes += 1
      absent.clear()
      entries.clear()
      urlsById.clear()
    }
  }
}
