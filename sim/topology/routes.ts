import type { Topology, TopologyLink } from './model.ts'

/**
 * Prefixes that a node routes to each of its neighbours: every other node's address over the fewest hops
 * (ties go to the link listed first). Routes are static, as peers of Rafiki have them.
 */
export function routesOf(topology: Topology, nodeName: string): Map<TopologyLink, string[]> {
  const routes = new Map<TopologyLink, string[]>()
  const reached = new Set([nodeName])
  // Breadth first: each node found remembers the link by which its path leaves us.
  let frontier: { name: string; via: TopologyLink | undefined }[] = [{ name: nodeName, via: undefined }]
  while (frontier.length > 0) {
    const next: typeof frontier = []
    for (const { name, via } of frontier) {
      for (const link of topology.links) {
        if (!link.between.includes(name)) continue
        const neighbour = link.between[0] === name ? link.between[1] : link.between[0]
        if (reached.has(neighbour)) continue
        reached.add(neighbour)
        const first = via ?? link
        const node = topology.nodes.find((candidate) => candidate.name === neighbour)!
        routes.set(first, [...(routes.get(first) ?? []), node.ilpAddress])
        next.push({ name: neighbour, via: first })
      }
    }
    frontier = next
  }
  return routes
}
