import type { Clock } from '../../runtime/index.ts'
import type { WalletAddress } from './model.ts'

/** Wallet addresses that a process keeps by URL; the longest unused are dropped first. */
export const MAX_CACHED_WALLET_ADDRESSES = 10_000

/**
 * Wallet addresses by URL for a while. A read that started before a change is never kept: `begin` before the
 * read, `keep` after it.
 */
export interface WalletAddressCache {
  get(url: string): WalletAddress | undefined
  begin(): number
  keep(url: string, walletAddress: WalletAddress, begun: number): void
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
  let changes = 0

  function remove(url: string): void {
    const entry = entries.get(url)
    if (entry === undefined) return
    entries.delete(url)
    urlsById.delete(entry.walletAddress.id)
  }

  return {
    get(url) {
      const entry = entries.get(url)
      if (entry === undefined) return undefined
      if (entry.expiresMs <= clock.nowMs()) {
        remove(url)
        return undefined
      }
      entries.delete(url)
      entries.set(url, entry)
      return entry.walletAddress
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
    drop(id) {
      changes += 1
      const url = urlsById.get(id)
      if (url !== undefined) remove(url)
    },
    clear() {
      changes += 1
      entries.clear()
      urlsById.clear()
    }
  }
}
