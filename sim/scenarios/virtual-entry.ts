import { POSTGRES_ADDRESS } from '../worlds/virtual/world.ts'
import type { VirtualWorld } from '../worlds/virtual/world.ts'
import { startVirtualNetwork } from '../worlds/virtual/start-network.ts'
import type { VirtualNetwork } from '../worlds/virtual/start-network.ts'
import { watchLedgers } from '../invariants/continuous.ts'
import { watchPackets } from '../invariants/watch-packets.ts'
import { createTimeline } from '../reports/timeline.ts'
import type { Timeline, TimelineCollector } from '../reports/timeline.ts'
import type { WireEvent } from '../wire/model.ts'
import { loadScenario } from './catalogue.ts'
import { runScenario } from './run-scenario.ts'
import type { ScenarioOutcome } from './run-scenario.ts'
import type { LatencyRanges, Scenario, WorldName } from './scenario.ts'

export interface VirtualScenarioArgs {
  file: string
  /** What the scenario is told. Default: virtual. */
  world?: WorldName
  /** Keep what a report shows of the run: so many messages at most. */
  timelineRows?: number
}

/** What a run in the virtual world tells beside its outcome. */
export interface VirtualScenarioResult extends ScenarioOutcome {
  /** How often the ledgers were checked: after each commit of a backend. */
  ledgerChecks: number
  /** ILP Prepares that went over the wire between nodes. */
  packets: number
  /** Statements that the database executed while the network came up, and altogether. */
  statements: { start: number; total: number }
  /** Processor time that the network took to come up. */
  startCpuMs: number
  timeline?: Timeline
}

/** Loaded before the world is sealed: the scenario's own imports must not fall into simulated time. */
export function prepare({ file }: VirtualScenarioArgs): Promise<Scenario> {
  return loadScenario(file)
}

/** Runs a scenario as the virtual world's own process. */
export default async function run(
  world: VirtualWorld,
  { file, world: worldName, timelineRows }: VirtualScenarioArgs
): Promise<VirtualScenarioResult> {
  return runInWorld(world, await loadScenario(file), {
    ...(worldName !== undefined && { worldName }),
    ...(timelineRows !== undefined && { timelineRows })
  })
}

/**
 * Brings a scenario's network up in a virtual world and runs the scenario on it, with everything that must hold.
 *
 * @param options.onNetwork is told of the network before the scenario begins
 * @param options.onWire hears what goes over the wire between connectors, from then on
 * @param options.timelineRows keeps what a report shows of the run, so many messages at most
 */
export async function runInWorld(
  world: VirtualWorld,
  scenario: Scenario,
  {
    onNetwork = () => undefined,
    onWire = () => undefined,
    worldName = 'virtual',
    timelineRows
  }: {
    onNetwork?: (network: VirtualNetwork) => void
    onWire?: (event: WireEvent) => void
    worldName?: WorldName
    timelineRows?: number
  } = {}
): Promise<VirtualScenarioResult> {
  setLatency(world, scenario.latency)
  const before = process.cpuUsage()
  let collector: TimelineCollector | undefined
  const packets = watchPackets(world, (event) => {
    onWire(event)
    collector?.wire(event)
  })
  const network = await startVirtualNetwork(world, scenario.topology)
  if (timelineRows !== undefined) collector = createTimeline(network, timelineRows)
  packets.begin(network, (node, transfer) => collector?.booked(node, transfer))
  const { user, system } = process.cpuUsage(before)
  const start = world.gate!.unitCount()
  const watch = watchLedgers(world.gate!, network)
  onNetwork(network)
  const outcome = await runScenario(scenario, network, worldName, packets.controls(network), {
    violated: Promise.race([watch.violated, packets.violated]),
    atRest: (options) => packets.settle(options)
  })
  return {
    ...outcome,
    ledgerChecks: watch.checks(),
    packets: packets.counts().prepares,
    statements: { start, total: world.gate!.unitCount() },
    startCpuMs: Math.round((user + system) / 1_000),
    ...(collector && { timeline: collector.timeline() })
  }
}

/** Steps in which latencies are drawn, in milliseconds: whole eighths, which numbers hold exactly. */
const LATENCY_STEP_MS = 0.125

function setLatency(world: VirtualWorld, { networkMs, databaseMs }: LatencyRanges): void {
  const stream = world.stream('network')
  world.network.conditions.setLatency((from) => {
    const [low, high] = from === POSTGRES_ADDRESS.host ? databaseMs : networkMs
    const steps = Math.floor((high - low) / LATENCY_STEP_MS) + 1
    return low + (stream.draw(2).readUInt16BE(0) % steps) * LATENCY_STEP_MS
  })
}
