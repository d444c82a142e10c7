import {
  createBtpTransport,
  createConnector,
  createConnectorServer,
  createHttpTransport,
  createRoutingTable,
  createTransportByScheme
} from '../../node/backend/packet-switch.ts'
import type { Asset, Connector, Orphan, Peer, Step, Tenant } from '../../node/backend/packet-switch.ts'
import { createStreamReceiver } from '../../node/ilp/index.ts'
import type { StreamReceiver } from '../../node/ilp/index.ts'
import { ID_MAX, createLedgerWriter } from '../../node/ledger/index.ts'
import type { LedgerWriter } from '../../node/ledger/index.ts'
import { createHttpClient, createRandom, uuidToId } from '../../node/runtime/index.ts'
import type { HttpClient } from '../../node/runtime/index.ts'
import { createPacketBooks } from './books.ts'
import { createPrices, createRoutings } from './changes.ts'
import type { AssetName, Link, NodePlan, Party } from './history.ts'
import type { Recorder } from './recorder.ts'
import { createStore } from './store.ts'
import type { BatchFate, StoreOptions } from './store.ts'
import { createTarget } from './target.ts'
import type { PacketTarget } from './target.ts'
import { createWriterWatch, never, watchTransport } from './watched.ts'
import type { PacketProcess, PacketWorld } from './world.ts'

const CONNECTOR_PORT = 80
/** How often a node's process may start in one history. */
const MAX_INCARNATIONS = 1_000

/** One start of a node's process. */
interface Incarnation {
  number: number
  id: bigint
  process: PacketProcess
  connector: Connector
  writer: LedgerWriter
  http: HttpClient | undefined
  tellPeerChanged(peerId: string): void
}

export interface PacketNodeOptions {
  world: PacketWorld
  recorder: Recorder
  name: Party
  plan: NodePlan
  /** The links of this node. */
  links: readonly Link[]
  /** The next hop towards each party: by the link that leads there. */
  routes: ReadonlyMap<Party, string>
  ledgerLatencyMs(): number
  fateOf(node: Party): BatchFate | undefined
  /** Absent: the connector's own. Others are for tests that plant defects. */
  steps?: readonly Step[] | undefined
}

export type PacketNode = ReturnType<typeof createPacketNode>

/**
 * A connector of the very code of `node/backend`, between its neighbours, on a ledger in memory that outlives its
 * process; its process can be killed and started again.
 */
