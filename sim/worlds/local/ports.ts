import net from 'node:net'
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

/** Ports that nothing listens on: all are held at once, so that they differ, then let go. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<net.Server>((resolve, reject) => {
          const server = net.createServer()
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => resolve(server))
        })
    )
  )
  const ports = servers.map((server) => (server.address() as net.AddressInfo).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
