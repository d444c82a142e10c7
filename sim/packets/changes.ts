import type { Ratio } from '../../node/ilp/index.ts'
import { createRatio } from '../../node/ilp/index.ts'
import { ASSETS } from './history.ts'
import type { AssetName } from './history.ts'

/** What was so from one moment on, until the next. */
interface Since<What> {
  atMs: number
  is: What
}

/** All that was so at any time between two moments. */
function between<What>(changes: readonly Since<What>[], fromMs: number, toMs: number): What[] {
  return changes
    .filter(({ atMs }, index) => atMs <= toMs && (changes[index + 1]?.atMs ?? Infinity) >= fromMs)
    .map(({ is }) => is)
}

/** A node's prices, and what they were. */
export function createPrices(elapsedMs: () => number, spreadBasisPoints: number) {
  type Prices = ReadonlyMap<AssetName, bigint>
  const changes: Since<Prices>[] = [{ atMs: 0, is: new Map(Object.entries(ASSETS) as [AssetName, bigint][]) }]

  function ratioAt(from: AssetName, to: AssetName, at: Prices): Ratio | undefined {
    if (from === to) return createRatio(1n, 1n)
    const [fromPrice, toPrice] = [at.get(from) ?? 0n, at.get(to) ?? 0n]
    if (fromPrice === 0n || toPrice === 0n) return undefined
    return createRatio(fromPrice * BigInt(10_000 - spreadBasisPoints), toPrice * 10_000n)
  }

  return {
    ratio: (from: AssetName, to: AssetName) => ratioAt(from, to, changes.at(-1)!.is),
    ratiosBetween: (from: AssetName, to: AssetName, fromMs: number, toMs: number): Ratio[] =>
      between(changes, fromMs, toMs)
        .map((prices) => ratioAt(from, to, prices))
        .filter((found) => found !== undefined),
    /** @param permille of the asset's price at the start; 0: it has none */
    set(asset: AssetName, permille: number): void {
      const next = new Map(changes.at(-1)!.is)
      next.set(asset, permille === 0 ? 0n : (ASSETS[asset] * BigInt(permille)) / 1_000n)
      changes.push({ atMs: elapsedMs(), is: next })
    }
  }
}

/** By link: the addresses that it leads to. */
export type Routing = { link: string; routes: string[] }[]

/** A node's routes, and what they were. */
export function createRoutings(elapsedMs: () => number) {
  const changes: Since<Routing>[] = []
  return {
    note: (routing: Routing) => void changes.push({ atMs: elapsedMs(), is: routing }),
    /** The links that an address led to at any time between two moments. */
    linksBetween(destination: string, cameOver: string | undefined, fromMs: number, toMs: number): string[] {
      const found = between(changes, fromMs, toMs).flatMap((known) => longestOf(known, destination, cameOver))
      return [...new Set(found)]
    }
  }
}

/** The links whose routes are the longest that the address lies below, but for the one that the packet came over. */
function longestOf(routing: Routing, destination: string, cameOver: string | undefined): string[] {
  const found = routing
    .filter(({ link }) => link !== cameOver)
    .flatMap(({ link, routes }) => routes.map((route) => ({ link, route })))
    .filter(({ route }) => destination === route || destination.startsWith(`${route}.`))
  const longest = Math.max(0, ...found.map(({ route }) => route.length))
  return found.filter(({ route }) => route.length === longest).map(({ link }) => link)
}
