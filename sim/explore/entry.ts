import type { Network } from '../networks/network.ts'
import { runInWorld } from '../scenarios/virtual-entry.ts'
import type { VirtualScenarioResult } from '../scenarios/virtual-entry.ts'
import type { WireEvent } from '../wire/model.ts'
import type { VirtualWorld } from '../worlds/virtual/world.ts'
import { parseHistory } from './history.ts'
import { scenarioOf } from './play.ts'

/** Runs a history, given as JSON, as the virtual world's own process. */
export default async function run(
  world: VirtualWorld,
  { history }: { history: unknown }
): Promise<VirtualScenarioResult> {
  const looks: (() => void)[] = []
  const listeners: ((event: WireEvent) => void)[] = []
  let network: Network | undefined
  const scenario = scenarioOf(parseHistory(history), {
    network: () => network!,
    onWire: (listener) => void listeners.push(listener),
    peek: (sql) =>
      new Promise((resolve, reject) => {
        looks.push(() => {
          try {
            resolve(world.gate!.inspect(sql))
          } catch (error) {
            reject(error as Error)
          }
        })
      })
  })
  return runInWorld(world, scenario, {
    onNetwork(started) {
      network = started
      world.gate!.observe(() => {
        for (const look of looks.splice(0)) look()
      })
    },
    onWire(event) {
      for (const listener of listeners) listener(event)
    }
  })
}
