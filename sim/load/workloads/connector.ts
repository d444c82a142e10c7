import { classifyReply, createPacketFactory, createStreamPacketFactory } from '../bench/connector-packets.ts'
import type { PacketFactory } from '../bench/connector-packets.ts'
import type { LoadTopology } from '../engine/model.ts'
import type { CallOutcome } from '../engine/stage.ts'
import type { LocalLedger } from '../../worlds/local/world.ts'
import type { PacketTarget } from '../../../scenarios/load/k6/targets.ts'
import { startMoreConnectors } from './connectors.ts'
import { drawPath } from './drawn.ts'
import type { LoadContext, Workload } from './model.ts'
import { adminOf, ownVersions, startLoadedNetwork } from './network.ts'
import type { LoadedNetwork } from './network.ts'
import { openPathBooks } from './packet-books.ts'
import { startTallyingPeer } from './packet-ends.ts'
import type { TallyingPeer } from './packet-ends.ts'
import { addSenders, assetIdOf, createPeer } from './peers.ts'
import type { SendingPeer } from './peers.ts'
import { createStreamReceivers } from './stream-receivers.ts'
import { pathOf } from './topologies.ts'
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

/** Ten times what a packet takes at half load: below it one pause of the machine in ten seconds would be a limit. */
export const CONNECTOR_BOUNDS = { p99Ms: 250, errorShare: 0.001 }
export const PROBE_CALLERS = { http: 64, btp: 256 } as const
/** Over HTTP each packet under way has a connection. */
export const MAX_IN_FLIGHT = { http: 3_000, btp: 8_000 } as const
const WARM_UP_MS = 4_000
/** STREAM connections that packets for an account of the node are spread over. */
const STREAM_CONNECTIONS = 16

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
  const reconcile = await openPathBooks(context, loaded, {
    path,
    senderAccountIds: [...new Set(senders.map(({ accountId }) => accountId))],
    receiverAccountIds: [end.accountId],
    ...(end.kind === 'peer' && { peer: end.peer }),
    ledger: options.ledger,
    transport
  })
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
    bounds: CONNECTOR_BOUNDS,
    processes: [...loaded.processes, ...connectors.processes],
    profiled: [...loaded.profiled, ...connectors.profiled],
    settings: settingsOf(options, path, loaded),
    versions: ownVersions(),
    databaseBytes: loaded.databaseBytes,
    ...(transport === 'http' &&
      end.kind === 'peer' && {
        k6: { script: PACKET_SCRIPT, target: packetTarget(senders, end.destination, path, good) }
      }),
    reconcile,
    failure: Promise.race([network.failure, connectors.failure])
  }
}

/** Where packets end: a peer of ours, or an incoming payment of the node, and the account that is credited there. */
type End =
  | { kind: 'peer'; peer: TallyingPeer; accountId: string; destination: string }
  | { kind: 'account'; accountId: string; factory: PacketFactory }

async function raiseEnd(
  context: LoadContext,
  loaded: LoadedNetwork,
  path: PacketPath,
  transport: 'http' | 'btp'
): Promise<End> {
  const { end, last, lastAsset } = path
  if (end === 'account') {
    const [receiver] = await createStreamReceivers(context, loaded, path, 1)
    const { accountId, newCredentials } = receiver!
    const credentials = Array.from({ length: STREAM_CONNECTIONS }, newCredentials)
    return {
      kind: 'account',
      accountId,
      factory: createStreamPacketFactory(credentials, context.runtime.random)
    }
  }
  const peer = await startTallyingPeer(context, transport, end)
  const address = `test.${last}.receiver`
  const accountId = await createPeer(adminOf(loaded.network, last), {
    assetId: assetIdOf(loaded.network.nodes, last, lastAsset),
    staticIlpAddress: address,
    name: 'receiver',
    http: { outgoing: { endpoint: peer.endpoint, authToken: 'node-to-receiver' } }
  })
  return { kind: 'peer', peer, accountId, destination: `${address}.account` }
}

export const PACKET_SCRIPT = 'scenarios/load/packets.k6.ts'

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
