import { beforeEach, describe, expect, test } from 'vitest'
import type { Socket } from '../../../node/runtime/index.ts'
import type { VirtualRuntime } from './runtime.ts'
import { WORLD_START_MS } from './scheduler.ts'
import { CONNECTION_WINDOW_BYTES } from './socket.ts'
import { createVirtualWorld } from './world.ts'
import type { VirtualWorld } from './world.ts'

let world: VirtualWorld
let acacia: VirtualRuntime
let baobab: VirtualRuntime

beforeEach(async () => {
  world = await createVirtualWorld({ seed: 'network', database: false, latencyMs: 5 })
  acacia = world.runtime('acacia', 'acacia')
  baobab = world.runtime('baobab', 'baobab')
})

/** What a socket does, as it does it, with the time. */
function record(socket: Socket): string[] {
  const events: string[] = []
  const note = (text: string) => events.push(`${world.nowMs() - WORLD_START_MS} ${text}`)
  socket.on('connect', () => note('connect'))
  socket.on('data', (bytes: Buffer) => note(`data ${bytes.toString()}`))
  socket.on('end', () => note('end'))
  socket.on('error', (error: NodeJS.ErrnoException) => note(`error ${error.code}`))
  socket.on('close', () => note('close'))
  return events
}

/** A door of acacia, and a connection of baobab through it. */
async function pair(onConnection?: (socket: Socket) => void) {
  let server: Socket | undefined
  await acacia.network.listen({ host: 'acacia', port: 80 }, (socket) => {
    server = socket
    onConnection?.(socket)
  })
  const client = baobab.network.connect({ host: 'acacia', port: 80 })
  const events = record(client)
  await world.run(() => events.length > 0)
  const opened = server!
  return { client, server: opened, clientEvents: events, serverEvents: record(opened) }
}

describe('opening', () => {
  test('takes a round trip; bytes take half of one, in order, in both directions', async () => {
    const { client, server, clientEvents, serverEvents } = await pair()
    client.write('one')
    client.write('two')
    server.write('three')
    client.end('four')
    await world.advance(100)
    expect(clientEvents).toEqual(['10 connect', '15 data three', '20 end', '20 close'])
    expect(serverEvents).toEqual(['15 data one', '15 data two', '15 data four', '15 end', '15 close'])
    expect([client.remoteAddress, server.remoteAddress]).toEqual(['203.0.113.2', '203.0.113.3'])
  })

  test('what is written before the connection stands is sent once it does', async () => {
    const heard: string[] = []
    await acacia.network.listen({ host: 'acacia', port: 80 }, (socket) => {
      socket.on('data', (bytes: Buffer) => heard.push(bytes.toString()))
    })
    const client = baobab.network.socket().connect(80, 'acacia')
    client.write('early')
    client.end()
    await world.advance(100)
    expect(heard).toEqual(['early'])
  })

  test('nobody listens, no such host, the port is taken', async () => {
    const refused = record(baobab.network.connect({ host: 'acacia', port: 81 }))
    expect(refused).toEqual([])
    const unknown = record(baobab.network.connect({ host: 'nowhere', port: 80 }))
    await world.advance(100)
    expect(refused).toEqual(['10 error ECONNREFUSED', '10 close'])
    expect(unknown).toEqual(['0 error ENOTFOUND', '0 close'])
    await expect(baobab.network.resolve('nowhere')).rejects.toMatchObject({ code: 'ENOTFOUND' })

    const listener = await acacia.network.listen({ host: 'acacia', port: 80 }, () => undefined)
    await expect(acacia.network.listen({ host: '0.0.0.0', port: 80 }, () => undefined)).rejects.toMatchObject(
      {
        code: 'EADDRINUSE'
      }
    )
    await expect(acacia.network.listen({ host: 'baobab', port: 80 }, () => undefined)).rejects.toMatchObject({
      code: 'EADDRNOTAVAIL'
    })
    await listener.close()
    await acacia.network.listen({ host: 'localhost', port: 80 }, () => undefined)
  })

  test('a host is found by name, by address and, by itself, as localhost', async () => {
    const listener = await acacia.network.listen({ host: 'acacia', port: 0 }, (socket) => socket.end('hello'))
    expect(listener.address.port).toBeGreaterThan(1023)
    const [address] = await baobab.network.resolve('acacia')
    const { port } = listener.address
    const all = [
      record(baobab.network.connect({ host: address!, port })),
      record(acacia.network.connect({ host: 'localhost', port })),
      record(baobab.network.connect({ host: 'localhost', port }))
    ]
    await world.advance(100)
    expect(all.map((events) => events.map((event) => event.replace(/\d+ /, '')).join(' '))).toEqual([
      'connect data hello end close',
      'connect data hello end close',
      'error ECONNREFUSED close'
    ])
  })
})

