import { auditBooks, connectPeers, startReceiver } from './connector-ends.ts'
import { CONNECTIONS } from './connector-model.ts'
import type { BenchTransport } from './connector-model.ts'
import { startNodeUnderLoad } from './connector-node.ts'
import { createPacketFactory } from './connector-packets.ts'
import { packetPhase, sendOne } from './connector-phases.ts'
import type { Tally } from './connector-phases.ts'
import { holdToCpuQuota } from './cpu-quota.ts'
import { addMeasurement, openLoop, perSecond } from './drivers.ts'
import { rounded } from './histogram.ts'
import type { BenchmarkContext, BenchmarkResult } from './model.ts'

/** The node gets this part of one processor. */
const CPU_SHARE = 0.2
/** Where no quota can be set, the sending peer gets this limit instead. */
const PEER_LIMIT_PER_SECOND = 500
/** What is offered, as a multiple of what is carried. */
const OVERLOAD = 5
/** Packets that the sender has under way at most: over HTTP each has a connection, over BTP all share one. */
const MAX_IN_FLIGHT = { http: 1_000, btp: 4_000 } as const
const WARM_UP_MS = 3_000
const PEAK_MS = 6_000
/** What the live heap may grow by between the overload's first quarter and its end: 20 MB are no leak in a minute. */
const FLAT_BYTES = 20 * 2 ** 20
/** Refusals that tell a sender what to do; anything else, a timeout above all, is a fault. */
const ALLOWED_REFUSALS: ReadonlySet<string> = new Set(['T03', 'T04', 'T05'])
const RECOVERY_LIMIT_MS = 10_000
const RECOVERY_SLICE_MS = 500

/** Much more than the node carries, for as long as asked: what it still carries, how it refuses, how it recovers. */
export async function runOverload(
  context: BenchmarkContext,
  transport: BenchTransport
): Promise<BenchmarkResult> {
  const { runtime, signal, step } = context
  const { clock } = runtime
  const maxInFlight = MAX_IN_FLIGHT[transport]
  const node = await startNodeUnderLoad(context)
  const held = holdToCpuQuota(node.pid, CPU_SHARE)
  const limits: Record<string, number> =
    'problem' in held ? { maxPacketsPerSecond: PEER_LIMIT_PER_SECOND } : {}
  if ('release' in held) context.defer(held.release)
  const constraint =
    'problem' in held
      ? `a peer limit of ${PEER_LIMIT_PER_SECOND} packets/s (no CPU quota: ${held.problem})`
      : `${CPU_SHARE * 100} % of one processor`
  step('held to', constraint)

  const receiver = await startReceiver(context, transport)
  const { sender, destination } = await connectPeers(context, node, transport, receiver, {
    connections: maxInFlight,
    limits
  })
  const packets = createPacketFactory(destination, 'overload')
  const tally: Tally = {}
  const call = () => sendOne(sender, packets, tally, clock.nowMs())

  const closed = packetPhase(context, { sender, packets, tally, callers: CONNECTIONS })
  await closed(WARM_UP_MS)
  const peak = await closed(PEAK_MS)
  const peakPerSecond = perSecond(peak)
  step('peak', `${Math.round(peakPerSecond)} packets/s, p50 ${peak.latencies.percentileMs(50)} ms`)

  const before = { ...tally }
  const offeredPerSecond = peakPerSecond * OVERLOAD
  const offer = (share: number) =>
    openLoop({
      clock,
      durationMs: context.seconds * 1_000 * share,
      signal,
      ratePerSecond: offeredPerSecond,
      maxInFlight,
      call
    })
  // What it holds is compared after a quarter and at the end: by then everything that is kept at hand is there.
  const overload = await offer(0.25)
  const earlyHeapBytes = await node.liveHeapBytes()
  addMeasurement(overload, await offer(0.75))
  const lateHeapBytes = await node.liveHeapBytes()
  const growthBytes = lateHeapBytes - earlyHeapBytes
  const outcomes = difference(tally, before)
  step('overload', `${Math.round(perSecond(overload))} packets/s of ${Math.round(offeredPerSecond)} offered`)

  const recoveryMs = await recover(context, {
    call,
    tally,
    maxInFlight,
    ratePerSecond: peakPerSecond / 2
  })
  step('recovery', recoveryMs === undefined ? 'none' : `after ${recoveryMs} ms`)

  const audit = await auditBooks(node, tally.fulfilled ?? 0)
  const refusals = Object.keys(outcomes).filter((outcome) => outcome !== 'fulfilled')
  const faults = refusals.filter((outcome) => !ALLOWED_REFUSALS.has(outcome))
  const ratio = rounded(perSecond(overload) / peakPerSecond)
  return {
    perSecond: perSecond(overload),
    limitPerSecond: peakPerSecond,
    ratio,
    p50Ms: overload.latencies.percentileMs(50),
    p99Ms: overload.latencies.percentileMs(99),
    audit,
    transport,
    what: `forwarded packets, ${OVERLOAD} times the peak offered, the node held to ${constraint}`,
    seconds: context.seconds,
    offeredPerSecond: Math.round(offeredPerSecond),
    outcomes,
    heldBack: overload.dropped,
    maxInFlight,
    peakP50Ms: peak.latencies.percentileMs(50),
    recoveryMs: recoveryMs ?? null,
    memory: { earlyHeapBytes, lateHeapBytes, growthBytes, peakResidentBytes: node.memory().peakBytes },
    holds: {
      goodput: ratio >= 0.8,
      refusalsOnly: faults.length === 0,
      memoryFlat: growthBytes <= FLAT_BYTES,
      recovery: recoveryMs !== undefined && recoveryMs <= 5_000
    },
    durability: node.durability
  }
}

function difference(after: Tally, before: Tally): Tally {
  return Object.fromEntries(
    Object.entries(after)
      .map(([outcome, count]) => [outcome, count - (before[outcome] ?? 0)] as const)
      .filter(([, count]) => count > 0)
  )
}

/** How long until half of what the node carries is carried again without a refusal. */
async function recover(
  { runtime: { clock }, signal }: BenchmarkContext,
  {
    call,
    tally,
    maxInFlight,
    ratePerSecond
  }: { call(): Promise<void>; tally: Tally; maxInFlight: number; ratePerSecond: number }
): Promise<number | undefined> {
  const startMs = clock.monotonicMs()
  for (;;) {
    const sliceStartMs = clock.monotonicMs()
    if (sliceStartMs - startMs > RECOVERY_LIMIT_MS) return undefined
    const before = { ...tally }
    const slice = await openLoop({
      clock,
      durationMs: RECOVERY_SLICE_MS,
      signal,
      ratePerSecond,
      maxInFlight,
      call
    })
    const outcomes = difference(tally, before)
    const isClean = Object.keys(outcomes).every((outcome) => outcome === 'fulfilled')
    if (isClean && slice.dropped === 0) return Math.round(sliceStartMs - startMs)
  }
}
