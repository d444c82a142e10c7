import type { Address, Listener, Network, Socket } from '../../../node/runtime/index.ts'
import { createConditions } from './conditions.ts'
import type { NetworkConditions, Path } from './conditions.ts'
import type { EventLog } from './event-log.ts'
import { runAs } from './owner.ts'
import type { Owner } from './owner.ts'
import type { Scheduler } from './scheduler.ts'
import { systemError, VirtualSocket } from './socket.ts'
import type { SocketHost, SocketTap } from './socket.ts'

/** One way, between any two hosts, unless told otherwise. */
export const DEFAULT_LATENCY_MS = 1
/** Where ports begin that are given out for port 0 and for clients. */
const FIRST_EPHEMERAL_PORT = 49_152
/** Hosts that a world may have: two documentation networks of 254 addresses (RFC 5737). */
export const MAX_HOSTS = 508

/** Names by which a host means itself. */
const OWN_NAMES = new Set(['localhost', '127.0.0.1', '::1', '0.0.0.0', '::', ''])

export interface VirtualNetworkOptions {
  scheduler: Scheduler
  log: EventLog
  /** One-way latency in milliseconds between two hosts, until the conditions are told otherwise. */
  latencyMs?: number
}

/** The network as one process of one host sees it. */
export interface NetworkView extends Network {
  readonly host: string
  /** The end of the process: doors shut, its sockets are reset, none of its code hears of it. */
  kill(): void
}

export interface VirtualNetwork {
  /** A view for code of `owner` on `host`. Several processes may live on one host, on different ports. */
  view(owner: Owner, host: string): NetworkView
  readonly conditions: NetworkConditions
  /** Asks `judge` about everything that is sent, before it is; the first that does not let it pass decides. */
  watch(judge: Judge): () => void
  /** From now on another host answers to this one's name, as behind a load balancer; `undefined`: itself again. */
  lead(host: string, to: string | undefined): void
  /** Asks about every connection that opens from here on whether somebody wants to hear what goes over it. */
  tap(listener: ConnectionListener): void
  /**
   * The end of the world: every socket is destroyed, those of dead processes too. What the runtime keeps of them outside
   * of the world (the parser of a request that was never answered) would otherwise keep the whole world.
   */
  end(): void
}

/** @param connection both ends with their processes, and the port of the door */
export type ConnectionListener = (connection: {
  client: { host: string; owner: Owner }
  server: { host: string; owner: Owner }
  port: number
}) => { client: SocketTap; server: SocketTap } | undefined

/** What happens to bytes that a socket is about to send. */
export type Judge = (socket: VirtualSocket, bytes: Buffer) => 'pass' | 'reset'

interface Door {
  owner: Owner
  onConnection: (socket: Socket) => void
  host: SocketHost
}

