import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freePort } from '../services/free-ports.ts'
import { createRunDirectory } from '../worlds/local/run-directory.ts'
import type { RunDirectory } from '../worlds/local/run-directory.ts'
import { startFrontendProcess } from './frontend-process.ts'
import type { FrontendProcess } from './frontend-process.ts'

const ui = inject('adminUi')

/** What a browser does not show of the server behind the pages. */
describe.skipIf('missing' in ui)('the server of the admin UI', () => {
  const { acacia } = ui as Exclude<typeof ui, { missing: string }>
  let run: RunDirectory
  let frontend: FrontendProcess
  const environment = () => ({ GRAPHQL_URL: acacia.graphqlUrl, OPEN_PAYMENTS_URL: acacia.openPaymentsUrl })
  beforeAll(async () => {
    run = createRunDirectory()
    frontend = startFrontendProcess(run, 'frontend', {
      ...environment(),
      PORT: String(await freePort()),
      NODE_ENV: 'production'
    })
    await frontend.process.started
  })
  afterAll(async () => {
    await frontend.process.end('SIGKILL')
    run.remove()
  })

  it('answers /healthz', async () => {
    expect((await fetch(`${frontend.url}/healthz`)).status).toBe(200)
  })

  it('sends its headers with every page, also with one that is not there', async () => {
    for (const [path, status] of [
      ['/', 200],
      ['/no-such-page', 404]
    ] as const) {
      const { headers, status: answered } = await fetch(frontend.url + path)
      expect(answered).toBe(status)
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self' 'nonce-/)
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('referrer-policy')).toBe('same-origin')
      expect(headers.get('strict-transport-security')).toMatch(/max-age/)
      expect(headers.get('set-cookie')).toMatch(/__session=.*HttpOnly; SameSite=Lax; .*Secure/)
    }
  })

  it('refuses a form without its token, one of another site, one that is too long, and one without a length', async () => {
    const send = (headers: Record<string, string>, body: BodyInit, more: RequestInit = {}) =>
      fetch(`${frontend.url}/?index`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body,
        redirect: 'manual',
        ...more
      })
    expect((await send({}, 'intent=save&tenantId=x&apiSecret=y')).status).toBe(403)
    expect((await send({ origin: 'https://evil.invalid' }, 'intent=clear')).status).toBe(403)
    expect((await send({ 'sec-fetch-site': 'cross-site' }, 'intent=clear')).status).toBe(403)
    expect((await send({}, 'x'.repeat(600_000))).status).toBe(413)
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('intent=clear'))
        controller.close()
      }
    })
    expect((await send({}, stream, { duplex: 'half' } as RequestInit)).status).toBe(411)
  })

  it('names the port that is taken, and ends', async () => {
    const taken = createServer()
    taken.listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const second = startFrontendProcess(run, 'second', { ...environment(), PORT: String(port) })
    await expect(second.process.started).rejects.toThrow(`PORT ${port} is in use`)
    taken.close()
  })

  it('ends in order by SIGTERM', async () => {
    const other = startFrontendProcess(run, 'other', { ...environment(), PORT: String(await freePort()) })
    await other.process.started
    await other.process.end('SIGTERM')
    expect(await other.process.ended).toMatch(/exit status 0/)
  })
})
