import { auditBooks, connectPeers, connectRelay, startReceiver } from './connector-ends.ts'
import { wholeNumber } from './command.ts'
import { BTP_IN_FLIGHT, CONNECTIONS } from './connector-model.ts'
import type { BenchTransport } from './connector-model.ts'
import { startNodeUnderLoad } from './connector-node.ts'
import { runOverload } from './connector-overload.ts'
import { PAYLOAD_BYTES, createPacketFactory, createStreamPacketFactory } from './connector-packets.ts'
import { packetPhase, sendOne } from './connector-phases.ts'
import type { Tally } from './connector-phases.ts'
import { byTurns, openLoop, perSecond } from './drivers.ts'
import type { Phase } from './drivers.ts'
import { rounded } from './histogram.ts'
import { WrongUseError } from './model.ts'
import type { Benchmark, BenchmarkContext, BenchmarkResult } from './model.ts'

/**
 * Packets per second through a connector as an operator runs it: `node/backend/main.ts` with default settings,
 * limits and logging, on a durable PostgreSQL ledger. The limit for comparison is the bare relay: the same
 * generator, receiver, payload and connections through the transport's libraries alone. By turns in one run.
 */
export const connectorBenchmark: Benchmark = {
  name: 'connector',
  title: 'packets forwarded, or delivered, per second and durably booked, beside a bare relay',
  options: {
    transport: { type: 'string', value: 'http|btp', default: 'http', help: 'what the packets travel over' },
    deliver: { type: 'boolean', help: 'STREAM packets for an account of the node instead of forwarded ones' },
    'in-flight': {
      type: 'string',
      value: 'N',
      help: `packets in flight at once, ours and the relay's (${CONNECTIONS} over HTTP, each on a connection of its own; ${BTP_IN_FLIGHT} over BTP's one); with --overload: the most that are under way`
    },
    overload: {
      type: 'boolean',
      help: '5 times as much as it carries, held to 20 % of a processor: goodput, refusals, memory, recovery'
    }
  },
  run(context) {
    const { transport, deliver, overload } = context.options
    if (transport !== 'http' && transport !== 'btp') {
      throw new WrongUseError(`--transport is "${String(transport)}"; http or btp is needed`)
    }
    if (overload && deliver) throw new WrongUseError('--overload is measured with forwarded packets')
    return overload ? runOverload(context, transport) : runConnector(context, transport, deliver === true)
  }
}

const WARM_UP_MS = 2_500
/** Part of the time for the open loop at half of what was carried. */
const HALF_LOAD_SHARE = 0.3

