import {
  createBtpTransport,
  createConnector,
  createConnectorServer,
  createHttpTransport,
  createLiquidityAccounts,
  createRoutingTable,
  createTransportByScheme
} from '../../node/backend/packet-switch.ts'
import type {
  Asset,
  Connector,
  DeliveryTarget,
  Orphan,
  Peer,
  Step,
  Tenant,
  Transport,
  TransportOutcome
} from '../../node/backend/packet-switch.ts'
import {
  createRatio,
  createStreamReceiver,
  decodePrepare,
  decodeReply,
  isPacketError
} from '../../node/ilp/index.ts'
import type { Ratio, StreamReceiver } from '../../node/ilp/index.ts'
import {
  AccountCode,
  ID_MAX,
  TransferCode,
  chainIsDone,
  createLedgerWriter,
  createMemoryLedger
} from '../../node/ledger/index.ts'
import type { AuditableLedger, LedgerWriter } from '../../node/ledger/index.ts'
import { createHttpClient, createRandom, uuidToId } from '../../node/runtime/index.ts'
import type { HttpClient } from '../../node/runtime/index.ts'
import { ASSETS } from './history.ts'
import type { AssetName, Link, NodePlan, Party } from './history.ts'
import { meets } from './recorder.ts'
import type { AccountNote, PacketTrace, Recorder } from './recorder.ts'
import { createStore } from './store.ts'
import type { BatchFate, StoreOptions } from './store.ts'
import type { PacketProcess, PacketWorld } from './world.ts'

const CONNECTOR_PORT = 80
/** How often a node's process may start in one history. */
const MAX_INCARNATIONS = 1_000

