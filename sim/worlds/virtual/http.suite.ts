import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { createHttpClient, DEFAULT_HTTP_SERVER_LIMITS, serveHttp } from '../../../node/runtime/index.ts'
import type {
  Clock,
  HttpClient,
  HttpServer,
  HttpServerLimits,
  Network,
  Socket
} from '../../../node/runtime/index.ts'

/** A world to prove the HTTP server and client in. */
export interface Ground {
  /** Host that the server listens on, as the client names it. */
  host: string
  server: { network: Network; clock: Clock }
  client: { network: Network; clock: Clock }
  /** Waits for what follows from what was sent. */
  settle<T>(promise: Promise<T>): Promise<T>
  /** Lets time go by on both clocks. */
  pass(ms: number): Promise<void>
  /** Waits until bytes that are on their way have arrived. */
  quiet(): Promise<void>
  killServer(): void
}

/** What the HTTP server and client of `node/runtime` do, in whichever world they run. */
export function describeHttp(name: string, createGround: () => Promise<Ground>): void {
  let closing: (() => Promise<void> | void)[] = []
  afterEach(async () => {
    for (const close of closing) await close()
    closing = []
  })

  async function start(
    handler: (request: IncomingMessage, response: ServerResponse) => void,
    limits: Partial<HttpServerLimits> = {},
    clientOptions: Parameters<typeof createHttpClient>[1] = {},
    isServedToTheEnd?: (request: IncomingMessage) => boolean
  ) {
    const ground = await createGround()
    let connections = 0
    const accepted: Socket[] = []
    const network: Network = {
      ...ground.server.network,
      listen: (address, onConnection) =>
        ground.server.network.listen(address, (socket) => {
          connections += 1
          accepted.push(socket)
          onConnection(socket)
        })
    }
    const server: HttpServer = await serveHttp(
      { network, clock: ground.server.clock },
      { host: ground.host, port: 0 },
      handler,
      { ...DEFAULT_HTTP_SERVER_LIMITS, ...limits },
      undefined,
      isServedToTheEnd
    )
    const client = createHttpClient(ground.client, clientOptions)
    const { port } = server.address
    closing.push(
      () => ground.killServer(),
      () => ground.settle(client.close())
    )
    return {
      ground,
      server,
      client,
      port,
      accepted,
      url: `http://${ground.host}:${port}/`,
      connections: () => connections
    }
  }

  /** A connection without any client on it: what was received so far, and when it ended. */
  function raw(ground: Ground, port: number) {
    const socket = ground.client.network.connect({ host: ground.host, port })
    closing.push(() => void socket.destroy())
    let text = ''
    let error: NodeJS.ErrnoException | undefined
    const waiting = new Set<() => void>()
    socket.on('data', (bytes: Buffer) => {
      text += bytes.toString()
      for (const check of waiting) check()
    })
    socket.on('error', (caught: NodeJS.ErrnoException) => (error = caught))
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
    return {
      socket,
      opened: new Promise<void>((resolve) => socket.once('connect', () => resolve())),
      closed,
      text: () => text,
      error: () => error,
      received: (part: string) =>
        new Promise<void>((resolve) => {
          const check = () => {
            if (!text.includes(part)) return
            waiting.delete(check)
            resolve()
          }
          waiting.add(check)
          check()
        })
    }
  }

  const post = (client: HttpClient, url: string, body = 'hello', timeoutMs = 5000) =>
    client.request({ method: 'POST', url, body, timeoutMs })

  describe(name, () => {
    test('requests follow each other on one connection, answers carry no date', async () => {
      const { ground, client, url, connections } = await start((request, response) => {
        request.on('data', () => undefined)
        request.on('end', () => response.end(`${request.method} ${request.url}`))
      })
      for (let index = 0; index < 3; index += 1) {
        const answer = await ground.settle(post(client, `${url}path?n=${index}`))
        expect(answer.status).toBe(200)
        expect(answer.body.toString()).toBe(`POST /path?n=${index}`)
        expect(answer.headers.date).toBeUndefined()
      }
      // The pool may open a second one, when the next request comes in the turn of the last answer.
      expect(connections()).toBeLessThanOrEqual(2)
    })

    test('a pool keeps to its limit of connections', async () => {
      const { ground, client, url, connections } = await start(
        (request, response) => void request.resume().on('end', () => response.end('ok')),
        {},
        { maxConnectionsPerOrigin: 2 }
      )
      const answers = await ground.settle(Promise.all(Array.from({ length: 8 }, () => post(client, url))))
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
      expect(connections()).toBe(2)
    })

    test.each(['reset', 'end'] as const)(
      'a POST is never sent twice: %s of a kept connection',
      async (how) => {
        const ground = await createGround()
        const bodies: string[] = []
        const listener = await ground.server.network.listen({ host: ground.host, port: 0 }, (socket) => {
          let requestsHere = 0
          socket.on('error', () => socket.destroy())
          socket.on('data', (bytes: Buffer) => {
            for (const body of bytes.toString().match(/body-\d/g) ?? []) {
              bodies.push(body)
              requestsHere += 1
              if (requestsHere === 1) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
              else if (how === 'reset') socket.resetAndDestroy()
              else socket.end()
            }
          })
        })
        const client = createHttpClient(ground.client, { maxConnectionsPerOrigin: 1 })
        closing.push(
          () => listener.close(),
          () => ground.killServer(),
          () => ground.settle(client.close())
        )
        const url = `http://${ground.host}:${listener.address.port}/`
        await ground.settle(post(client, url, 'body-1'))
        const [lost, queued] = await ground.settle(
          Promise.allSettled([post(client, url, 'body-2'), post(client, url, 'body-3')])
        )
        expect(lost).toMatchObject({ status: 'rejected', reason: { name: 'HttpClientError' } })
        // What had not been sent yet goes over the next connection.
        expect(queued).toMatchObject({ status: 'fulfilled' })
        expect(bodies).toEqual(['body-1', 'body-2', 'body-3'])
      }
    )

    test('refusals and resets come back as the system’s codes', async () => {
      const { ground, client, url, port, server } = await start(
        (_, response) => void response.socket!.resetAndDestroy()
      )
      expect(port).toBeGreaterThan(0)
      await expect(ground.settle(post(client, url))).rejects.toMatchObject({
        name: 'HttpClientError',
        code: /RESET|SOCKET/
      })
      await ground.settle(server.stop(0))
      await expect(ground.settle(post(client, url))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    })

    test('no answer in time, before the headers and in the middle of the body', async () => {
      let seen!: () => void
      const asked = new Promise<void>((resolve) => (seen = resolve))
      const { ground, client, url, accepted } = await start((_, response) => {
        seen()
        if (accepted.length > 1) response.write('some')
      })
      const silent = post(client, url, 'hello', 1000)
      const outcome = silent.catch((error: unknown) => error)
      await ground.settle(asked)
      await ground.pass(1001)
      expect(await ground.settle(outcome)).toMatchObject({ code: 'ETIMEDOUT' })

      const slow = post(client, url, 'hello', 1000).catch((error: unknown) => error)
      await ground.settle(until(() => accepted.length > 1))
      await ground.quiet()
      await ground.pass(1001)
      expect(await ground.settle(slow)).toMatchObject({ code: 'ETIMEDOUT' })
    })

    test('an answer that is too long is cut off', async () => {
      const { ground, client, url } = await start((_, response) => void response.end('x'.repeat(100_000)))
      const request = client.request({ method: 'GET', url, maxResponseBytes: 99_999 })
      await expect(ground.settle(request)).rejects.toMatchObject({ code: 'EMSGSIZE' })
      const whole = await ground.settle(client.request({ method: 'GET', url, maxResponseBytes: 100_000 }))
      expect(whole.body.length).toBe(100_000)
    })

    test('private addresses are refused when they have to be', async () => {
      const { ground, port } = await start((_, response) => void response.end())
      const client = createHttpClient(ground.client, { allowPrivateAddresses: false })
      closing.push(() => ground.settle(client.close()))
      const request = client.request({ method: 'GET', url: `http://127.0.0.1:${port}/` })
      await expect(ground.settle(request)).rejects.toMatchObject({ code: 'EPRIVATE' })
    })

    test('stopping: what runs is finished, what comes meanwhile gets 503, new connections are refused', async () => {
      let finish!: () => void
      const { ground, server, port, accepted } = await start((_, response) => {
        finish = () => response.end('finished')
      })
      const { socket, opened, received, text, closed } = raw(ground, port)
      await ground.settle(opened)
      socket.write('GET /1 HTTP/1.1\r\nHost: x\r\n\r\n')
      await ground.settle(until(() => finish !== undefined))
      const stopped = server.stop(10_000)
      const late = raw(ground, port)
      await ground.settle(late.closed)
      expect(late.error()).toMatchObject({ code: 'ECONNREFUSED' })
      socket.write('GET /2 HTTP/1.1\r\nHost: x\r\n\r\n')
      await ground.quiet()
      expect(accepted.length).toBe(1)
      finish()
      await ground.settle(received('503 Service Unavailable'))
      await ground.settle(stopped)
      await ground.settle(closed)
      expect(text()).toMatch(/finished[\s\S]*503/)
    })

    test('draining: what runs is finished, everything new gets 503, also over new connections, until it stops', async () => {
      let finish!: () => void
      const { ground, server, port } = await start((_, response) => {
        finish = () => response.end('finished')
      })
      const [running, idle] = [raw(ground, port), raw(ground, port)]
      await ground.settle(Promise.all([running.opened, idle.opened]))
      running.socket.write('GET /1 HTTP/1.1\r\nHost: x\r\n\r\n')
      await ground.settle(until(() => finish !== undefined))
      const drained = server.drain(10_000)
      const late = raw(ground, port)
      await ground.settle(late.opened)
      for (const { socket, received, closed, text } of [idle, late]) {
        socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody')
        await ground.settle(received('Server is in the process of restarting'))
        await ground.settle(closed)
        expect(text()).toMatch(/^HTTP\/1.1 503 Service Unavailable\r\nconnection: close\r\n/i)
      }
      finish()
      await ground.settle(drained)
      await ground.settle(running.received('finished'))
      // The connection stays, and says the same.
      running.socket.write('GET /2 HTTP/1.1\r\nHost: x\r\n\r\n')
      await ground.settle(running.received('503 Service Unavailable'))
      await ground.settle(server.stop(0))
      const tooLate = raw(ground, port)
      await ground.settle(tooLate.closed)
      expect(tooLate.error()).toMatchObject({ code: 'ECONNREFUSED' })
    })

    test('draining: what is served to the end is, each time over a connection of its own', async () => {
      const { ground, server, port } = await start(
        (_, response) => response.end('key'),
        {},
        {},
        ({ url }) => url === '/key'
      )
      await ground.settle(server.drain(10_000))
      for (const path of ['/key', '/other', '/key']) {
        const { socket, opened, closed, text } = raw(ground, port)
        await ground.settle(opened)
        socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
        await ground.settle(closed)
        expect(text()).toMatch(
          path === '/key' ? /^HTTP\/1.1 200 OK[\s\S]*connection: close[\s\S]*key/i : /^HTTP\/1.1 503 /
        )
      }
    })

    test('stopping: what takes longer than the grace is cut off', async () => {
      let seen!: () => void
      const asked = new Promise<void>((resolve) => (seen = resolve))
      const { ground, server, client, url } = await start(() => seen())
      const answer = post(client, url, 'x', 60_000).catch((error: unknown) => error)
      await ground.settle(asked)
      const stopped = server.stop(500)
      await ground.pass(501)
      await ground.settle(stopped)
      expect(await ground.settle(answer)).toMatchObject({ name: 'HttpClientError' })
    })

    test('limits: connections, headers, bodies that do not come, idle connections', async () => {
      const { ground, port } = await start(
        (request, response) => void request.resume().on('end', () => response.end('done')),
        {
          maxConnections: 2,
          maxHeaderBytes: 1000,
          requestTimeoutMs: 2000,
          keepAliveTimeoutMs: 5000
        }
      )
      const [one, two] = [raw(ground, port), raw(ground, port)]
      await ground.settle(Promise.all([one.opened, two.opened]))
      one.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      two.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await ground.settle(Promise.all([one.received('done'), two.received('done')]))
      const three = raw(ground, port)
      await ground.settle(three.closed)
      expect(three.error()).toMatchObject({ code: 'ECONNRESET' })

      one.socket.write(`GET / HTTP/1.1\r\nHost: x\r\nLong: ${'x'.repeat(2000)}\r\n\r\n`)
      await ground.settle(one.received('431'))
      await ground.settle(one.closed)

      two.socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345')
      await ground.quiet()
      await ground.pass(2001)
      await ground.settle(two.received('408 Request Timeout'))
      await ground.settle(two.closed)

      const idle = raw(ground, port)
      await ground.settle(idle.opened)
      idle.socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await ground.settle(idle.received('done'))
      await ground.quiet()
      await ground.pass(5001)
      await ground.settle(idle.closed)
    })

    test('a garbled request gets 400 and the connection ends', async () => {
      const { ground, port } = await start((_, response) => void response.end())
      const { socket, opened, received, closed } = raw(ground, port)
      await ground.settle(opened)
      socket.write('NOT HTTP\r\n\r\n')
      await ground.settle(received('400 Bad Request'))
      await ground.settle(closed)
    })

    test('a killed server resets its connections and never answers again', async () => {
      let seen!: () => void
      const asked = new Promise<void>((resolve) => (seen = resolve))
      const { ground, client, url } = await start((_, response) => {
        seen()
        void ground.server.clock.sleep(100).then(() => response.end('too late'))
      })
      const answer = post(client, url).catch((error: unknown) => error)
      await ground.settle(asked)
      ground.killServer()
      expect(await ground.settle(answer)).toMatchObject({ name: 'HttpClientError', code: /RESET|SOCKET/ })
      await expect(ground.settle(post(client, url))).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    })
  })
}

/** Looks again each turn of the event loop. */
function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const look = () => (condition() ? resolve() : void setImmediate(look))
    look()
  })
}
