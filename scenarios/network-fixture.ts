import { readTopology } from '../sim/topology/parse.ts'
import type { Topology } from '../sim/topology/model.ts'

/** A topology of the fixtures, changed for a scenario's purpose. */
export function topology(
  name: 'pair' | 'chain',
  change: (topology: Topology) => void = () => undefined
): Topology {
  const found = structuredClone(readTopology(`fixtures/topologies/${name}.json`))
  change(found)
  return found
}

/** Packets of this size make a payment of `total` minor units take at least `packets` packets. */
export function maxPacketAmountFor(total: bigint, packets: bigint): bigint {
  return total / (packets + packets / 10n)
}
