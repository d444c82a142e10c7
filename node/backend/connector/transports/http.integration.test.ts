import net from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  MAX_PREPARE_BYTES,
  MAX_REPLY_BYTES,
  createFulfill,
  encodePrepare,
  encodeReply
} from '../../../ilp/index.ts'
import type { IlpPrepare, IlpReply } from '../../../ilp/index.ts'
import {
  serveHttp,
  createHttpClient,
  createSystemClock,
  createSystemNetwork,
  createLogger
} from '../../../runtime/index.ts'
import type { HttpClient, HttpServer } from '../../../runtime/index.ts'
import type { Peer } from '../../peers/model.ts'
import { prepareOf, secretOf } from '../connector.test-support.ts'
import type { Connector, Door } from '../model.ts'
import { createOrphans } from '../orphans.ts'
import type { Orphans } from '../orphans.ts'
import type { Transport } from '../transport.ts'
import { createHttpTransport } from './http-client.ts'
import { createConnectorServer, createPacketHandler } from './http-server.ts'

const clock = createSystemClock()
const network = createSystemNetwork()
const logger = createLogger({ name: 'test', level: 'silent' })
/** Of a connector that is never asked for too much. */
const OPEN_DOOR: Door = { refuseUnread: () => undefined, restMs: () => 0 }

describe('the receiving side', () => {
  const peer = { id: 'peer-1' } as Peer
  let server: HttpServer
  let url: string
  let orphans: Orphans
  let handled: IlpPrepare[]
  let reply: (prepare: IlpPrepare) => Promise<IlpReply>

  beforeEach(async () => {
    handled = []
    reply = async () => createFulfill(secretOf(1).fulfillment, Buffer.from('hello'))
    orphans = createOrphans({ clock, logger, maxListed: 10 })
    const connector = {
      orphans,
      door: OPEN_DOOR,
      handle: (from: Peer, prepare: IlpPrepare) => {
        expect(from).toBe(peer)
        handled.push(prepare)
        return reply(prepare)
      }
    } as unknown as Connector
    server = await createConnectorServer(
      {
        connector,
        peers: { byIncomingToken: (token) => (token === 'secret' ? peer : undefined) },
        network,
        clock,
        logger
      },
      { host: '127.0.0.1', port: 0 }
    )
    url = `http://127.0.0.1:${server.address.port}/any/path?x`
  })
  afterEach(() => server.stop(0))

  const headers = { authorization: 'Bearer secret', 'content-type': 'application/octet-stream' }
  const bytes = () => new Uint8Array(encodePrepare(prepareOf(clock, 1, { destination: 'test.x' })))
  const post = (init: RequestInit) => fetch(url, { method: 'POST', ...init })

  it('answers a Prepare with a Fulfill: 200, octet-stream', async () => {
    const response = await post({ headers, body: bytes() })
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/octet-stream')
    expect(Buffer.from(await response.arrayBuffer())).toEqual(
      encodeReply({ type: 'fulfill', fulfillment: secretOf(1).fulfillment, data: Buffer.from('hello') })
    )
    expect(handled).toHaveLength(1)
  })

  it('takes packets at any path', async () => {
    for (const path of ['', 'ilp', 'ilp/a?b=c']) {
      const response = await fetch(new URL(path, url), { method: 'POST', headers, body: bytes() })
      expect([path, response.status]).toEqual([path, 200])
      await response.arrayBuffer()
    }
  })

  it('takes the content type of ilp-plugin-http as well', async () => {
    const response = await post({
      headers: { ...headers, 'content-type': 'application/ilp+octet-stream' },
      body: bytes()
    })
    expect(response.status).toBe(200)
  })

  it.each([
    [{ 'content-type': 'application/octet-stream' }, 401, 'Bearer token required in Authorization header'],
    [{ ...headers, authorization: 'Basic secret' }, 401, 'Bearer token required in Authorization header'],
    [{ ...headers, authorization: 'Bearer other' }, 401, 'Access Denied - Invalid Token'],
    [
      { ...headers, 'content-type': 'application/json' },
      400,
      'Expected Content-Type of application/octet-stream'
    ]
  ])('refuses %o with %i', async (wrong, status, text) => {
    const response = await post({ headers: wrong, body: bytes() })
    expect(response.status).toBe(status)
    expect(await response.text()).toBe(text)
    expect(handled).toEqual([])
  })

  it.each([
    Buffer.alloc(0),
    Buffer.from('nonsense'),
    encodePrepare(prepareOf(clock, 1, { destination: 'test.x' })).subarray(0, 50),
    encodeReply(createFulfill(Buffer.alloc(32)))
  ])('refuses a body that is no Prepare: 400, and goes on (%#)', async (body) => {
    const response = await post({ headers, body: new Uint8Array(body) })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_packet' } })
    expect((await post({ headers, body: bytes() })).status).toBe(200)
  })

  it('refuses too long a body: 413, by its announced and by its real length', async () => {
    const announced = await post({ headers, body: new Uint8Array(MAX_PREPARE_BYTES + 1) })
    expect(announced.status).toBe(413)
    expect(await announced.json()).toMatchObject({ error: { code: 'packet_too_large' } })
    const stream = new ReadableStream({
      pull(controller) {
        controller.enqueue(new Uint8Array(8_192))
      }
    })
    const streamed = await post({ headers, body: stream, duplex: 'half' } as RequestInit).then(
      (response) => response.status,
      () => 'connection closed'
    )
    expect([413, 'connection closed']).toContain(streamed)
    expect(handled).toEqual([])
  })

  it('refuses other methods: 405', async () => {
    const response = await fetch(url, { headers })
    expect(response.status).toBe(405)
    expect(response.headers.get('allow')).toBe('POST')
  })

  it('lists a Fulfill whose upstream hung up before it could be written', async () => {
    const arrived = Promise.withResolvers<void>()
    const hungUp = Promise.withResolvers<void>()
    reply = async () => {
      arrived.resolve()
      await hungUp.promise
      return createFulfill(secretOf(1).fulfillment)
    }
    const recorded = Promise.withResolvers<void>()
    const handler = createPacketHandler({
      connector: {
        door: OPEN_DOOR,
        handle: (_peer: Peer, prepare: IlpPrepare) => reply(prepare),
        orphans: {
          ...orphans,
          record(orphan) {
            orphans.record(orphan)
            recorded.resolve()
          }
        }
      } as Connector,
      peers: { byIncomingToken: () => peer },
      clock,
      logger
    })
    const watched = await serveHttp(
      { network, clock },
      { host: '127.0.0.1', port: 0 },
      (request, response) => {
        response.once('close', () => hungUp.resolve())
        handler(request, response)
      }
    )
    const abort = new AbortController()
    const response = fetch(`http://127.0.0.1:${watched.address.port}/`, {
      method: 'POST',
      headers,
      body: bytes(),
      signal: abort.signal
    })
    await arrived.promise
    abort.abort()
    await expect(response).rejects.toThrow()
    await recorded.promise
    expect(orphans.list()).toMatchObject([
      { cause: 'answer_undelivered', direction: 'upstream', peerId: 'peer-1', amount: 100n }
    ])
    await watched.stop(0)
  })
})

