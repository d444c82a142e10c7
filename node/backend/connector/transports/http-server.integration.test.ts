import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createFulfill, createReject, decodeReply, encodePrepare, encodeReply } from '../../../ilp/index.ts'
import type { IlpPrepare, IlpReply } from '../../../ilp/index.ts'
import { createLogger, createManualClock, createSystemNetwork } from '../../../runtime/index.ts'
import type { HttpServer, ManualClock, Network, Socket } from '../../../runtime/index.ts'
import type { Peer } from '../../peers/model.ts'
import { prepareOf, secretOf } from '../connector.test-support.ts'
import type { Connector } from '../model.ts'
import { createOrphans } from '../orphans.ts'
import { DEFAULT_CONNECTOR_SERVER_LIMITS, createConnectorServer } from './http-server.ts'

// Real sockets on the node's side and ours; time passes when a test says so.

const logger = createLogger({ name: 'test', level: 'silent' })
const KEEP_ALIVE_MS = 400
const REQUEST_MS = 300
const REFUSAL = encodeReply(createReject('T03', { triggeredBy: 'test.node', message: 'busy' }))
const FULFILL = encodeReply(createFulfill(secretOf(1).fulfillment))

let clock: ManualClock
let server: HttpServer
let handle: (prepare: IlpPrepare) => Promise<IlpReply>
let refusal: Buffer | undefined
let restMs: number
let handled: number
/** The node's ends of connections, in order, and who waits for the next. */
let accepted: Socket[]
let onAccepted: (() => void) | undefined
/** Who waits for the headers of a request. */
let onAsked: (() => void) | undefined
const opened: net.Socket[] = []

beforeEach(async () => {
  clock = createManualClock()
  handled = 0
  refusal = undefined
  restMs = 0
  accepted = []
  handle = async () => createFulfill(secretOf(1).fulfillment)
  const system = createSystemNetwork()
  const network: Network = {
    ...system,
    listen: (address, onConnection, options) =>
      system.listen(
        address,
        (socket) => {
          onConnection(socket)
          accepted.push(socket)
          onAccepted?.()
        },
        options
      )
  }
  const peer = { id: 'peer' } as Peer
  const connector: Pick<Connector, 'door' | 'handle' | 'orphans'> = {
    orphans: createOrphans({ clock, logger, maxListed: 10 }),
    door: { refuseUnread: () => refusal, restMs: () => restMs },
    handle: (_peer, prepare) => {
      handled += 1
      return handle(prepare)
    }
  }
  server = await createConnectorServer(
    {
      connector: connector as Connector,
      peers: {
        byIncomingToken(token) {
          onAsked?.()
          return token === 'secret' ? peer : undefined
        }
      },
      network,
      clock,
      logger
    },
    { host: '127.0.0.1', port: 0 },
    {
      limits: {
        ...DEFAULT_CONNECTOR_SERVER_LIMITS,
        keepAliveTimeoutMs: KEEP_ALIVE_MS,
        requestTimeoutMs: REQUEST_MS
      }
    }
  )
})

afterEach(async () => {
  for (const socket of opened.splice(0)) socket.destroy()
  await server.stop(0)
})

/** A connection that the node has accepted. `end` resolves with everything that it said. */
async function connect() {
  const isAccepted = new Promise<void>((resolve) => (onAccepted = resolve))
  const socket = net.connect(server.address.port, '127.0.0.1')
  opened.push(socket)
  socket.on('error', () => undefined)
  let heard = ''
  const waiting: (() => void)[] = []
  socket.on('data', (bytes) => {
    heard += bytes.toString('latin1')
    for (const wake of waiting.splice(0)) wake()
  })
  const end = new Promise<string>((resolve) => socket.once('close', () => resolve(heard)))
  await isAccepted
  const there = accepted.at(-1)!
  return {
    socket,
    there,
    end,
    write: (text: string) =>
      new Promise<void>((resolve) => void socket.write(text, 'latin1', () => resolve())),
    async answers(count: number): Promise<string> {
      while (heard.split('HTTP/1.1 ').length - 1 < count)
        await new Promise<void>((wake) => waiting.push(wake))
      return heard
    }
  }
}

