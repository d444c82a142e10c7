import { freePorts } from '../../services/free-ports.ts'
import { SERVICE_PORTS } from '../../topology/model.ts'
import type { ServicePort, Topology } from '../../topology/model.ts'

export type PortTable = Map<string, Record<ServicePort, number>>

/** A port for every service of every node: the topology's own where it says so, free ones otherwise. */
export async function assignPorts(topology: Topology): Promise<PortTable> {
  const missing = topology.nodes.flatMap((node) =>
    SERVICE_PORTS.filter((service) => node.ports[service] === undefined)
  )
  const free = await freePorts(missing.length)
  return new Map(
    topology.nodes.map((node) => [
      node.name,
      Object.fromEntries(
        SERVICE_PORTS.map((service) => [service, node.ports[service] ?? free.pop()!])
      ) as Record<ServicePort, number>
    ])
  )
}
