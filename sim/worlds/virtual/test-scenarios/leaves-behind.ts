import { createHttpClient, serveHttp } from '../../../../node/runtime/index.ts'
import type { VirtualWorld } from '../world.ts'

export interface LeavesBehind {
  what: 'a global' | 'a listener' | 'timers and connections' | 'nothing, but throws'
}

/** Ends, and leaves something to the world that is next in this process. */
export default async function leavesBehind(world: VirtualWorld, { what }: LeavesBehind): Promise<string> {
  if (what === 'a global') Object.assign(globalThis, { leftByTheLastWorld: true })
  if (what === 'a listener') process.on('warning', () => undefined)
  if (what === 'nothing, but throws') throw new Error('as it was asked to')
  if (what === 'timers and connections') await leaveAtWork(world)
  return `left ${what}`
}

/** A service that answers never and a client that waits for it, with timers of their own that come again and again. */
async function leaveAtWork(world: VirtualWorld): Promise<void> {
  const server = world.runtime('server', 'server')
  const client = world.runtime('client', 'client')
  const asked = new Promise<void>((resolve) => {
    void server.run(() => serveHttp(server, { host: 'server', port: 80 }, () => resolve()))
  })
  client.run(() => {
    setInterval(() => void fetch('http://server/'), 5)
    createHttpClient(client)
      .request({ method: 'GET', url: 'http://server/' })
      .catch(() => undefined)
  })
  await asked
}
