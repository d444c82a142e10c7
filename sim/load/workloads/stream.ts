import { decodeReply, encodePrepare, isPacketError, sendStream } from '../../../node/ilp/index.ts'
import type { OutgoingPacket, OutgoingReply, StreamCredentials } from '../../../node/ilp/index.ts'
import type { LocalLedger } from '../../worlds/local/world.ts'
import type { PacketSender } from '../bench/connector-model.ts'
import type { LoadReport, StageRecord } from '../engine/model.ts'
import { createCounting } from '../engine/stage.ts'
import type { CountedStage, StageOptions } from '../engine/stage.ts'
import { drawPath } from './drawn.ts'
import type { LoadContext, Workload } from './model.ts'
import { ownVersions, startLoadedNetwork } from './network.ts'
import { openPathBooks } from './packet-books.ts'
import { addSenders } from './peers.ts'
import { createStreamReceivers } from './stream-receivers.ts'
import type { StreamReceiver } from './stream-receivers.ts'
import { pathOf, PLENTY } from './topologies.ts'

export interface StreamOptions {
  transport: 'http' | 'btp'
  ledger: LocalLedger
  /** Senders at once at most, of all stages. */
  senders: number
}

/** Minor units of each packet: a thousandth of the asset's unit, and PLENTY lasts for a day of them. */
const PACKET_AMOUNT = 1_000_000n
/** Far from what a sender waits for an answer: congestion is told by Rejects, and a sender finds its own pace. */
const BOUNDS = { p99Ms: 30_000, errorShare: 0.05 }
const WARM_UP_MS = 4_000
const ONE_TO_ONE = { numerator: 1n, denominator: 1n }
/** What a sender is told of an answer that was lost. */
const IN_DOUBT: OutgoingReply = { type: 'inDoubt' }

/**
 * Money over STREAM (RFC 29): senders that each pay an incoming payment of their own, as fast as the network lets them,
 * through a peer of the first node.
 */
export async function startStreamWorkload(
  context: LoadContext,
  { transport, ledger, senders: mostSenders }: StreamOptions
): Promise<Workload> {
  const path = {
    ...pathOf('pair', transport),
    amountIn: PACKET_AMOUNT,
    amountOut: PACKET_AMOUNT,
    end: 'account' as const
  }
  const loaded = await startLoadedNetwork(context, path.topology, { ledger })
  const receivers = await createStreamReceivers(context, loaded, path, mostSenders)
  const [peer] = await addSenders(context, loaded, path, {
    transport,
    origins: [loaded.network.plan.plans[0]!.urls.connector]
  })
  const reconcile = await openPathBooks(context, loaded, {
    path,
    senderAccountIds: [peer!.accountId],
    receiverAccountIds: receivers.map(({ accountId }) => accountId),
    ledger,
    transport
  })
  return {
    unit: 'packets',
    topology: drawPath('pair', path, transport, 1),
    drive: (options) => driveSenders(context, options, peer!.sender, receivers),
    maxInFlight: mostSenders,
    probeCallers: 1,
    warmUpMs: WARM_UP_MS,
    bounds: BOUNDS,
    processes: loaded.processes,
    profiled: loaded.profiled,
    settings: {
      topology: 'pair',
      transport,
      ledger,
      amountPerPacket: PACKET_AMOUNT.toString(),
      ...loaded.durability
    },
    versions: ownVersions(),
    databaseBytes: loaded.databaseBytes,
    sendersOf: (stages) => sendersOf(stages, path.firstAsset),
    reconcile,
    failure: loaded.network.failure
  }
}

/** So many senders for a while, each on a STREAM connection of its own; ends when nothing of theirs is under way. */
async function driveSenders(
  { runtime }: LoadContext,
  options: Omit<StageOptions, 'call'>,
  sender: PacketSender,
  receivers: readonly StreamReceiver[]
): Promise<CountedStage> {
  const { arrivals, durationMs, signal } = options
  if (arrivals.kind !== 'closed') throw new Error('STREAM senders find their own pace')
  const { clock } = runtime
  const startMs = clock.monotonicMs()
  const counting = createCounting({ ...options, clock }, startMs)
  const stop = new AbortController()
  const timer = clock.setTimer(durationMs, () => stop.abort())
  const signals = signal ? AbortSignal.any([stop.signal, signal]) : stop.signal

  async function sendPacket(packet: OutgoingPacket): Promise<OutgoingReply> {
    const sentMs = clock.monotonicMs()
    counting.offer(sentMs)
    const { reply, name } = await exchange(sender, packet)
    counting.settle({ ok: name === 'fulfilled', name }, sentMs)
    return reply
  }
  async function send(credentials: StreamCredentials): Promise<void> {
    const { outcome, error } = await sendStream({
      credentials,
      clock,
      random: runtime.random,
      sendPacket,
      sourceBudget: PLENTY,
      deliver: PLENTY,
      minimumRate: ONE_TO_ONE,
      path: { maxPacketAmount: PACKET_AMOUNT, lowRate: ONE_TO_ONE, highRate: ONE_TO_ONE },
      signal: signals
    })
    if (outcome !== 'stopped') throw new Error(`a sender ended ${outcome} (${error ?? 'no error'})`)
  }
  try {
    await Promise.all(receivers.slice(0, arrivals.callers).map((receiver) => send(receiver.newCredentials())))
  } finally {
    timer.cancel()
    stop.abort()
  }
  return counting.stage(clock.monotonicMs() - startMs)
}

async function exchange(
  sender: PacketSender,
  packet: OutgoingPacket
): Promise<{ reply: OutgoingReply; name: string }> {
  let bytes: Buffer
  try {
    bytes = await sender.send(encodePrepare(packet))
  } catch (error) {
    return { reply: IN_DOUBT, name: (error as Error).message }
  }
  const reply = decodeReply(bytes)
  if (isPacketError(reply)) return { reply: IN_DOUBT, name: 'no packet' }
  if (reply.type === 'reject') return { reply, name: reply.code }
  packet.readDelivered(reply.data)
  return { reply, name: 'fulfilled' }
}

/** What each number of senders carried: packets, and money in units of the asset. */
function sendersOf(
  stages: readonly StageRecord[],
  { code, scale }: { code: string; scale: number }
): LoadReport['senders'] {
  return stages.flatMap(({ counts, arrivals, completedPerSecond }) =>
    counts && arrivals.kind === 'closed'
      ? [
          {
            senders: arrivals.callers,
            packetsPerSecond: completedPerSecond,
            moneyPerSecond: ((completedPerSecond * Number(PACKET_AMOUNT)) / 10 ** scale).toFixed(3),
            asset: code
          }
        ]
      : []
  )
}