/** A customer's account that STREAM packets pay into. */
export interface PacketTarget extends DeliveryTarget {
  received: bigint
  booking: bigint
  closed: boolean
}

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
  const ledger: AuditableLedger = createMemoryLedger({ clock: worldClock })
  const assets = new Map<AssetName, Asset>()
  const peers = new Map<string, { peer: Peer; link: Link }>()
  const peerIdByLink = new Map<string, string>()
  const table = createRoutingTable()
  /** Every change of them. */
  const routings: { atMs: number; routes: Routing }[] = []
  const targets = new Map<string, PacketTarget>()
  const accounts = new Map<bigint, AccountNote>()
  const deadIds: bigint[] = []
  /** What processes listed before they died. */
  const orphansBefore: Orphan[] = []
  const serverSecret = world.bytes(32)
  const prices: { atMs: number; prices: Map<AssetName, bigint> }[] = [
    { atMs: 0, prices: new Map(Object.entries(ASSETS) as [AssetName, bigint][]) }
  ]
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

  async function addAsset(assetName: AssetName): Promise<Asset> {
    const known = assets.get(assetName)
    if (known) return known
    const [code, scale] = assetName.split('/') as [string, string]
    const asset: Asset = {
      id: ids.orderedUuid(),
      tenantId,
      code,
      scale: Number(scale),
      ledger: assets.size + 1,
      createdAt: new Date(worldClock.nowMs())
    }
    assets.set(assetName, asset)
    await createLiquidityAccounts({ ledger }).ensureAssetAccounts(asset)
    accounts.set(BigInt(asset.ledger), {
      kind: 'settlement',
      asset: assetName,
      name: `settlement of ${assetName}`
    })
    accounts.set(uuidToId(asset.id), { kind: 'asset', asset: assetName, name: `liquidity of ${assetName}` })
    recorder.liquidityIds.set(`${name} ${assetName}`, uuidToId(asset.id))
    await settle(uuidToId(asset.id), 'deposit', plan.liquidity)
    return asset
  }

  async function addAccount(
    id: string,
    assetName: AssetName,
    kind: AccountNote['kind'],
    label: string
  ): Promise<void> {
    const code = {
      peer: AccountCode.LIQUIDITY_PEER,
      target: AccountCode.LIQUIDITY_INCOMING,
      customer: AccountCode.LIQUIDITY_OUTGOING,
      asset: AccountCode.LIQUIDITY_ASSET,
      settlement: AccountCode.SETTLEMENT
    }[kind]
    await createLiquidityAccounts({ ledger }).ensureAccount({ id, asset: assets.get(assetName)!, code })
    accounts.set(uuidToId(id), { kind, asset: assetName, name: label })
  }

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
    const routes = [...peers.values()].map(({ peer, link }) => ({ link: link.name, routes: peer.routes }))
    routings.push({ atMs: world.elapsedMs(), routes })
  }

  /** Books a deposit, or as much of a withdrawal as is there. */
  async function settle(accountId: bigint, way: 'deposit' | 'withdraw', amount: bigint): Promise<boolean> {
    if (amount === 0n) return true
    const settlementId = BigInt(assets.get(accounts.get(accountId)!.asset)!.ledger)
    const [result] = await ledger.createTransfers([
      {
        id: ids.orderedId(),
        debitAccountId: way === 'deposit' ? settlementId : accountId,
        creditAccountId: way === 'deposit' ? accountId : settlementId,
        amount,
        ledger: Number(settlementId),
        code: way === 'deposit' ? TransferCode.DEPOSIT : TransferCode.WITHDRAWAL
      }
    ])
    if (result === 'ok') return true
    if (result === 'exceeds_credits' && way === 'withdraw') return false
    throw new Error(`${name} could not book a ${way}: ${result}`)
  }

  // ---- Rates.

  function ratioAt(from: AssetName, to: AssetName, at: Map<AssetName, bigint>): Ratio | undefined {
    if (from === to) return createRatio(1n, 1n)
    const [fromPrice, toPrice] = [at.get(from) ?? 0n, at.get(to) ?? 0n]
    if (fromPrice === 0n || toPrice === 0n) return undefined
    return createRatio(fromPrice * BigInt(10_000 - plan.spread), toPrice * 10_000n)
  }

  const ratio = (from: AssetName, to: AssetName) => ratioAt(from, to, prices.at(-1)!.prices)

  function ratiosBetween(from: AssetName, to: AssetName, fromMs: number, toMs: number): Ratio[] {
    return prices
      .filter(({ atMs }, index) => atMs <= toMs && (prices[index + 1]?.atMs ?? Infinity) >= fromMs)
      .map((entry) => ratioAt(from, to, entry.prices))
      .filter((found) => found !== undefined)
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
      troubled() {
        for (const waiting of submitted) {
          if (!waiting.isStuck) stuck += 1
          waiting.isStuck = true
          if (waiting.trace) waiting.trace.isTroubled = true
        }
      }
    }
    // What waits while a batch is slow or lost, in it or behind it, is in trouble, and what comes until those are done.
    const submitted = new Set<{ trace: PacketTrace | undefined; isStuck: boolean }>()
    let stuck = 0
    const inner = createLedgerWriter({ ledger: createStore(storeOptions), clock, logger })
    const writer: LedgerWriter = {
      async submit(transfers, submitOptions) {
        const trace = recorder.submits(transfers)
        if (trace && stuck > 0) trace.isTroubled = true
        const waiting = { trace, isStuck: false }
        submitted.add(waiting)
        try {
          const results = await inner.submit(transfers, submitOptions)
          const isEnd = transfers[0]?.flags?.voidPending !== true && transfers[0]?.flags?.pending !== true
          if (trace && isEnd && chainIsDone(results)) recorder.knows(trace, clock.nowMs())
          return results
        } catch (error) {
          if (trace) trace.isTroubled = true
          throw error
        } finally {
          submitted.delete(waiting)
          if (waiting.isStuck) stuck -= 1
        }
      },
      close: () => inner.close()
    }

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
          ratio(`${from.code}/${from.scale}` as AssetName, `${to.code}/${to.scale}` as AssetName),
        ratio: async () => ({ failure: 'CouldNotFetchRates' })
      },
      deliveryTargets: { resolve: async (tag) => targets.get(tag) },
      streamReceiver,
      writer,
      ledger,
      transport: watched(transport, process),
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

  /** The transport, seen from above: what is handed to it, and what it says came of it. */
  function watched(inner: Transport, { clock, owner }: PacketProcess): Transport {
    return {
      async send(peer, bytes, times) {
        if (owner.killed) return never()
        const trace = recorder.context.getStore()
        const prepare = decodePrepare(bytes)
        const link = links.find((one) => peerIdByLink.get(one.name) === peer.id)
        if (trace === undefined || link === undefined || isPacketError(prepare)) {
          recorder.violate(
            'what is sent is a packet',
            `${name} sends ${bytes.length} bytes that are none of a packet's`
          )
          return inner.send(peer, bytes, times)
        }
        if (prepare.executionCondition.toString('hex') !== trace.condition)
          recorder.violate(
            'the condition stays',
            `${recorder.nameOf(trace)} goes out under another condition`
          )
        recorder.sends(trace, clock.nowMs(), prepare, {
          link: link.name,
          accountId: uuidToId(peer.id),
          asset: link.plan.asset
        })
        const outcome = await inner.send(peer, bytes, times)
        if (!owner.killed) recorder.outcome(trace, clock.nowMs(), summaryOf(outcome, trace.condition))
        return outcome
      },
      close: () => inner.close()
    }
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

  /** The ledger as a whole, after each commit: zero-sum, and no account beyond its limit, whatever its record says. */
  function audit(): void {
    void ledger.totals().then((all) => {
      for (const { ledger: number, debitsPosted, creditsPosted, debitsPending, creditsPending } of all) {
        if (debitsPosted !== creditsPosted || debitsPending !== creditsPending)
          recorder.violate('the ledger is zero-sum', `ledger ${number} of ${name} is not`)
      }
    })
    void ledger.lookupAccounts([...accounts.keys()]).then((all) => {
      for (const account of all) {
        if (!account) continue
        const note = accounts.get(account.id)!
        const isOverdrawn =
          note.kind !== 'settlement' && account.debitsPosted + account.debitsPending > account.creditsPosted
        if (isOverdrawn) recorder.violate('no account is overdrawn', `${note.name} of ${name} is`)
      }
    })
  }

  return {
    name,
    address,
    plan,
    links,
    ledger,
    targets,
    account: (id: bigint) => accounts.get(id),
    ratio,
    ratiosBetween,
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
    assetOf: (assetName: AssetName) => assets.get(assetName),
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
      const id = kind === 'peer' ? peerIdByLink.get(link.name)! : assets.get(link.plan.asset)!.id
      return settle(uuidToId(id), way, amount)
    },
    setPrice(asset: AssetName, permille: number) {
      const next = new Map(prices.at(-1)!.prices)
      next.set(asset, permille === 0 ? 0n : (ASSETS[asset] * BigInt(permille)) / 1_000n)
      prices.push({ atMs: world.elapsedMs(), prices: next })
    },
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
    /** The links that an address led to at any time between two moments. */
    routesTo(destination: string, cameOver: string | undefined, fromMs: number, toMs: number): string[] {
      const found = routings
        .filter(({ atMs }, index) => atMs <= toMs && (routings[index + 1]?.atMs ?? Infinity) >= fromMs)
        .flatMap(({ routes }) => longestOf(routes, destination, cameOver))
      return [...new Set(found)]
    }
  }
}