const body = () => encodePrepare(prepareOf(clock, 1, { destination: 'test.x' })).toString('latin1')
const headers = (length: number) =>
  'POST / HTTP/1.1\r\nhost: x\r\nauthorization: Bearer secret\r\n' +
  `content-type: application/octet-stream\r\ncontent-length: ${length}\r\n\r\n`
const request = () => headers(body().length) + body()

describe('a connection of the connector’s server', () => {
  it('that says nothing is closed when its time is over, not before', async () => {
    const { end, there } = await connect()
    await clock.advance(KEEP_ALIVE_MS - 1)
    expect(there.destroyed).toBe(false)
    await clock.advance(1)
    expect(await end).toBe('')
  })

  it('that never ends its headers is closed: dripping wins no time', async () => {
    const { end, write, there } = await connect()
    for (const piece of ['POST / HTTP/1.1\r\n', 'host: x\r\n', 'a: b\r\n']) {
      await write(piece)
      await clock.advance(KEEP_ALIVE_MS / 4)
    }
    expect(there.destroyed).toBe(false)
    await clock.advance(KEEP_ALIVE_MS / 4)
    expect(await end).toBe('')
  })

  it('that never ends its body is answered 408 and closed', async () => {
    const { end, write } = await connect()
    const asked = new Promise<void>((resolve) => (onAsked = resolve))
    await write(headers(1_000) + 'abc')
    await asked
    await clock.advance(REQUEST_MS)
    expect(await end).toContain('HTTP/1.1 408 Request Timeout')
    expect(handled).toBe(0)
  })

  it('whose packet is being carried is not cut off, however long that takes', async () => {
    const arrived = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    handle = async () => {
      arrived.resolve()
      await release.promise
      return createFulfill(secretOf(1).fulfillment)
    }
    const { write, answers } = await connect()
    await write(request())
    await arrived.promise
    await clock.advance(10 * (KEEP_ALIVE_MS + REQUEST_MS))
    release.resolve()
    expect(await answers(1)).toContain('200 OK')
  })

  it('that was answered may rest its time, and is closed after it', async () => {
    const { write, answers, end, there } = await connect()
    await write(request())
    await answers(1)
    await clock.advance(KEEP_ALIVE_MS - 1)
    expect(there.destroyed).toBe(false)
    await write(request())
    await answers(2)
    await clock.advance(KEEP_ALIVE_MS)
    await end
    expect(handled).toBe(2)
  })
})

describe('a packet that is too much', () => {
  it('is answered with the Reject, without being read', async () => {
    refusal = REFUSAL
    const { write, answers } = await connect()
    await write(headers(20) + 'this is not a packet')
    const heard = await answers(1)
    expect(heard).toContain('200 OK')
    expect(heard.slice(heard.indexOf('\r\n\r\n') + 4)).toBe(REFUSAL.toString('latin1'))
    expect(decodeReply(REFUSAL)).toMatchObject({ code: 'T03' })
    expect(handled).toBe(0)
  })

  it('makes its connection rest: the next one is read when its turn comes, and not lost', async () => {
    refusal = REFUSAL
    restMs = 100
    const { write, answers, there } = await connect()
    const rests = new Promise((resolve) => there.once('pause', resolve))
    await write(request())
    await answers(1)
    await rests
    refusal = undefined
    await write(request())
    // Another one, written later, is answered meanwhile.
    const other = await connect()
    await other.write(request())
    await other.answers(1)
    expect(handled).toBe(1)
    await clock.advance(restMs)
    expect(await answers(2)).toContain(FULFILL.toString('latin1'))
    expect(handled).toBe(2)
  })

  it('of one peer makes no other connection rest', async () => {
    refusal = REFUSAL
    restMs = 1_000
    const one = await connect()
    const rests = new Promise((resolve) => one.there.once('pause', resolve))
    await one.write(request())
    await rests
    refusal = undefined
    restMs = 0
    const other = await connect()
    await other.write(request())
    expect(await other.answers(1)).toContain(FULFILL.toString('latin1'))
  })
})
