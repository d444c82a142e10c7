import { createStreamReceiver } from '../../../node/ilp/index.ts'
import type { AdminClient } from '../../actors/admin-client.ts'
import { planOf } from '../../networks/plan.ts'
import type { PacketSender } from '../bench/connector-model.ts'
import { classifyReply, createPacketFactory, createStreamPacketFactory } from '../bench/connector-packets.ts'
import type { PacketFactory } from '../bench/connector-packets.ts'
import type { LoadTopology, Reconciliation } from '../engine/model.ts'
import type { CallOutcome } from '../engine/stage.ts'
import type { LocalLedger } from '../../worlds/local/world.ts'
import type { PacketTarget } from '../../../scenarios/load/packets.k6.ts'
import { booksByLiquidity, booksInDatabase } from './books.ts'
import type { AccountBooks } from './books.ts'
import { startMoreConnectors } from './connectors.ts'
import { drawPath } from './drawn.ts'
import type { LoadContext, Workload } from './model.ts'
import { adminOf, ownVersions, startLoadedNetwork } from './network.ts'
import type { LoadedNetwork } from './network.ts'
import { connectSender, startTallyingPeer } from './packet-ends.ts'
import type { TallyingPeer } from './packet-ends.ts'
import { reconcilePackets } from './reconcile.ts'
import type { Statement } from './reconcile.ts'
import { pathOf, PLENTY } from './topologies.ts'
import type { PacketPath } from './topologies.ts'

export interface ConnectorOptions {
  topology: LoadTopology
  transport: 'http' | 'btp'
  ledger: LocalLedger
  /** Connector processes of the first node, on one database. */
  processes: number
  /** Part of a processor that each of them is held to. */
  quota: number | undefined
  seed: number
}

const BOUNDS = { p99Ms: 100, errorShare: 0.001 }
const PROBE_CALLERS = { http: 64, btp: 256 } as const
/** Over HTTP each packet under way has a connection. */
const MAX_IN_FLIGHT = { http: 1_000, btp: 4_000 } as const
const WARM_UP_MS = 4_000
/** STREAM connections that packets for an account of the node are spread over. */
const STREAM_CONNECTIONS = 16
/** After the last answer, packets whose answer was lost may still be reserved: so long. */
const SETTLED_WITHIN_MS = 45_000

/** ILP packets through connectors: from peers that send, over the nodes of a topology, to a peer or an account. */
export async function startConnectorWorkload(
  context: LoadContext,
  options: ConnectorOptions
): Promise<Workload> {
  const { transport } = options
  const path = pathOf(options.topology, transport)
  const loaded = await startLoadedNetwork(context, path.topology, { ledger: options.ledger })
  const { network } = loaded
  const connectors = await startMoreConnectors(context, loaded, path.first, options)
  const end = await raiseEnd(context, loaded, path, transport)
  const senders = await addSenders(context, loaded, path, { transport, origins: connectors.origins })
  const packets = packetsOf(context, end, path, options.seed)
  const good = path.end === 'reject' ? 'F99' : 'fulfilled'
  const { clock } = context.runtime
  let turn = 0

  async function call(): Promise<CallOutcome> {
    const { sender } = senders[turn++ % senders.length]!
    const { bytes, fulfillment } = packets.next(clock.nowMs())
    const name = await sender.send(bytes).then(
      (reply) => classifyReply(reply, fulfillment),
      (error: Error) => error.message
    )
    return { ok: name === good, name }
  }

  return {
    unit: 'packets',
    topology: drawPath(options.topology, path, transport, options.processes),
    call,
    maxInFlight: MAX_IN_FLIGHT[transport],
    probeCallers: PROBE_CALLERS[transport],
    warmUpMs: WARM_UP_MS,
    bounds: BOUNDS,
    processes: [...loaded.processes, ...connectors.processes],
    profiled: [...loaded.profiled, ...connectors.profiled],
    settings: settingsOf(options, path, loaded),
    versions: ownVersions(),
    databaseBytes: loaded.databaseBytes,
    ...(transport === 'http' &&
      end.kind === 'peer' && {
        k6: { script: PACKET_SCRIPT, target: packetTarget(senders, end.destination, path, good) }
      }),
    reconcile: (outcomes) =>
      reconcile(context, loaded, { path, senders, end, outcomes, ledger: options.ledger, transport }),
    failure: Promise.race([network.failure, connectors.failure])
  }
}

/** Where packets end: a peer of ours, or an incoming payment of the node, and the account that is credited there. */
type End =
  | { kind: 'peer'; peer: TallyingPeer; accountId: string; destination: string }
  | { kind: 'account'; accountId: string; factory: PacketFactory }