describe('ending', () => {
  test('resetAndDestroy: the other side gets what was sent before, then ECONNRESET', async () => {
    const { client, server, serverEvents } = await pair()
    client.write('last')
    client.resetAndDestroy()
    await world.advance(100)
    expect(serverEvents).toEqual(['15 data last', '15 error ECONNRESET', '15 close'])
    expect(server.destroyed).toBe(true)
  })

  test('one side may end while the other still talks, if it allows half-open connections', async () => {
    const { client, server, clientEvents, serverEvents } = await pair((socket) => {
      socket.allowHalfOpen = true
    })
    client.end('question')
    await world.run(() => serverEvents.includes('15 end'))
    server.end('answer')
    await world.advance(100)
    expect(clientEvents.slice(1)).toEqual(['20 data answer', '20 end', '20 close'])
    expect(serverEvents).toEqual(['15 data question', '15 end', '15 close'])
  })

  test('bytes to a side that is gone are answered with a reset', async () => {
    const { client, server, clientEvents } = await pair()
    server.destroy()
    client.allowHalfOpen = true
    await world.advance(5)
    client.write('anybody there?')
    await world.advance(100)
    expect(clientEvents.slice(1)).toEqual(['15 end', '25 error ECONNRESET', '25 close'])
  })

  test('ends with the world: sockets of dead processes too, and what is opened after it', async () => {
    const { client, server } = await pair()
    acacia.kill()
    const waiting = baobab.network.connect({ host: 'acacia', port: 80 })
    record(waiting)
    expect([client, server, waiting].map(({ destroyed }) => destroyed)).toEqual([false, false, false])
    world.network.end()
    expect([client, server, waiting].map(({ destroyed }) => destroyed)).toEqual([true, true, true])
    const late = baobab.network.connect({ host: 'acacia', port: 80 })
    const closed = new Promise((resolve) => late.once('close', resolve))
    await closed
    expect(late.destroyed).toBe(true)
  })

  test('a killed process resets its connections, hears nothing more, and its doors are shut', async () => {
    const { clientEvents, serverEvents, client } = await pair()
    let rang = false
    acacia.clock.setTimer(1, () => (rang = true))
    acacia.kill()
    client.write('still there?')
    await world.advance(100)
    expect(clientEvents.slice(1)).toEqual(['15 error ECONNRESET', '15 close'])
    expect(serverEvents).toEqual([])
    expect(rang).toBe(false)
    const later = record(baobab.network.connect({ host: 'acacia', port: 80 }))
    await world.advance(100)
    expect(later.at(-1)).toMatch(/close/)
    expect(later[0]).toMatch(/ECONNREFUSED/)

    const reborn = world.runtime('acacia', 'acacia')
    await reborn.network.listen({ host: 'acacia', port: 80 }, (socket) => socket.end('again'))
    const again = record(baobab.network.connect({ host: 'acacia', port: 80 }))
    await world.advance(100)
    expect(again.join()).toMatch(/data again/)
  })
})

describe('back-pressure', () => {
  test('a writer waits while the reader does not read, and nothing is lost', async () => {
    const { client, server } = await pair()
    server.pause()
    const chunk = Buffer.alloc(16_384, 'x')
    let written = 0
    const chunks = 64
    const writing = (async () => {
      for (let index = 0; index < chunks; index += 1) {
        if (!client.write(chunk, () => (written += chunk.length))) {
          await new Promise<void>((resolve) => client.once('drain', () => resolve()))
        }
      }
      client.end()
    })()
    await world.advance(1000)
    expect(written).toBeGreaterThanOrEqual(CONNECTION_WINDOW_BYTES)
    expect(written).toBeLessThan(CONNECTION_WINDOW_BYTES + 2 * 65_536)

    let received = 0
    server.removeAllListeners('data')
    server.on('data', (bytes: Buffer) => (received += bytes.length))
    server.resume()
    await world.run(writing)
    await world.advance(1000)
    expect(received).toBe(chunks * chunk.length)
  })

  test('a buffer may be used again as soon as its write is done', async () => {
    const { client, serverEvents } = await pair()
    const buffer = Buffer.from('first')
    await world.run(new Promise<void>((resolve) => client.write(buffer, () => resolve())))
    buffer.write('other')
    await world.advance(100)
    expect(serverEvents).toEqual(['15 data first'])
  })
})

test('socket timeouts follow the world’s clock and start anew with every byte', async () => {
  const { client, server, clientEvents } = await pair()
  const fired: number[] = []
  client.setTimeout(100, () => fired.push(world.nowMs() - WORLD_START_MS))
  await world.advance(60)
  server.write('x')
  await world.advance(300)
  expect(fired).toEqual([175])
  expect(clientEvents).toContain('75 data x')
})
