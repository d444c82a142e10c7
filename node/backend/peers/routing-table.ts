import type { Peer } from './model.ts'

/**
 * Static routes of all tenants. A tenant's packets go through that tenant's peers only;
 * prefixes are compared by dot segments (RFC 15).
 */
export interface RoutingTable {
  add(peer: Peer): void
  remove(peer: Peer): void
  /** Longest matching prefix, without the excepted peer; among equals the oldest peer, so that it stays one. */
  lookup(tenantId: string, destination: string, exceptPeerId?: string): Peer | undefined
}

interface TenantRoutes {
  byPrefix: Map<string, Peer[]>
  /** How many prefixes have this many characters: a change costs the same however many routes there are. */
  lengths: Map<number, number>
  /** Length of the longest prefix in characters: a longer destination is cut before it is looked up. */
  longest: number
}

export function createRoutingTable(): RoutingTable {
  const tenants = new Map<string, TenantRoutes>()

  return {
    add(peer) {
      let routes = tenants.get(peer.tenantId)
      if (routes === undefined) {
        routes = { byPrefix: new Map(), lengths: new Map(), longest: 0 }
        tenants.set(peer.tenantId, routes)
      }
      for (const prefix of new Set(peer.routes)) {
        const others = routes.byPrefix.get(prefix)
        if (others === undefined) count(routes, prefix.length, 1)
        routes.byPrefix.set(prefix, [...(others ?? []), peer].sort(byAge))
      }
    },
    remove(peer) {
      const routes = tenants.get(peer.tenantId)
      if (routes === undefined) return
      for (const prefix of new Set(peer.routes)) {
        const all = routes.byPrefix.get(prefix)
        if (all === undefined) continue
        const left = all.filter((other) => other.id !== peer.id)
        if (left.length > 0) {
          routes.byPrefix.set(prefix, left)
        } else {
          routes.byPrefix.delete(prefix)
          count(routes, prefix.length, -1)
        }
      }
      if (routes.byPrefix.size === 0) tenants.delete(peer.tenantId)
    },
    lookup(tenantId, destination, exceptPeerId) {
      const routes = tenants.get(tenantId)
      if (routes === undefined) return undefined
      for (let prefix = longestCandidate(destination, routes.longest); prefix; prefix = parent(prefix)) {
        const peer = routes.byPrefix.get(prefix)?.find((candidate) => candidate.id !== exceptPeerId)
        if (peer !== undefined) return peer
      }
      return undefined
    }
  }
}

function count(routes: TenantRoutes, length: number, change: 1 | -1): void {
  const { lengths } = routes
  const left = (lengths.get(length) ?? 0) + change
  if (left > 0) lengths.set(length, left)
  else lengths.delete(length)
  // Addresses have at most 1,023 characters, so there are few lengths.
  if (change > 0) routes.longest = Math.max(routes.longest, length)
  else if (length === routes.longest && left === 0) routes.longest = Math.max(0, ...lengths.keys())
}

function byAge(one: Peer, other: Peer): number {
  const difference = one.createdAt.getTime() - other.createdAt.getTime()
  return difference !== 0 ? difference : one.id < other.id ? -1 : 1
}

/** The longest prefix by whole segments that has at most `length` characters. */
function longestCandidate(destination: string, length: number): string {
  if (destination.length <= length) return destination
  return destination[length] === '.' ? destination.slice(0, length) : parent(destination.slice(0, length))
}

function parent(prefix: string): string {
  const dot = prefix.lastIndexOf('.')
  return dot < 0 ? '' : prefix.slice(0, dot)
}