/** What a dead process waits for: code that was about to go on when it was killed must not. */
export function never(): Promise<never> {
  return new Promise(() => undefined)
}

type Routing = { link: string; routes: string[] }[]

/** The links whose routes are the longest that the address lies below, but for the one that the packet came over. */
function longestOf(routing: Routing, destination: string, cameOver: string | undefined): string[] {
  const found = routing
    .filter(({ link }) => link !== cameOver)
    .flatMap(({ link, routes }) => routes.map((route) => ({ link, route })))
    .filter(({ route }) => destination === route || destination.startsWith(`${route}.`))
  const longest = Math.max(0, ...found.map(({ route }) => route.length))
  return found.filter(({ route }) => route.length === longest).map(({ link }) => link)
}

/** The token that a party shows to the other one of a link. */
export function tokenOf(link: Link, party: Party): string {
  return `${party}-over-${link.left}-${link.right}`
}

function createTarget(
  id: string,
  tenantId: string,
  asset: Asset,
  receiveMax: bigint | undefined
): PacketTarget {
  const target: PacketTarget = {
    kind: 'incomingPayment',
    id,
    tenantId,
    asset,
    accountId: uuidToId(id),
    receiveMax,
    received: 0n,
    booking: 0n,
    closed: false,
    get isClosed() {
      return target.closed
    },
    admit(amount) {
      if (target.closed) return 'closed'
      if (receiveMax !== undefined && target.received + target.booking >= receiveMax) return 'full'
      target.booking += amount
      return 'admitted'
    },
    posted(amount) {
      target.booking -= amount
      target.received += amount
    },
    released: (amount) => void (target.booking -= amount),
    learned: (received) => void (target.received = received > target.received ? received : target.received)
  }
  return target
}

function summaryOf(outcome: TransportOutcome, condition: string) {
  if (outcome.kind !== 'answer') return { kind: outcome.kind, isValidFulfill: false, code: outcome.code }
  const reply = decodeReply(outcome.bytes)
  if (isPacketError(reply)) return { kind: 'nonsense', isValidFulfill: false }
  if (reply.type === 'reject') return { kind: 'reject', isValidFulfill: false, code: reply.code }
  return { kind: 'fulfill', isValidFulfill: meets(reply.fulfillment, condition) }
}
