import { wholeNumber } from './command.ts'
import { auditBooks, connectPeers, startReceiver } from './connector-ends.ts'
import { createBtpSender } from './connector-btp.ts'
import { createHttpFloodSender } from './connector-flood-http.ts'
import type { BenchTransport, PacketSender } from './connector-model.ts'
import { startNodeUnderLoad } from './connector-node.ts'
import type { NodeUnderLoad } from './connector-node.ts'
import { classifyReply, createPacketFactory } from './connector-packets.ts'
import { holdToCpuQuota } from './cpu-quota.ts'
import { closedLoop, perSecond } from './drivers.ts'
import { startFlood } from './flood.ts'
import type { Flood } from './flood.ts'
import { rounded } from './histogram.ts'
import type { BenchmarkContext, BenchmarkResult } from './model.ts'

/** The node gets this part of one processor. */
const CPU_SHARE = 0.2
/** Where no quota can be set, the sending peer gets this limit instead. */
const PEER_LIMIT_PER_SECOND = 500
/** What is offered, as a multiple of what is carried. */
const OVERLOAD = 5
/** Packets in flight with which a closed loop looks for the peak; the best of them is it. */
const PEAK_IN_FLIGHT = [64, 256, 1_024]
/** Packets under way at most, as far as nothing else was asked for: over HTTP each has a connection. */
const MAX_IN_FLIGHT = { http: 1_000, btp: 50_000 } as const
const MOST_IN_FLIGHT = 100_000
/** At full speed, so that the peak is not that of code that runs for the first time. */
const WARM_UP_MS = 4_000
const WARM_UP_IN_FLIGHT = 256
const PEAK_MS = 6_000
/** What another peer sends meanwhile, as a part of the peak: it must not suffer from the flood. */
const NEIGHBOUR_SHARE = 0.05
const NEIGHBOUR_MAX_IN_FLIGHT = 1_000
/** What the resident set may grow by after the first third of the overload. */
const FLAT_BYTES = 20 * 2 ** 20
const SAMPLE_MS = 1_000
/** Refusals that tell a sender what to do; anything else, a timeout above all, is a fault. */
const ALLOWED_REFUSALS: ReadonlySet<string> = new Set(['T03', 'T04', 'T05'])
const RECOVERY_LIMIT_MS = 10_000
const RECOVERY_SLICE_MS = 500

/**
 * Much more than the node carries, offered for as long as asked by a sender that never waits: what the node still
 * carries, how and how soon it refuses, what it holds, how another peer fares, and how it recovers.
 */
export async function runOverload(
  context: BenchmarkContext,
  transport: BenchTransport
): Promise<BenchmarkResult> {
  const { runtime, signal, step, seconds, options } = context
  const { clock } = runtime
  const asked = options['in-flight']
  const maxInFlight =
    asked === undefined
      ? MAX_IN_FLIGHT[transport]
      : wholeNumber('--in-flight', asked as string, MOST_IN_FLIGHT)
  const node = await startNodeUnderLoad(context)
  const quota = holdToCpuQuota(node.pid, 1)
  const limits: Record<string, number> =
    'problem' in quota ? { maxPacketsPerSecond: PEER_LIMIT_PER_SECOND } : {}
  const constraint =
    'problem' in quota
      ? `a peer limit of ${PEER_LIMIT_PER_SECOND} packets/s (no CPU quota: ${quota.problem})`
      : `${CPU_SHARE * 100} % of one processor`
  if ('release' in quota) context.defer(quota.release)

  const receiver = await startReceiver(context, transport)
  const { destination } = await connectPeers(context, node, transport, receiver)
  const flooder = await connect(context, node, transport, 'flooder', destination, limits)
  const neighbour = await connect(context, node, transport, 'neighbour', destination)

  await peakOf(context, flooder.send, WARM_UP_IN_FLIGHT, WARM_UP_MS)
  if ('hold' in quota) quota.hold(CPU_SHARE)
  step('held to', constraint)
  const peaks: Record<string, number> = {}
  for (const inFlight of PEAK_IN_FLIGHT) {
    peaks[inFlight] = await peakOf(context, flooder.send, inFlight, PEAK_MS)
    step('closed loop', `${inFlight} in flight: ${Math.round(peaks[inFlight])} packets/s`)
  }
  const peakPerSecond = Math.max(...Object.values(peaks))

  const common = { clock, signal, durationMs: seconds * 1_000 }
  const ratePerSecond = Math.round(peakPerSecond * OVERLOAD)
  const cpuBefore = { node: node.cpuMs(), generator: process.cpuUsage() }
  const flood = startFlood({ ...common, send: flooder.send, ratePerSecond, maxInFlight })
  const beside = startFlood({
    ...common,
    send: neighbour.send,
    ratePerSecond: peakPerSecond * NEIGHBOUR_SHARE,
    maxInFlight: NEIGHBOUR_MAX_IN_FLIGHT
  })
  const resident = await sampleMemory(context, node, flood, seconds)
  const generator = process.cpuUsage(cpuBefore.generator)
  const cpuShares = {
    node: rounded((node.cpuMs() - cpuBefore.node) / (seconds * 1_000)),
    generatorAndReceiver: rounded((generator.user + generator.system) / (seconds * 1_000_000))
  }
  const recoveryMs = await recover(context, {
    send: flooder.send,
    maxInFlight,
    ratePerSecond: peakPerSecond / 2
  })
  step('recovery', recoveryMs === undefined ? 'none' : `after ${recoveryMs} ms`)
  const [overload, besides] = [await flood.answered, await beside.answered]

  const audit = await auditBooks(node, flooder.fulfilled() + neighbour.fulfilled())
  const faults = [...Object.keys(overload.outcomes), ...Object.keys(besides.outcomes)].filter(
    (outcome) => outcome !== 'fulfilled' && !ALLOWED_REFUSALS.has(outcome)
  )
  const carriedPerSecond = overload.fulfilledPerSecond + besides.fulfilledPerSecond
  const ratio = rounded(carriedPerSecond / peakPerSecond)
  const { growthBytes } = resident
  return {
    perSecond: carriedPerSecond,
    limitPerSecond: rounded(peakPerSecond),
    ratio,
    p50Ms: overload.fulfilled.percentileMs(50),
    p99Ms: overload.fulfilled.percentileMs(99),
    audit,
    transport,
    what: `forwarded packets, ${OVERLOAD} times the peak offered, the node held to ${constraint}`,
    seconds,
    peaks,
    offeredPerSecond: ratePerSecond,
    sentPerSecond: Math.round(overload.sent / seconds),
    offered: overload.offered,
    sent: overload.sent,
    heldBack: overload.heldBack,
    maxInFlight,
    outcomes: overload.outcomes,
    refusalP50Ms: overload.refused.percentileMs(50),
    refusalP99Ms: overload.refused.percentileMs(99),
    neighbour: {
      offered: besides.offered,
      heldBack: besides.heldBack,
      outcomes: besides.outcomes,
      p50Ms: besides.fulfilled.percentileMs(50),
      p99Ms: besides.fulfilled.percentileMs(99)
    },
    maxLagMs: overload.maxLagMs,
    cpuShares,
    recoveryMs: recoveryMs ?? null,
    memory: {
      residentMegabytes: resident.samples,
      growthMegabytes: Math.round(growthBytes / 2 ** 20),
      peakMegabytes: Math.round(node.memory().peakBytes / 2 ** 20),
      liveHeapMegabytes: Math.round((await node.liveHeapBytes()) / 2 ** 20)
    },
    holds: {
      goodput: ratio >= 0.8,
      refusalsOnly: faults.length === 0,
      memoryFlat: growthBytes <= FLAT_BYTES,
      recovery: recoveryMs !== undefined && recoveryMs <= 5_000
    },
    durability: node.durability
  }
}

