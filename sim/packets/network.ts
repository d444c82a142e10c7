import type { Step } from '../../node/backend/packet-switch.ts'
import type { Logger } from '../../node/runtime/index.ts'
import { createEndPeer } from './end.ts'
import type { EndPeer, Secret } from './end.ts'
import { linksOf } from './history.ts'
import type { AssetName, Link, PacketHistory, Party } from './history.ts'
import { createPacketNode } from './node.ts'
import type { PacketNode } from './node.ts'
import { createRecorder } from './recorder.ts'
import type { Recorder } from './recorder.ts'
import type { BatchFate } from './store.ts'
import { between, createPacketWorld } from './world.ts'
import type { PacketWorld } from './world.ts'

/** What a connector takes off an expiry, and the longest that the next hop may hold a packet (money.md 2). */
const MESSAGE_WINDOW_MS = 1_000
const MAX_HOLD_TIME_MS = 30_000

/** The world of one history, built and connected. */
export interface PacketNetwork {
  world: PacketWorld
  recorder: Recorder
  links: Link[]
  nodes: PacketNode[]
  ends: { left: EndPeer; right: EndPeer }
  /** By condition, in hexadecimal. */
  secrets: Map<string, Secret>
  /** Decides what happens to the next batch of a node's ledger. */
  fates: { of(node: Party): BatchFate | undefined }
  /** Every process ends, and nothing of the world is left. */
  end(): void
  node(place: number): PacketNode
  link(place: number): Link
}

export function buildPacketNetwork(
  history: PacketHistory,
  logger: Logger,
  steps?: readonly Step[]
): PacketNetwork {
  const world = createPacketWorld(history.seed, history.networkMs, logger)
  const links = linksOf(history)
  const nodes: PacketNode[] = []
  const nodeNamed = (party: Party) => nodes.find(({ name }) => name === party)
  const recorder = createRecorder({
    elapsedMs: world.elapsedMs,
    ratiosBetween: (party, from, to, fromMs, toMs) => nodeNamed(party)!.ratiosBetween(from, to, fromMs, toMs),
    account: (party, id) => nodeNamed(party)?.account(id),
    routesTo: (party, ...of) => nodeNamed(party)!.routesTo(...of),
    otherEnd(name, party) {
      const link = links.find((one) => one.name === name)!
      return link.left === party ? link.right : link.left
    },
    messageWindowMs: MESSAGE_WINDOW_MS,
    maxHoldTimeMs: MAX_HOLD_TIME_MS
  })
  const fates: PacketNetwork['fates'] = { of: () => undefined }
  const parties = ['left', ...history.nodes.map((_, index) => `n${index}`), 'right']
  history.nodes.forEach((plan, index) => {
    const name = `n${index}`
    nodes.push(
      createPacketNode({
        world,
        recorder,
        name,
        plan,
        links: links.filter(({ left, right }) => left === name || right === name),
        routes: routesOf(index, parties, links),
        ledgerLatencyMs: () => between(history.ledgerMs, world.draw),
        fateOf: (node) => fates.of(node),
        steps
      })
    )
  })
  const secrets = new Map<string, Secret>()
  const endPeer = (name: 'left' | 'right', link: Link) =>
    createEndPeer({ world, recorder, name, link, secrets })
  const ends = {
    left: endPeer('left', links[0]!),
    right: endPeer('right', links[history.nodes.length]!)
  }
  return {
    world,
    recorder,
    links,
    nodes,
    ends,
    end() {
      for (const node of nodes) node.kill()
      for (const { process } of Object.values(ends)) process.kill()
      // The library of WebSockets keeps one that is closing for half a minute of real time, and the world with it.
      world.network.end()
    },
    secrets,
    fates,
    node: (place) => nodes[place % nodes.length]!,
    link: (place) => links[place % links.length]!
  }
}

/** Along the line: by party, the link that leads there. */
function routesOf(index: number, parties: readonly Party[], links: readonly Link[]): Map<Party, string> {
  const routes = new Map<Party, string>()
  parties.forEach((party, place) => {
    if (place <= index) routes.set(party, links[index]!.name)
    else if (place > index + 1) routes.set(party, links[index + 1]!.name)
  })
  return routes
}

/** What arrives at a node of what another one, or an end, sends: by the rates of the moment, along the line. */
export function pathRatio(
  network: Pick<PacketNetwork, 'nodes'>,
  from: number,
  to: number,
  assets: { source: AssetName; destination: AssetName; link(hop: number): AssetName }
): { numerator: bigint; denominator: bigint } | undefined {
  let numerator = 1n
  let denominator = 1n
  const step = from <= to ? 1 : -1
  let asset = assets.source
  for (let hop = from; ; hop += step) {
    const isLast = hop === to
    const next = isLast ? assets.destination : assets.link(step > 0 ? hop + 1 : hop)
    const ratio = network.nodes[hop]!.ratio(asset, next)
    if (ratio === undefined) return undefined
    numerator *= ratio.numerator
    denominator *= ratio.denominator
    asset = next
    if (isLast) return { numerator, denominator }
  }
}