describe('the sending side', () => {
  let far: net.Server
  let client: HttpClient
  let transport: Transport
  /** Requests that the far end has read, over all connections. */
  let requests: number
  let connections: number
  /** What the far end does with the n-th request. */
  let onRequest: (socket: net.Socket, request: number) => void
  let peer: Peer

  const answer = (socket: net.Socket, body: Buffer, status = '200 OK') =>
    socket.write(
      Buffer.concat([
        Buffer.from(`HTTP/1.1 ${status}\r\ncontent-length: ${body.length}\r\nconnection: keep-alive\r\n\r\n`),
        body
      ])
    )
  const fulfill = encodeReply(createFulfill(secretOf(1).fulfillment))
  const bytes = () => encodePrepare(prepareOf(clock, 1, { destination: 'test.x' }))
  const send = (giveUpInMs = 5_000) => {
    const giveUpAtMs = clock.nowMs() + giveUpInMs
    return transport.send(peer, bytes(), { expiresAtMs: giveUpAtMs, giveUpAtMs })
  }

  beforeEach(async () => {
    requests = 0
    connections = 0
    onRequest = (socket) => void answer(socket, fulfill)
    far = net.createServer((socket) => {
      connections += 1
      socket.on('error', () => socket.destroy())
      let received = Buffer.alloc(0)
      socket.on('data', (chunk) => {
        received = Buffer.concat([received, chunk])
        for (;;) {
          const end = received.indexOf('\r\n\r\n')
          const length = Number(/content-length: (\d+)/i.exec(received.toString('latin1'))?.[1] ?? 0)
          if (end < 0 || received.length < end + 4 + length) return
          received = received.subarray(end + 4 + length)
          requests += 1
          onRequest(socket, requests)
        }
      })
    })
    await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', resolve))
    const { port } = far.address() as net.AddressInfo
    client = createHttpClient({ network, clock }, { maxConnectionsPerOrigin: 2 })
    transport = createHttpTransport({ httpClient: client, clock })
    peer = { http: { outgoing: { endpoint: `http://127.0.0.1:${port}/ilp`, authToken: 't' } } } as Peer
  })
  afterEach(async () => {
    await transport.close()
    far.close()
  })

  it('carries packets over kept connections', async () => {
    for (let index = 0; index < 9; index += 1) {
      expect(await send()).toEqual({ kind: 'answer', bytes: fulfill })
    }
    expect(connections).toBeLessThanOrEqual(2)
  })

  it('a refused connection: not sent, T01', async () => {
    const { port } = far.address() as net.AddressInfo
    await new Promise((resolve) => far.close(resolve))
    peer = { http: { outgoing: { endpoint: `http://127.0.0.1:${port}/`, authToken: 't' } } } as Peer
    expect(await send()).toMatchObject({ kind: 'notSent', code: 'T01' })
  })

  it('an endpoint that is no URL: not sent', async () => {
    peer = { http: { outgoing: { endpoint: 'nonsense', authToken: 't' } } } as Peer
    expect(await send()).toMatchObject({ kind: 'notSent', code: 'T01' })
  })

  it('reset after the request was read: lost, and never sent again', async () => {
    onRequest = (socket) => void socket.resetAndDestroy()
    expect(await send()).toMatchObject({ kind: 'lost', code: 'T01' })
    expect(requests).toBe(1)
  })

  it('a kept connection that is reset under the next request: never sent again', async () => {
    // The far end resets the kept connection the moment anything more arrives on it, read or not.
    onRequest = (socket, request) => {
      if (request > 1) return void socket.resetAndDestroy()
      answer(socket, fulfill)
    }
    expect((await send()).kind).toBe('answer')
    expect(await send()).toMatchObject({ kind: 'lost' })
    expect(requests).toBe(2)
    onRequest = (socket) => void answer(socket, fulfill)
    expect((await send()).kind).toBe('answer')
    expect(requests).toBe(3)
  })

  it('a kept connection that the far end closed before it read: at most one request arrives', async () => {
    onRequest = (socket) => {
      answer(socket, fulfill)
      socket.resetAndDestroy()
    }
    const outcomes = []
    for (let index = 0; index < 20; index += 1) outcomes.push((await send()).kind)
    // Every request arrived at most once: what was lost was not repeated.
    expect(requests).toBeLessThanOrEqual(outcomes.length)
    expect(requests).toBeGreaterThanOrEqual(outcomes.filter((kind) => kind === 'answer').length)
  })

  it('an answer that breaks off, is too long, or comes with another status', async () => {
    onRequest = (socket) => void socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort')
    expect(await send()).toMatchObject({ kind: 'lost' })
    onRequest = (socket) => void answer(socket, Buffer.alloc(MAX_REPLY_BYTES + 1))
    expect(await send()).toMatchObject({ kind: 'lost', code: 'T00' })
    for (const [status, expected] of [
      ['401 Unauthorized', { kind: 'notSent', code: 'T01' }],
      ['404 Not Found', { kind: 'notSent', code: 'T01' }],
      ['302 Found', { kind: 'notSent', code: 'T01' }],
      ['429 Too Many Requests', { kind: 'notSent', code: 'T02' }],
      ['503 Service Unavailable', { kind: 'notSent', code: 'T00' }],
      ['500 Internal Server Error', { kind: 'lost', code: 'T00' }],
      ['502 Bad Gateway', { kind: 'lost', code: 'T00' }]
    ] as const) {
      onRequest = (socket) => void answer(socket, Buffer.from('sorry'), status)
      expect(await send()).toMatchObject(expected)
    }
  })

  it('gives up in time: lost when it was written, not sent when it was still waiting', async () => {
    onRequest = () => undefined
    const outcomes = await Promise.all([send(700), send(700), send(700)])
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual(['lost', 'lost', 'notSent'])
    expect(requests).toBe(2)
    // The one that waited does not go out later.
    onRequest = (socket) => void answer(socket, fulfill)
    expect((await send()).kind).toBe('answer')
    expect(requests).toBe(3)
  })
})