interface Source {
  /** One packet; resolves with how it was answered. */
  send(): Promise<string>
  fulfilled(): number
}

/** A peer of the node that sends to `destination`, whatever comes back. */
async function connect(
  { runtime: { clock }, defer }: BenchmarkContext,
  node: NodeUnderLoad,
  transport: BenchTransport,
  name: string,
  destination: string,
  limits: Readonly<Record<string, number>> = {}
): Promise<Source> {
  const token = await node.addSender(name, limits)
  const sender: PacketSender =
    transport === 'http'
      ? createHttpFloodSender(node.origin, token)
      : await createBtpSender(node.origin, token)
  defer(() => sender.close())
  const packets = createPacketFactory(destination, name)
  let fulfilled = 0
  return {
    async send() {
      const { bytes, fulfillment } = packets.next(clock.nowMs())
      try {
        const outcome = classifyReply(await sender.send(bytes), fulfillment)
        if (outcome === 'fulfilled') fulfilled += 1
        return outcome
      } catch (error) {
        return (error as Error).message
      }
    },
    fulfilled: () => fulfilled
  }
}

async function peakOf(
  { runtime: { clock }, signal }: BenchmarkContext,
  send: () => Promise<string>,
  callers: number,
  durationMs: number
): Promise<number> {
  const measured = await closedLoop({
    clock,
    durationMs,
    signal,
    callers,
    async call() {
      const outcome = await send()
      if (outcome !== 'fulfilled') throw new Error(outcome)
    }
  })
  return perSecond(measured)
}

/** The resident set, every second while packets are offered; its growth is counted from the first third's end. */
async function sampleMemory(
  { runtime: { clock }, progress }: BenchmarkContext,
  node: NodeUnderLoad,
  flood: Flood,
  seconds: number
): Promise<{ samples: Record<string, number>; growthBytes: number }> {
  const bytes: number[] = []
  let isOver = false
  void flood.offered.then(() => (isOver = true))
  while (!isOver) {
    await Promise.race([clock.sleep(SAMPLE_MS), flood.offered])
    const { residentBytes } = node.memory()
    bytes.push(residentBytes)
    const { outcomes } = flood.soFar
    progress(
      `${bytes.length} s: ${outcomes.fulfilled ?? 0} carried, ${Math.round(residentBytes / 2 ** 20)} MB resident`
    )
  }
  const third = Math.max(1, Math.floor(bytes.length / 3))
  const highest = (from: number, to: number) => Math.max(...bytes.slice(from, to))
  const samples = Object.fromEntries(
    [1, 2, 3].map((part) => [
      `at${Math.round((seconds * part) / 3)}s`,
      Math.round(bytes[Math.min(bytes.length, third * part) - 1]! / 2 ** 20)
    ])
  )
  return { samples, growthBytes: highest(third, bytes.length) - highest(0, third) }
}

/** How long after the flood half of what the node carries is carried again without a refusal. */
async function recover(
  { runtime: { clock }, signal }: BenchmarkContext,
  options: { send(): Promise<string>; maxInFlight: number; ratePerSecond: number }
): Promise<number | undefined> {
  const startMs = clock.monotonicMs()
  for (;;) {
    const sliceStartMs = clock.monotonicMs()
    if (sliceStartMs - startMs > RECOVERY_LIMIT_MS) return undefined
    const slice = startFlood({ ...options, clock, signal, durationMs: RECOVERY_SLICE_MS })
    await slice.offered
    const { outcomes, heldBack } = await slice.answered
    const isClean = Object.keys(outcomes).every((outcome) => outcome === 'fulfilled')
    if (isClean && heldBack === 0) return Math.round(sliceStartMs - startMs)
  }
}