export function createPacketNode(options: PacketNodeOptions) {
  const { world, recorder, name, plan, links, routes, ledgerLatencyMs, fateOf } = options
  const worldClock = { nowMs: () => world.scheduler.nowMs() }
  // What a database would keep.
  const ids = createRandom((length) => world.bytes(length), worldClock)
  const tenantId = ids.orderedUuid()
  const address = `test.${name}`
  const books = createPacketBooks({ world, recorder, name, ids, tenantId, liquidity: plan.liquidity })
  const { ledger, addAsset, addAccount, settle, audit } = books
  const peers = new Map<string, { peer: Peer; link: Link }>()
  const peerIdByLink = new Map<string, string>()
  const table = createRoutingTable()
  const routings = createRoutings(world.elapsedMs)
  const targets = new Map<string, PacketTarget>()
  const deadIds: bigint[] = []
  /** What processes listed before they died. */
  const orphansBefore: Orphan[] = []
  const serverSecret = world.bytes(32)
  const prices = createPrices(world.elapsedMs, plan.spread)
  let skewMs = plan.skewMs
  let current: Incarnation | undefined
  let starts = 0

  const tenant: Tenant = {
    id: tenantId,
    apiSecret: '',
    createdAt: new Date(0),
    isOperator: true,
    ownSettings: [],
    settings: { ilpAddress: address, webhookUrl: '', webhookTimeoutMs: 0, webhookMaxRetry: 0 }
  }

  // ---- What the operator does.

  async function addPeer(link: Link): Promise<void> {
    const asset = await addAsset(link.plan.asset)
    const isLeft = link.left === name
    const other = isLeft ? link.right : link.left
    const id = ids.orderedUuid()
    const { transport, maxPacketAmount, maxPacketsInFlight, maxPacketsPerSecond, maxAmountPerSecond } =
      link.plan
    // Ends come to us; of two connectors the left one opens the connection.
    const isDialled = transport === 'http' || (isLeft && other !== 'right')
    const scheme = transport === 'http' ? 'http' : 'btp+ws'
    const peer: Peer = {
      id,
      tenantId,
      asset,
      name: other,
      staticIlpAddress: `test.${other}`,
      routes: [...routes].filter(([, over]) => over === link.name).map(([party]) => `test.${party}`),
      http: {
        outgoing: {
          endpoint: `${scheme}://${other}:${isDialled ? CONNECTOR_PORT : 1}/`,
          authToken: tokenOf(link, name)
        }
      },
      ...(maxPacketAmount > 0n && { maxPacketAmount }),
      ...(maxPacketsInFlight > 0 && { maxPacketsInFlight }),
      ...(maxPacketsPerSecond > 0 && { maxPacketsPerSecond }),
      ...(maxAmountPerSecond > 0n && { maxAmountPerSecond }),
      createdAt: new Date(worldClock.nowMs())
    }
    await addAccount(id, link.plan.asset, 'peer', `peer ${other}`)
    peerIdByLink.set(link.name, id)
    putPeer(peer, link)
    // What the other may send us is what we owe it.
    await settle(uuidToId(id), 'deposit', link.plan.balances[isLeft ? 1 : 0])
  }

  function putPeer(peer: Peer, link: Link): void {
    removePeer(peer.id)
    peers.set(peer.id, { peer, link })
    table.add(peer)
    noteRoutes()
    current?.tellPeerChanged(peer.id)
  }

  function removePeer(id: string): void {
    const known = peers.get(id)
    if (!known) return
    peers.delete(id)
    table.remove(known.peer)
  }

  function noteRoutes(): void {
    routings.note([...peers.values()].map(({ peer, link }) => ({ link: link.name, routes: peer.routes })))
  }

  // ---- The process.

  async function start(): Promise<void> {
    if (current) return
    const number = ++starts
    if (number > MAX_INCARNATIONS) throw new Error(`${name} was started ${number} times`)
    const process = world.process(name, { skewMs })
    await process.run(() => run(process, number))
  }

  async function run(process: PacketProcess, number: number): Promise<void> {
    const { clock, random, network, logger } = process
    const id = random.orderedId() & ID_MAX
    const watch = createWriterWatch(recorder, clock)
    const storeOptions: StoreOptions = {
      ledger,
      clock,
      latencyMs: ledgerLatencyMs,
      fateOf: () => fateOf(name),
      kill,
      committed(transfers, results) {
        recorder.committed(name, transfers, results)
        audit()
      },
      troubled: watch.troubled
    }
    const inner = createLedgerWriter({ ledger: createStore(storeOptions), clock, logger })
    const writer = watch.around(inner)

    const listeners: ((peerId: string) => void)[] = []
    const directory = {
      get: (peerId: string) => peers.get(peerId)?.peer,
      byIncomingToken: (token: string) =>
        [...peers.values()].find(({ link }) => tokenOf(link, otherOf(link)) === token)?.peer,
      nextHop: (tenant: string, destination: string, { exceptPeerId }: { exceptPeerId?: string } = {}) =>
        table.lookup(tenant, destination, exceptPeerId),
      all: () => [...peers.values()].map(({ peer }) => peer),
      onChange: (listener: (peerId: string) => void) => void listeners.push(listener)
    }
    const usesHttp = links.some(({ plan: { transport } }) => transport === 'http')
    const http = usesHttp ? createHttpClient(process, { maxConnectionsPerOrigin: 64 }) : undefined
    const btp = createBtpTransport({ peers: directory, network, clock, random, logger })
    const httpTransport = http && createHttpTransport({ httpClient: http, clock })
    const transport = createTransportByScheme({
      'btp+ws:': btp,
      ...(httpTransport && { 'http:': httpTransport })
    })
    const streamReceiver: StreamReceiver = createStreamReceiver({ serverSecret, random })
    const connector = createConnector({
      tenants: { get: (wanted) => (wanted === tenantId ? tenant : undefined) },
      peers: directory,
      rates: {
        cachedRatio: (_tenant, from, to) =>
          prices.ratio(`${from.code}/${from.scale}` as AssetName, `${to.code}/${to.scale}` as AssetName),
        ratio: async () => ({ failure: 'CouldNotFetchRates' })
      },
      deliveryTargets: { resolve: async (tag) => targets.get(tag) },
      streamReceiver,
      writer,
      ledger,
      transport: watchTransport(transport, {
        party: name,
        recorder,
        process,
        linkOf: (peer) => links.find((one) => peerIdByLink.get(one.name) === peer.id)
      }),
      incarnationId: id,
      deadIncarnations: {
        dead: async () => [...deadIds],
        async forget(dead) {
          deadIds.splice(deadIds.indexOf(dead), 1)
        }
      },
      clock,
      random,
      logger,
      ...(options.steps && { steps: options.steps })
    })
    const door: Pick<Connector, 'handle' | 'door' | 'orphans'> = {
      door: connector.door,
      orphans: connector.orphans,
      async handle(peer, prepare) {
        if (process.owner.killed) return never()
        const link = peers.get(peer.id)?.link ?? links.find((one) => peerIdByLink.get(one.name) === peer.id)!
        const trace = recorder.arrived(name, number, clock.nowMs(), prepare, {
          link: link.name,
          accountId: uuidToId(peer.id),
          asset: link.plan.asset
        })
        const reply = await recorder.context.run(trace, () => connector.handle(peer, prepare))
        if (!process.owner.killed) recorder.answered(trace, clock.nowMs(), reply)
        return reply
      }
    }
    // A process that starts again knows of its accounts what the ledger says.
    for (const target of targets.values()) {
      const [account] = await ledger.lookupAccounts([target.accountId])
      target.received = account?.creditsPosted ?? 0n
      target.booking = 0n
    }
    current = {
      number,
      id,
      process,
      connector,
      writer,
      http,
      tellPeerChanged: (peerId) => process.run(() => listeners.forEach((listener) => listener(peerId)))
    }
    await createConnectorServer(
      { connector: { ...connector, ...door }, peers: directory, network, clock, logger },
      { host: name, port: CONNECTOR_PORT },
      { onUpgrade: btp.accept }
    )
    btp.start(door)
    await connector.start()
  }

  function otherOf(link: Link): Party {
    return link.left === name ? link.right : link.left
  }

  function kill(): void {
    if (!current) return
    const { process, number, id } = current
    recorder.note(name, 'is killed')
    recorder.died(name, number)
    process.kill()
    void current.http?.dispatcher.destroy()
    deadIds.push(id)
    orphansBefore.push(...current.connector.orphans.list())
    current = undefined
    for (const { name: link } of links) recorder.broke(link)
  }

  return {
    name,
    address,
    plan,
    links,
    ledger,
    targets,
    account: books.account,
    ratio: prices.ratio,
    ratiosBetween: prices.ratiosBetween,
    start,
    kill,
    get isUp() {
      return current !== undefined
    },
    get current() {
      return current
    },
    get starts() {
      return starts
    },
    orphans: (): Orphan[] => [...orphansBefore, ...(current?.connector.orphans.list() ?? [])],
    assetOf: books.asset,
    async build() {
      for (const link of links) await addPeer(link)
    },
    credentials(targetId: string, random: PacketProcess['random']) {
      return createStreamReceiver({ serverSecret, random }).createCredentials({
        serverAddress: address,
        paymentTag: targetId
      })
    },
    /** A customer's account of this node that packets may pay into. */
    async addTarget(assetName: AssetName, receiveMax?: bigint): Promise<PacketTarget> {
      const asset = await addAsset(assetName)
      const id = ids.orderedUuid()
      await addAccount(id, assetName, 'target', `account ${id.slice(-4)}`)
      const target = createTarget(id, tenantId, asset, receiveMax)
      targets.set(id, target)
      return target
    },
    /** A customer's account of this node that pays, with so much on it. */
    async addCustomer(
      assetName: AssetName,
      balance: bigint
    ): Promise<{ id: bigint; paymentId: string; asset: Asset }> {
      const asset = await addAsset(assetName)
      const paymentId = ids.orderedUuid()
      await addAccount(paymentId, assetName, 'customer', `customer ${paymentId.slice(-4)}`)
      await settle(uuidToId(paymentId), 'deposit', balance)
      return { id: uuidToId(paymentId), paymentId, asset }
    },
    settle(
      link: Link,
      kind: 'peer' | 'asset',
      way: 'deposit' | 'withdraw',
      amount: bigint
    ): Promise<boolean> {
      const id = kind === 'peer' ? peerIdByLink.get(link.name)! : books.asset(link.plan.asset)!.id
      return settle(uuidToId(id), way, amount)
    },
    setPrice: prices.set,
    changePeer(link: Link, changes: Partial<Peer>) {
      const known = peers.get(peerIdByLink.get(link.name)!)
      if (!known) return
      const changed = { ...known.peer, ...changes }
      if (changed.maxPacketAmount === 0n) delete changed.maxPacketAmount
      putPeer(changed, link)
    },
    route(end: Party, over: Link) {
      for (const { peer, link } of [...peers.values()]) {
        const rest = peer.routes.filter((route) => route !== `test.${end}`)
        putPeer({ ...peer, routes: link.name === over.name ? [...rest, `test.${end}`] : rest }, link)
      }
    },
    /** Deletes a peer, and gives what makes it again. */
    forgetPeer(link: Link): (() => void) | undefined {
      const id = peerIdByLink.get(link.name)!
      const known = peers.get(id)
      if (!known) return undefined
      removePeer(id)
      noteRoutes()
      recorder.broke(link.name)
      current?.tellPeerChanged(id)
      return () => putPeer(known.peer, known.link)
    },
    stepClock(byMs: number) {
      skewMs += byMs
      if (current) current.process.owner.skewMs += byMs
    },
    routesTo: routings.linksBetween
  }
}

/** The token that a party shows to the other one of a link. */
export function tokenOf(link: Link, party: Party): string {
  return `${party}-over-${link.left}-${link.right}`
}
