import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { createSystemNetwork } from './network.ts'
import type { Socket } from './network.ts'

const networks: { kill(): void }[] = []
afterEach(() => {
  for (const network of networks.splice(0)) network.kill()
})

function create() {
  const network = createSystemNetwork()
  networks.push(network)
  return network
}

/** The error and the end of a socket. */
function ended(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let code: string | undefined
    socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code))
    socket.once('close', () => resolve(code))
  })
}

test('a free port is found, bytes pass both ways, a socket may connect by itself', async () => {
  const network = create()
  const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
    socket.on('data', (bytes: Buffer) => socket.end(`heard ${bytes.toString()}`))
  })
  expect(listener.address.port).toBeGreaterThan(0)
  const socket = network.socket().setNoDelay().connect(listener.address.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('hello')
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toBe('heard hello')
  await once(socket, 'close')
})

test('a port that is taken is refused by code, a closed door too; open connections stay', async () => {
  const network = create()
  const accepted: Socket[] = []
  const listener = await network.listen(
    { host: '127.0.0.1', port: 0 },
    (socket) => void accepted.push(socket)
  )
  await expect(network.listen(listener.address, () => undefined)).rejects.toMatchObject({
    code: 'EADDRINUSE'
  })
  const client = network.connect(listener.address)
  await once(client, 'connect')
  await listener.close()
  expect(await ended(network.connect(listener.address))).toBe('ECONNREFUSED')
  accepted[0]!.write('still here')
  expect(String(await once(client, 'data'))).toBe('still here')
})

test('a door that accepts many a turn is one door: taken for others, every connection comes in, closed as a whole', async () => {
  const network = create()
  const all = Promise.withResolvers<void>()
  let accepted = 0
  const listener = await network.listen(
    { host: '127.0.0.1', port: 0 },
    () => {
      accepted += 1
      if (accepted === 200) all.resolve()
    },
    { acceptsPerTurn: 16 }
  )
  await expect(network.listen(listener.address, () => undefined)).rejects.toMatchObject({
    code: 'EADDRINUSE'
  })
  await expect(
    network.listen(listener.address, () => undefined, { acceptsPerTurn: 16 })
  ).rejects.toMatchObject({ code: 'EADDRINUSE' })
  for (let count = 0; count < 200; count += 1) {
    network.connect(listener.address).on('error', (error) => all.reject(error))
  }
  await all.promise
  await listener.close()
  expect(await ended(network.connect(listener.address))).toBe('ECONNREFUSED')
})

test('kill resets what is open and shuts the doors', async () => {
  const [doomed, other] = [create(), create()]
  const accepted = Promise.withResolvers<void>()
  const listener = await doomed.listen({ host: '127.0.0.1', port: 0 }, () => accepted.resolve())
  const client = other.connect(listener.address)
  const end = ended(client)
  await accepted.promise
  doomed.kill()
  expect(await end).toBe('ECONNRESET')
  expect(await ended(other.connect(listener.address))).toBe('ECONNREFUSED')
})

test('a name stands for its addresses', async () => {
  const addresses = await create().resolve('localhost')
  expect(addresses.every((address) => address === '127.0.0.1' || address === '::1')).toBe(true)
  expect(addresses.length).toBeGreaterThan(0)
})
