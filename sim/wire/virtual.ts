import { nodeOfConnector } from '../worlds/virtual/second-host.ts'
import type { VirtualWorld } from '../worlds/virtual/index.ts'
import type { WireEvent, WireSide } from './model.ts'
import { createWireRecorder } from './recorder.ts'
import type { ConnectionTap, WireRecorder } from './recorder.ts'

/** The port of a connector in the virtual world. */
const CONNECTOR_PORT = 3002

/**
 * Records what goes over the wire between the connectors of a virtual world: of connections that open from now on.
 *
 * @param options.linkOf the topology's link that a peer's token stands for
 */
export function recordVirtualWire(
  world: Pick<VirtualWorld, 'network' | 'nowMs'>,
  options: {
    linkOf: (token: string) => number | undefined
    port?: number
    onEvent: (event: WireEvent) => void
  }
): WireRecorder {
  const { linkOf, onEvent, port: tapped = CONNECTOR_PORT } = options
  const recorder = createWireRecorder({ nowMs: () => world.nowMs(), linkOf, onEvent })
  world.network.tap(({ client, server, port }) => {
    if (port !== tapped) return undefined
    const ends = { client, server }
    const tap = recorder.connection(
      { client: nodeOfConnector(client.host), server: nodeOfConnector(server.host) },
      (side) => ends[side].owner.skewMs
    )
    return { client: endOf(tap, 'client'), server: endOf(tap, 'server') }
  })
  return recorder
}

function endOf(tap: ConnectionTap, side: WireSide) {
  return {
    sent: (bytes: Buffer) => tap.sent(side, bytes),
    arrived: (length: number) => tap.arrived(side, length),
    broken: () => tap.broken(side)
  }
}