async function raiseEnd(
  context: LoadContext,
  { network }: LoadedNetwork,
  { end, last, lastAsset }: PacketPath,
  transport: 'http' | 'btp'
): Promise<End> {
  const admin = adminOf(network, last)
  const assetId = assetIdOf(network.nodes, last, lastAsset)
  if (end === 'account') {
    const plan = planOf(network.plan.plans, last)
    const wallet = await admin.call<{ createWalletAddress: { walletAddress: { id: string } } }>(
      CREATE_WALLET_ADDRESS,
      { input: { address: `${plan.urls.openPayments}/hot`, assetId } }
    )
    const created = await admin.call<{ createIncomingPayment: { payment: { id: string } } }>(
      CREATE_INCOMING_PAYMENT,
      { input: { walletAddressId: wallet.createWalletAddress.walletAddress.id } }
    )
    const accountId = created.createIncomingPayment.payment.id
    const { random } = context.runtime
    // As the node issues them: the laboratory knows its STREAM secret.
    const issuer = createStreamReceiver({ serverSecret: plan.secrets.streamSecret, random })
    const credentials = Array.from({ length: STREAM_CONNECTIONS }, () => {
      const { ilpAddress: destination, sharedSecret } = issuer.createCredentials({
        serverAddress: plan.node.ilpAddress,
        paymentTag: accountId,
        asset: lastAsset
      })
      return { destination, sharedSecret }
    })
    return { kind: 'account', accountId, factory: createStreamPacketFactory(credentials, random) }
  }
  const peer = await startTallyingPeer(context, transport, end)
  const address = `test.${last}.receiver`
  const accountId = await createPeer(admin, {
    assetId,
    staticIlpAddress: address,
    name: 'receiver',
    http: { outgoing: { endpoint: peer.endpoint, authToken: 'node-to-receiver' } }
  })
  return { kind: 'peer', peer, accountId, destination: `${address}.account` }
}

interface SendingPeer {
  accountId: string
  sender: PacketSender
  origin: string
  token: string
}

const PACKET_SCRIPT = 'scenarios/load/packets.k6.ts'

function packetTarget(
  senders: readonly SendingPeer[],
  destination: string,
  { amountIn }: PacketPath,
  goodOutcome: string
): PacketTarget {
  return {
    senders: senders.map(({ origin, token }) => ({ url: `${origin}/`, authToken: token })),
    destination,
    amount: amountIn.toString(),
    goodOutcome
  }
}

/** The peers that send; each is connected to every connector process of the node, and counts as one account. */
async function addSenders(
  context: LoadContext,
  { network }: LoadedNetwork,
  { first, firstAsset, senders }: PacketPath,
  { transport, origins }: { transport: 'http' | 'btp'; origins: readonly string[] }
): Promise<SendingPeer[]> {
  const admin = adminOf(network, first)
  const assetId = assetIdOf(network.nodes, first, firstAsset)
  const all: SendingPeer[] = []
  for (let number = 1; number <= senders; number++) {
    const token = `sender-${number}-${context.runtime.random.uuid()}`
    const accountId = await createPeer(admin, {
      assetId,
      staticIlpAddress: `test.sender-${number}`,
      name: `sender ${number}`,
      http: {
        incoming: { authTokens: [token] },
        // Nothing is ever sent to it.
        outgoing: { endpoint: 'http://127.0.0.1:9/', authToken: `node-to-sender-${number}` }
      },
      initialLiquidity: PLENTY.toString()
    })
    for (const origin of origins) {
      const sender = await connectSender(context, transport, origin, token)
      all.push({ accountId, sender, origin, token })
    }
  }
  return all
}

function packetsOf(
  { runtime }: LoadContext,
  end: End,
  { amountIn }: PacketPath,
  seed: number
): PacketFactory {
  if (end.kind === 'account') return end.factory
  // Conditions of another run would be in flight twice where a target is loaded by two at once.
  return createPacketFactory(end.destination, `${seed}/${runtime.random.uuid()}`, amountIn)
}

async function reconcile(
  { runtime }: LoadContext,
  { network }: LoadedNetwork,
  {
    path,
    senders,
    end,
    outcomes,
    ledger,
    transport
  }: {
    path: PacketPath
    senders: readonly SendingPeer[]
    end: End
    outcomes: Readonly<Record<string, number>>
    ledger: LocalLedger
    transport: 'http' | 'btp'
  }
): Promise<Reconciliation> {
  const databases = network.plan.plans.map(({ node, databaseUrls }) => ({
    node: node.name,
    database: runtime.openDatabase({ url: databaseUrls.backend, maxConnections: 1 })
  }))
  try {
    const accountIds = [...new Set(senders.map(({ accountId }) => accountId))]
    const books = new Map<string, AccountBooks>()
    for (const { node, database } of databases) {
      books.set(
        node,
        ledger === 'postgres' ? booksInDatabase(database) : await booksByLiquidity(adminOf(network, node), [])
      )
    }
    await settled(runtime, [...books.values()])
    const statements = await statementsOf({ path, network, books, accountIds, end, outcomes, transport })
    const { fulfilled: _, ...unfulfilled } = outcomes
    const reserved = await Promise.all(
      [...books].map(async ([node, each]) => ({ node, amount: await each.reserved() }))
    )
    const reconciliation = reconcilePackets({ statements, unfulfilled, reserved })
    return end.kind === 'peer' ? withRejects(reconciliation, end.peer, outcomes) : reconciliation
  } finally {
    for (const { database } of databases) await database.close()
  }
}

