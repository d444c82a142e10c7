import { uuidToId } from '../node/runtime/index.ts'
import type { Network } from '../sim/networks/network.ts'
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

/** Counts the packets that a node has posted to its first peer, by its own ledger. Each call reads what is new. */
export function countFulfilled(network: Network, nodeName: string): () => Promise<number> {
  const peer = network.nodes.find(({ name }) => name === nodeName)!.peers[0]!
  const ledger = network.ledgerOf(nodeName)
  let count = 0
  let after: bigint | undefined
  return async () => {
    for (;;) {
      const page = await ledger.queryTransfers({
        accountId: uuidToId(peer.id),
        side: 'credit',
        code: 1,
        limit: 1_000,
        order: 'oldestFirst',
        ...(after !== undefined && { after })
      })
      count += page.filter(({ flags }) => flags.postPending).length
      after = page.at(-1)?.timestamp ?? after
      if (page.length < 1_000) return count
    }
  }
}
