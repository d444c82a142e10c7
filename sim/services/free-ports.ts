import { randomInt } from 'node:crypto'
import net from 'node:net'

/**
 * Below the range that systems take the ports of outgoing connections from (32768 on Linux, 49152 elsewhere): a
 * port from there may be gone again between being found free and being listened on.
 */
const FIRST_PORT = 10_240
const LAST_PORT = 32_767
const MAX_TRIES_PER_PORT = 100

/**
 * Ports of 127.0.0.1 that nothing listens on, all different.
 *
 * @throws Error when hardly any is free
 */
export async function freePorts(count: number): Promise<number[]> {
  const held = new Map<number, net.Server>()
  try {
    for (let tries = 0; held.size < count; tries++) {
      if (tries === count * MAX_TRIES_PER_PORT)
        throw new Error(`there are no ${count} free ports on 127.0.0.1`)
      const port = randomInt(FIRST_PORT, LAST_PORT + 1)
      const server = held.has(port) ? undefined : await listen(port)
      if (server) held.set(port, server)
    }
    return [...held.keys()]
  } finally {
    await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

export async function freePort(): Promise<number> {
  return (await freePorts(1))[0]!
}

/** Undefined where somebody listens already. */
function listen(port: number): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(undefined)
      else reject(error)
    })
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
}
