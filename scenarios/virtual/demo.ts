import { runDemo } from '../../sim/networks/demo.ts'
import { toJson } from '../../sim/reports/progress.ts'
import type { Progress } from '../../sim/reports/progress.ts'
import { parseTopology } from '../../sim/topology/parse.ts'
import { startVirtualNetwork } from '../../sim/worlds/virtual/start-network.ts'
import type { VirtualWorld } from '../../sim/worlds/virtual/index.ts'

/** The demonstration of `npm start`, GNAP to COMPLETED, in simulated time. */
export default async function demo(world: VirtualWorld, args: { topology: string }): Promise<unknown> {
  const steps: string[] = []
  const progress: Progress = {
    step: (name, detail) => steps.push(`${name}: ${detail}`),
    say: () => undefined,
    summary: () => undefined,
    error: (message) => steps.push(`error: ${message}`)
  }
  const network = await startVirtualNetwork(world, parseTopology(args.topology, 'topology'), (step, detail) =>
    progress.step(step, detail)
  )
  const result = await runDemo(network, progress)
  return JSON.parse(toJson({ steps, ...result }))
}