/** What everybody along the path has of fulfilled packets, from the sender on. */
async function statementsOf({
  path,
  network,
  books,
  accountIds,
  end,
  outcomes,
  transport
}: {
  path: PacketPath
  network: LoadedNetwork['network']
  books: ReadonlyMap<string, AccountBooks>
  accountIds: readonly string[]
  end: End
  outcomes: Readonly<Record<string, number>>
  transport: string
}): Promise<Statement[]> {
  const { amountIn, amountOut } = path
  const fulfilled = outcomes.fulfilled ?? 0
  const statements: Statement[] = [
    {
      what: 'generator: fulfilled',
      hop: '',
      packets: { count: fulfilled, amount: BigInt(fulfilled) * amountIn },
      amountEach: amountIn
    }
  ]
  let from = 'the senders'
  const nodes = network.plan.plans.map(({ node }) => node.name)
  let amountEach = amountIn
  for (const [index, node] of nodes.entries()) {
    const own = books.get(node)!
    const peers = network.nodes.find(({ name }) => name === node)!.peers
    const upstream =
      index === 0 ? accountIds : peers.filter((peer) => peer.with === nodes[index - 1]).map(({ id }) => id)
    const next = nodes[index + 1]
    const downstream = next === undefined ? end.accountId : peers.find((peer) => peer.with === next)!.id
    const to = next ?? (end.kind === 'peer' ? 'the receiver' : 'the incoming payment')
    const debits = await Promise.all(upstream.map((id) => own.debited(id)))
    statements.push({
      what: `${node}: posted from ${from}`,
      hop: `${from} → ${node} (${transport})`,
      packets: {
        count: debits.reduce((sum, { count }) => sum + (count ?? 0), 0),
        amount: debits.reduce((sum, { amount }) => sum + amount, 0n)
      },
      amountEach
    })
    // The one node that changes currencies is the last but one: what leaves it is the other amount.
    if (index === Math.max(0, nodes.length - 2)) amountEach = amountOut
    statements.push({
      what: `${node}: posted to ${to}`,
      hop: `within ${node}`,
      packets: await own.credited(downstream),
      amountEach
    })
    from = node
  }
  if (end.kind === 'peer') {
    statements.push({
      what: 'receiver: fulfilled',
      hop: `${from} → the receiver (${transport})`,
      packets: end.peer.fulfilled,
      amountEach: amountOut
    })
  }
  return statements
}

/** Rejects move nothing; yet each that the sender heard of was one of the receiver's. */
function withRejects(
  reconciliation: Reconciliation,
  { rejected }: TallyingPeer,
  outcomes: Readonly<Record<string, number>>
): Reconciliation {
  const heard = outcomes.F99 ?? 0
  if (rejected.count === 0 && heard === 0) return reconciliation
  const problems = [...reconciliation.problems]
  if (heard > rejected.count) {
    problems.push(`the sender heard ${heard} rejects of the receiver, who made ${rejected.count}`)
  }
  return {
    ...reconciliation,
    ok: problems.length === 0,
    problems,
    counts: [
      ...reconciliation.counts,
      { what: 'generator: rejected by the receiver (F99)', count: heard },
      { what: 'receiver: rejected', count: rejected.count, amount: rejected.amount.toString() }
    ]
  }
}

/** A packet whose answer was lost is reserved until it expires: waits for that. */
async function settled({ clock }: LoadContext['runtime'], books: readonly AccountBooks[]): Promise<void> {
  const untilMs = clock.monotonicMs() + SETTLED_WITHIN_MS
  for (;;) {
    const reserved = await Promise.all(books.map((each) => each.reserved()))
    if (reserved.every((amount) => amount === 0n) || clock.monotonicMs() > untilMs) return
    await clock.sleep(250)
  }
}

function settingsOf(
  { topology, transport, ledger, processes, quota }: ConnectorOptions,
  { amountIn, senders }: PacketPath,
  { durability }: LoadedNetwork
): Workload['settings'] {
  return {
    topology,
    transport,
    ledger,
    senders,
    amountPerPacket: amountIn.toString(),
    processes,
    ...(quota !== undefined && { quotaPerProcess: quota }),
    ...durability
  }
}

function assetIdOf(
  nodes: LoadedNetwork['network']['nodes'],
  node: string,
  { code }: { code: string }
): string {
  return nodes.find(({ name }) => name === node)!.assets.find(({ asset }) => asset.code === code)!.id
}

async function createPeer(admin: AdminClient, input: Record<string, unknown>): Promise<string> {
  const { createPeer } = await admin.call<{ createPeer: { peer: { id: string } } }>(CREATE_PEER, { input })
  return createPeer.peer.id
}

const CREATE_PEER = `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
const CREATE_WALLET_ADDRESS = `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
const CREATE_INCOMING_PAYMENT = `mutation CreateIncomingPayment($input: CreateIncomingPaymentInput!) {
  createIncomingPayment(input: $input) { payment { id } } }`
