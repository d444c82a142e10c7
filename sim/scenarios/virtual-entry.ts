import type { VirtualWorld } from '../worlds/virtual/index.ts'
import { startVirtualNetwork } from '../worlds/virtual/start-network.ts'
import { loadScenario } from './catalogue.ts'
import { runScenario } from './run-scenario.ts'
import type { ScenarioOutcome } from './run-scenario.ts'
import type { Scenario } from './scenario.ts'

export interface VirtualScenarioArgs {
  file: string
}

/** What a run in the virtual world tells beside its outcome. */
export interface VirtualScenarioResult extends ScenarioOutcome {
  /** Statements that the database executed while the network came up, and altogether. */
  statements: { start: number; total: number }
  /** Processor time that the network took to come up. */
  startCpuMs: number
}

/** Loaded before the world is sealed: the scenario's own imports must not fall into simulated time. */
export function prepare({ file }: VirtualScenarioArgs): Promise<Scenario> {
  return loadScenario(file)
}

/** Runs a scenario as the virtual world's own process. */
export default async function run(
  world: VirtualWorld,
  { file }: VirtualScenarioArgs
): Promise<VirtualScenarioResult> {
  const scenario = await loadScenario(file)
  const before = process.cpuUsage()
  const network = await startVirtualNetwork(world, scenario.topology)
  const { user, system } = process.cpuUsage(before)
  const start = world.gate!.unitCount()
  const outcome = await runScenario(scenario, network, 'virtual', network)
  return {
    ...outcome,
    statements: { start, total: world.gate!.unitCount() },
    startCpuMs: Math.round((user + system) / 1_000)
  }
}