async function runConnector(
  context: BenchmarkContext,
  transport: BenchTransport,
  isDelivery: boolean
): Promise<BenchmarkResult> {
  const { seconds, signal, runtime, options } = context
  const asked = options['in-flight']
  const inFlight =
    asked === undefined
      ? transport === 'http'
        ? CONNECTIONS
        : BTP_IN_FLIGHT
      : wholeNumber('--in-flight', asked as string, 2_000)
  const node = await startNodeUnderLoad(context)
  const tallies: Record<string, Tally> = {}
  const tallyOf = (name: string) => (tallies[name] ??= {})

  const receiver = await startReceiver(context, transport)
  const { sender, destination } = await connectPeers(context, node, transport, receiver, {
    connections: inFlight
  })
  const credentials = isDelivery ? await node.addIncomingPayment(runtime) : undefined
  const packets = credentials
    ? createStreamPacketFactory(credentials, runtime.random)
    : createPacketFactory(destination, 'ours')
  const relay = await connectRelay(context, transport, receiver, inFlight)

  const phases: Record<string, Phase> = {
    relay: packetPhase(context, {
      sender: relay,
      packets: createPacketFactory(destination, 'relay'),
      tally: tallyOf('relay'),
      callers: inFlight
    }),
    ours: packetPhase(context, { sender, packets, tally: tallyOf('ours'), callers: inFlight })
  }
  if (transport === 'btp') {
    const http = await connectPeers(context, node, 'http', await startReceiver(context, 'http'))
    const packets = credentials
      ? createStreamPacketFactory(credentials.slice(0, 1), runtime.random)
      : createPacketFactory(http.destination, 'http')
    phases.http = packetPhase(context, {
      sender: http.sender,
      packets,
      tally: tallyOf('http'),
      callers: CONNECTIONS
    })
  }
  context.step('warm-up', `${WARM_UP_MS / 1_000} s each`)
  for (const phase of Object.values(phases)) await phase(WARM_UP_MS)

  let cpuMs = 0
  let cpuAtTurnMs = node.cpuMs()
  const turns: Record<string, number[]> = {}
  const measured = await byTurns(phases, {
    seconds: seconds * (1 - HALF_LOAD_SHARE),
    signal,
    onTurn(name, turn, round, rounds) {
      if (name === 'ours') cpuMs += node.cpuMs() - cpuAtTurnMs
      cpuAtTurnMs = node.cpuMs()
      context.progress(`turn ${round} of ${rounds}: ${name} ${Math.round(perSecond(turn))}/s`)
      ;(turns[name] ??= []).push(perSecond(turn))
    }
  })
  for (const [name, each] of Object.entries(measured)) {
    context.step(name, `${Math.round(perSecond(each))} packets/s, p99 ${each.latencies.percentileMs(99)} ms`)
    if (each.failed > 0) {
      throw new Error(`${each.failed} packets were not fulfilled (${name}): ${JSON.stringify(tallies[name])}`)
    }
  }
  const { relay: limit, ours, http } = measured
  const half = await openLoop({
    clock: runtime.clock,
    durationMs: seconds * 1_000 * HALF_LOAD_SHARE,
    signal,
    ratePerSecond: perSecond(ours!) / 2,
    maxInFlight: inFlight,
    call: () => sendOne(sender, packets, tallyOf('ours'), runtime.clock.nowMs())
  })
  context.step(
    'half load',
    `p50 ${half.latencies.percentileMs(50)} ms, p99 ${half.latencies.percentileMs(99)} ms`
  )

  const fulfilled = (tallies.ours!.fulfilled ?? 0) + (tallies.http?.fulfilled ?? 0)
  const audit = await auditBooks(node, fulfilled)
  const { peakBytes } = node.memory()
  return {
    perSecond: perSecond(ours!),
    limitPerSecond: perSecond(limit!),
    ratio: rounded(perSecond(ours!) / perSecond(limit!)),
    p50Ms: ours!.latencies.percentileMs(50),
    p99Ms: ours!.latencies.percentileMs(99),
    audit,
    transport,
    what: isDelivery ? 'STREAM packets delivered to an account of the node' : 'forwarded packets',
    ledgerEvents: isDelivery
      ? '1 per packet: a transfer from the peer to the incoming payment'
      : '2 per packet: a reservation from peer to peer, and its posting',
    connections: transport === 'http' ? inFlight : 1,
    inFlight,
    payloadBytes: PAYLOAD_BYTES,
    ratioOfTurns: spread(turns.ours!, turns.relay!),
    ...(http && {
      httpPerSecond: perSecond(http),
      ratioToHttp: rounded(perSecond(ours!) / perSecond(http))
    }),
    halfLoad: {
      perSecond: perSecond(half),
      dropped: half.dropped,
      failed: half.failed,
      p50Ms: half.latencies.percentileMs(50),
      p99Ms: half.latencies.percentileMs(99)
    },
    nodeCpuUsPerPacket: Math.round((cpuMs * 1_000) / Math.max(1, ours!.completed)),
    peakMemoryMegabytes: Math.round(peakBytes / 2 ** 20),
    durability: node.durability
  }
}

/** How the turns of one phase compare with those of another, turn by turn. */
function spread(ours: readonly number[], theirs: readonly number[]): { least: number; most: number } {
  const ratios = ours.map((rate, turn) => rounded(rate / theirs[turn]!))
  return { least: Math.min(...ratios), most: Math.max(...ratios) }
}
