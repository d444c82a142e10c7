import net from 'node:net'
import type { Duplex } from 'node:stream'

export interface Address {
  host: string
  port: number
}

/**
 * What both ends of a connection are: a Duplex with the few extras of `net.Socket` that pg, undici and
 * node:http ask for. A client's socket emits `connect` once the other side has it, `error` and `close` as
 * streams do; `resetAndDestroy` tears it down so that the other side sees ECONNRESET.
 */
export interface Socket extends Duplex {
  connect(port: number, host: string): this
  setNoDelay(noDelay?: boolean): this
  setKeepAlive(enable?: boolean, initialDelayMs?: number): this
  setTimeout(timeoutMs: number, callback?: () => void): this
  ref(): this
  unref(): this
  resetAndDestroy(): this
  readonly remoteAddress?: string | undefined
}

export interface Listener {
  /** Where it really listens: port 0 was replaced by a free one. */
  readonly address: Address
  /** Takes no further connection. Those that are open stay. */
  close(): Promise<void>
}

export interface ListenOptions {
  /**
   * Connections that one turn of the event loop accepts at most; default 1, as libuv does it. Under load a turn is
   * long, and whoever connects waits behind all who came before, a turn for each. Above 1 where the system can.
   */
  acceptsPerTurn?: number
}

/** The network's door: everything that goes over a wire passes through these functions. */
export interface Network {
  /** Accepts connections. Rejects with the code EADDRINUSE when the port is taken. */
  listen(address: Address, onConnection: (socket: Socket) => void, options?: ListenOptions): Promise<Listener>
  /** A connection being opened: emits `connect`, or `error` (ECONNREFUSED, ENOTFOUND, …). */
  connect(address: Address): Socket
  /** A socket that is not connected yet: for libraries that call `connect(port, host)` themselves. */
  socket(): Socket
  /** Whether `https:` means TLS on this network. In the virtual world nobody listens in, and nobody encrypts. */
  readonly speaksTls: boolean
  /** The addresses that a host name stands for: for guards that must not connect to private ones. */
  resolve(host: string): Promise<string[]>
}

/**
 * Connections that may wait to be accepted, as far as the system allows. With fewer, a peer that opens many at once
 * is told nothing and tries again after seconds.
 */
const LISTEN_BACKLOG = 4_096

/** Whether several doors of one process may stand at one port, and the system spreads connections over them. */
const CAN_SHARE_PORTS = process.platform === 'linux' || process.platform === 'freebsd'

/** The machine's network. `kill()` resets every socket and closes every door at once, as `kill -9` would. */
export function createSystemNetwork(): Network & { kill(): void } {
  const sockets = new Set<net.Socket>()
  const servers = new Set<net.Server>()
  let killed = false

  function track<S extends net.Socket>(socket: S): S {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    if (killed) socket.resetAndDestroy()
    return socket
  }

  /** One queue of connections that the system holds for us. */
  async function openQueue(
    address: Address,
    onConnection: (socket: Socket) => void,
    reusePort: boolean
  ): Promise<net.Server> {
    const server = net.createServer({ noDelay: true }, (socket) => {
      track(socket)
      onConnection(socket as Socket)
    })
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen({ ...address, backlog: LISTEN_BACKLOG, reusePort }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    servers.add(server)
    return server
  }

  /** `close` calls back once every connection ended; the door is shut as soon as it returns. */
  function shut(server: net.Server): void {
    servers.delete(server)
    server.close()
  }

  return {
    speaksTls: true,
    async listen(address, onConnection, { acceptsPerTurn = 1 } = {}) {
      const queues: net.Server[] = []
      let { port } = address
      if (acceptsPerTurn > 1 && CAN_SHARE_PORTS) {
        // Doors that share a port would not find out that another has it.
        port = await findUntaken(address)
        for (let count = 0; count < acceptsPerTurn; count += 1) {
          queues.push(await openQueue({ host: address.host, port }, onConnection, true))
        }
      } else {
        queues.push(await openQueue(address, onConnection, false))
        port = (queues[0]!.address() as net.AddressInfo).port
      }
      return {
        address: { host: address.host, port },
        async close() {
          queues.forEach(shut)
        }
      }
    },
    connect(address) {
      return track(net.connect({ port: address.port, host: address.host, noDelay: true })) as Socket
    },
    socket: () => track(new net.Socket()) as Socket,
    async resolve(host) {
      const { lookup } = await import('node:dns/promises')
      return (await lookup(host, { all: true })).map((found) => found.address)
    },
    kill() {
      killed = true
      for (const server of servers) server.close()
      for (const socket of sockets) socket.resetAndDestroy()
    }
  }
}

/**
 * The address's port, or a free one for port 0, once nobody has it: held alone for a moment, and let go of entirely.
 *
 * @throws an error with code EADDRINUSE when the port is taken
 */
async function findUntaken(address: Address): Promise<number> {
  const server = net.createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, resolve)
  })
  const { port } = server.address() as net.AddressInfo
  // Only when this calls back is the port free again.
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}