/** Hosts by name, doors by host and port, connections as pairs of streams. */
export function createVirtualNetwork({
  scheduler,
  log,
  latencyMs = DEFAULT_LATENCY_MS
}: VirtualNetworkOptions): VirtualNetwork {
  const doors = new Map<string, Map<number, Door>>()
  const addresses = new Map<string, string>()
  const hostsByAddress = new Map<string, string>()
  const nextPort = new Map<string, number>()
  const leads = new Map<string, string>()
  const conditions = createConditions(scheduler, () => latencyMs)
  const judges = new Set<Judge>()
  const listeners: ConnectionListener[] = []
  let connections = 0

  function judge(socket: VirtualSocket, bytes: Buffer): 'pass' | 'reset' {
    for (const one of judges) if (one(socket, bytes) === 'reset') return 'reset'
    return 'pass'
  }

  function addHost(host: string): void {
    if (doors.has(host)) return
    const index = doors.size
    if (index >= MAX_HOSTS) throw new Error(`a virtual network has at most ${MAX_HOSTS} hosts`)
    const address = index < 254 ? `203.0.113.${index + 1}` : `198.51.100.${index - 253}`
    doors.set(host, new Map())
    addresses.set(host, address)
    hostsByAddress.set(address, host)
  }

  function ephemeralPort(host: string): number {
    const port = nextPort.get(host) ?? FIRST_EPHEMERAL_PORT
    nextPort.set(host, port + 1)
    return port
  }

  function hostNamed(name: string, own: string): string | undefined {
    if (OWN_NAMES.has(name)) return own
    const host = hostsByAddress.get(name) ?? name.toLowerCase()
    return doors.has(host) ? (leads.get(host) ?? host) : undefined
  }

  function open(client: VirtualSocket, clientHost: SocketHost, port: number, name: string): void {
    const to = hostNamed(name, clientHost.host)
    if (to === undefined) {
      const error = systemError('ENOTFOUND', 'getaddrinfo', `getaddrinfo ENOTFOUND ${name}`, {
        hostname: name
      })
      scheduler.after(0, () => client.refused(error), { owner: clientHost.owner })
      return
    }
    const there = conditions.path(clientHost.host, to)
    const back = conditions.path(to, clientHost.host)
    // The request travels to the host; whether somebody listens is decided there. It is nobody's, since the packet
    // arrives even if its sender dies on the way.
    there.send(() => arriveAtDoor(client, clientHost, to, port, { there, back }), undefined)
  }

  function arriveAtDoor(
    client: VirtualSocket,
    clientHost: SocketHost,
    to: string,
    port: number,
    { there, back }: { there: Path; back: Path }
  ): void {
    const door = doors.get(to)?.get(port)
    const gone = client.destroyed || clientHost.owner.killed
    if (door === undefined || door.owner.killed) {
      const address = addresses.get(to)
      const error = systemError('ECONNREFUSED', 'connect', `connect ECONNREFUSED ${to}:${port}`, {
        address,
        port
      })
      back.send(() => client.refused(error), clientHost.owner)
      return
    }
    if (gone) return
    connections += 1
    const server = new VirtualSocket(door.host)
    sockets(door.host).add(server)
    left.add(server)
    const clientPort = ephemeralPort(clientHost.host)
    const name = `${clientHost.host}:${clientPort} ${to}:${port} #${connections}`
    client.label = `${name} >`
    server.label = `${name} <`
    server.remoteAddress = client.localAddress = addresses.get(clientHost.host)
    server.remotePort = client.localPort = clientPort
    server.localAddress = client.remoteAddress = addresses.get(to)
    server.localPort = client.remotePort = port
    log.append('open', name)
    const ends = {
      client: { host: clientHost.host, owner: clientHost.owner },
      server: { host: to, owner: door.owner }
    }
    for (const listener of listeners) {
      const taps = listener({ ...ends, port })
      if (!taps) continue
      client.tap = taps.client
      server.tap = taps.server
    }
    server.opened(client, 'server', back)
    // Scheduled before anything that the server sends, so that the client hears of the connection first.
    back.send(() => client.announce(), clientHost.owner)
    client.opened(server, 'client', there)
    client.connecting = true
    const accept = () => door.onConnection(server)
    // A process that is paused does not see who connects: its system does.
    if ((door.owner.pausedUntilMs ?? 0) > scheduler.nowMs()) scheduler.after(0, accept, { owner: door.owner })
    else runAs(door.owner, accept)
  }

  /** All that were not destroyed, of dead processes too. */
  const left = new Set<VirtualSocket>()
  let isOver = false
  const socketsOf = new WeakMap<SocketHost, Set<VirtualSocket>>()
  function sockets(host: SocketHost): Set<VirtualSocket> {
    let found = socketsOf.get(host)
    if (!found) socketsOf.set(host, (found = new Set()))
    return found
  }

  function view(owner: Owner, host: string): NetworkView {
    addHost(host)
    const socketHost: SocketHost = {
      owner,
      host,
      scheduler,
      log,
      open: (socket, port, name) => open(socket, socketHost, port, name),
      closed(socket) {
        sockets(socketHost).delete(socket)
        if (socket.destroyed) left.delete(socket)
      },
      judge
    }
    const ownPorts = new Set<number>()

    function createSocket(): VirtualSocket {
      const socket = new VirtualSocket(socketHost)
      left.add(socket)
      // Code of dead processes hears of the end, and may connect again: gone when its library has taken the socket up.
      if (isOver) setImmediate(() => socket.destroy())
      if (owner.killed) socket.kill()
      else sockets(socketHost).add(socket)
      return socket
    }

    return {
      host,
      speaksTls: false,
      async listen({ host: name, port }: Address, onConnection): Promise<Listener> {
        if (hostNamed(name, host) !== host) {
          throw systemError('EADDRNOTAVAIL', 'listen', `listen EADDRNOTAVAIL: ${name} is not ${host}`)
        }
        const bound = port === 0 ? ephemeralPort(host) : port
        const taken = doors.get(host)!
        if (taken.has(bound)) {
          throw systemError(
            'EADDRINUSE',
            'listen',
            `listen EADDRINUSE: address already in use ${host}:${bound}`,
            {
              address: addresses.get(host),
              port: bound
            }
          )
        }
        const door: Door = { owner, onConnection, host: socketHost }
        if (!owner.killed) {
          taken.set(bound, door)
          ownPorts.add(bound)
        }
        return {
          address: { host, port: bound },
          async close() {
            if (taken.get(bound) === door) taken.delete(bound)
            ownPorts.delete(bound)
          }
        }
      },
      connect: ({ host: name, port }) => createSocket().connect(port, name),
      socket: createSocket,
      async resolve(name) {
        const found = hostNamed(name, host)
        if (found === undefined) {
          throw systemError('ENOTFOUND', 'getaddrinfo', `getaddrinfo ENOTFOUND ${name}`, { hostname: name })
        }
        return [addresses.get(found)!]
      },
      kill() {
        for (const port of ownPorts) doors.get(host)!.delete(port)
        ownPorts.clear()
        for (const socket of [...sockets(socketHost)]) socket.kill()
      }
    }
  }

  return {
    view,
    conditions,
    watch(one) {
      judges.add(one)
      return () => judges.delete(one)
    },
    lead(host, to) {
      if (to === undefined) leads.delete(host)
      else leads.set(host, to)
    },
    tap: (listener) => void listeners.push(listener),
    end() {
      isOver = true
      for (const socket of [...left]) socket.destroy()
    }
  }
}
