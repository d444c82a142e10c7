import { createPathMemory, PATH_MEMORY_LIMITS } from '../../ilp/index.ts'
import type { KnownPath, PathProbe, Ratio, StreamCredentials } from '../../ilp/index.ts'
import type { Clock } from '../../runtime/index.ts'

/** All that makes two payments travel one path: another rate of ours, or another asset at its end, is another path. */
export interface PathIdentity {
  tenantId: string
  /** What is sent. */
  assetId: string
  /** What the next hop gets, at the rate that the quote fixes. */
  conversion: { assetId: string; ratio: Ratio }
  /** Receivers at one node, which have all of their address but its last segment in common, share a path. */
  credentials: Pick<StreamCredentials, 'destination'>
  receiverAsset: { code: string; scale: number }
}

/** What quotes learnt about paths, for those that follow soon. In process: another process learns it for itself. */
export interface Paths {
  /** `via`: see `Connector.nextHop`. */
  recall(path: PathIdentity, via: unknown): KnownPath | undefined
  remember(path: PathIdentity, via: unknown, learnt: PathProbe): void
  /** A payment met another limit or rate than its quote did. */
  forget(path: PathIdentity): void
}

/** @param ratesLifetimeMs a path is remembered for no longer than a rate is kept */
export function createPaths(clock: Pick<Clock, 'monotonicMs'>, ratesLifetimeMs: number): Paths {
  const lifetimeMs = Math.min(ratesLifetimeMs, PATH_MEMORY_LIMITS.lifetimeMs)
  const memory = createPathMemory({ clock, limits: { lifetimeMs } })
  return {
    recall: (path, via) => memory.recall(keyOf(path), via),
    remember: (path, via, learnt) => memory.remember(keyOf(path), via, learnt),
    forget: (path) => memory.forget(keyOf(path))
  }
}

function keyOf({ tenantId, assetId, conversion, credentials, receiverAsset }: PathIdentity): string {
  const { numerator, denominator } = conversion.ratio
  const rate = `${conversion.assetId} ${numerator}/${denominator}`
  return `${tenantId} ${assetId} ${rate} ${nodeOf(credentials)} ${receiverAsset.code}/${receiverAsset.scale}`
}

/** The address without the token that identifies the payment. */
export function nodeOf({ destination }: Pick<StreamCredentials, 'destination'>): string {
  return destination.slice(0, Math.max(0, destination.lastIndexOf('.')))
}
