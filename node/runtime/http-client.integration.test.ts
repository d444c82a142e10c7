import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttpClient, createSystemRuntime, serveHttp } from './index.ts'
import type { HttpServer, Runtime } from './index.ts'

/** What never ends, and what is too long. */
describe('an answer whose body is bad', () => {
  let runtime: Runtime
  let server: HttpServer

  beforeAll(async () => {
    runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
    server = await serveHttp(runtime, { host: '127.0.0.1', port: 0 }, (request, response) => {
      response.writeHead(200, { 'content-type': 'text/plain' })
      if (request.url === '/long') response.end('x'.repeat(5_000))
      else if (request.url === '/endless') response.write('x')
      else response.end('ok')
    })
  })
  afterAll(async () => {
    await server.stop(0)
    runtime.kill()
  })

  const ask = (path: string, isBodyIgnored: boolean) =>
    createHttpClient(runtime).request({
      method: 'POST',
      url: `http://127.0.0.1:${server.address.port}${path}`,
      timeoutMs: 300,
      maxResponseBytes: 1_000,
      isBodyIgnored
    })

  it('is an error', async () => {
    await expect(ask('/long', false)).rejects.toMatchObject({ code: 'EMSGSIZE' })
    await expect(ask('/endless', false)).rejects.toMatchObject({ code: 'ETIMEDOUT' })
    expect((await ask('/', false)).body.toString()).toBe('ok')
  })

  it('is its status alone where the body is ignored', async () => {
    for (const path of ['/long', '/endless', '/']) {
      expect(await ask(path, true), path).toMatchObject({ status: 200, body: Buffer.alloc(0) })
    }
  })
})
