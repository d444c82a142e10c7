import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createSessions } from '../../node/frontend/index.ts'
import { startChromium } from '../services/chromium.ts'
import { freePort } from '../services/free-ports.ts'
import { createRunDirectory } from '../worlds/local/run-directory.ts'
import type { RunDirectory } from '../worlds/local/run-directory.ts'
import { findAccessibilityFaults, openOperatorWindow, openWindow, signIn } from './browser.ts'
import { startFrontendProcess } from './frontend-process.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('access to the admin UI', () => {
  const { acacia } = ui as Exclude<typeof ui, { missing: string }>
  const credentials = { tenantId: acacia.operatorTenantId, apiSecret: acacia.adminApiSecret }
  let browser: Browser
  let run: RunDirectory
  beforeAll(async () => {
    browser = await startChromium()
    run = createRunDirectory()
  })
  afterAll(async () => {
    await browser.close()
    run.remove()
  })

  async function startUi(name: string, environment: Record<string, string>) {
    const frontend = startFrontendProcess(run, name, {
      PORT: String(await freePort()),
      GRAPHQL_URL: acacia.graphqlUrl,
      OPEN_PAYMENTS_URL: acacia.openPaymentsUrl,
      ...environment
    })
    await frontend.process.started
    return frontend
  }

  it('asks for credentials first, and goes on to the page that was wanted', async () => {
    const window = await openWindow(browser, acacia.url)
    const { page } = window
    await page.goto('/assets?first=5')
    await page.getByLabel('Tenant ID').fill(credentials.tenantId)
    await page.getByLabel('API secret').fill(credentials.apiSecret)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL('**/assets?first=5')
    expect(window.faults).toEqual([])
    await window.close()
  })

  it('refuses wrong credentials in words, and never shows the secret again', async () => {
    for (const javaScriptEnabled of [true, false]) {
      const window = await openWindow(browser, acacia.url, { javaScriptEnabled })
      const { page } = window
      await page.goto('/')
      await page.getByLabel('Tenant ID').fill(credentials.tenantId)
      await page.getByLabel('API secret').fill('a secret that is wrong')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.getByText('The node refused these credentials').waitFor()
      if (!javaScriptEnabled) expect(await page.content()).not.toContain('a secret that is wrong')
      expect(await page.getByRole('link', { name: 'Assets' }).count()).toBe(0)
      await window.close()
    }
  })

  it('ends when the session’s time is over: the home page says so, and leads back', async () => {
    const secret = 'a secret of thirty-two characters'
    const frontend = await startUi('expiring', { SESSION_SECRET: secret })
    const window = await openWindow(browser, frontend.url)
    const { page } = window
    // As it was two days ago, with the lifetime of an hour.
    const sessions = createSessions(
      { secret, lifetimeSeconds: 3_600, isSecure: false, isFlashSecure: false },
      () => Date.now() - 2 * 86_400_000
    )
    const cookie = sessions.commit(
      sessions.renewed({
        csrfToken: 'x',
        expiresAtMs: 0,
        credentials: { ...credentials, isOperator: true }
      })
    )
    await page
      .context()
      .addCookies([{ name: '__session', value: /__session=([^;]*)/.exec(cookie)![1]!, url: frontend.url }])
    await page.goto('/assets?first=3')
    await page.getByText('The session has ended: give the credentials again.').waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
    await page.getByLabel('Tenant ID').fill(credentials.tenantId)
    await page.getByLabel('API secret').fill(credentials.apiSecret)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL('**/assets?first=3')
    const cookies = await page.context().cookies()
    expect(cookies.find(({ name }) => name === '__session')).toMatchObject({
      httpOnly: true,
      sameSite: 'Lax'
    })
    await frontend.process.end('SIGTERM')
    expect(window.faults).toEqual([])
    await window.close()
  })

  it('tells that the node is down on the page and on the form, and goes on once it is up', async () => {
    const door = createServer((incoming, response) => {
      const forwarded = request(
        acacia.graphqlUrl,
        { method: incoming.method!, headers: incoming.headers },
        (answer) => {
          response.writeHead(answer.statusCode!, answer.headers)
          answer.pipe(response)
        }
      )
      incoming.pipe(forwarded)
    })
    const listen = (port: number) => new Promise<void>((resolve) => door.listen(port, '127.0.0.1', resolve))
    await listen(0)
    const { port } = door.address() as AddressInfo
    const closeDoor = () =>
      new Promise<void>((resolve) => {
        door.close(() => resolve())
        door.closeAllConnections()
      })
    const frontend = await startUi('node-down', { GRAPHQL_URL: `http://127.0.0.1:${port}/graphql` })
    const window = await openWindow(browser, frontend.url)
    await signIn(window, credentials)
    const { page } = window
    await page.goto('/assets/create')
    await page.getByLabel('Code').fill('DWN')
    await page.getByLabel('Scale').fill('2')
    await closeDoor()
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: 'The node does not answer' }).waitFor()
    expect((await page.goto('/peers'))!.status()).toBe(502)
    await page.getByText('Start it, or correct GRAPHQL_URL').waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
    await listen(port)
    await page.getByRole('link', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'Peers', level: 1 }).waitFor()
    await closeDoor()
    await frontend.process.end('SIGTERM')
    expect(window.faults).toEqual([])
    await window.close()
  })

  it('at a node that is not there at all says so where credentials are given', async () => {
    const frontend = await startUi('nowhere', { GRAPHQL_URL: `http://127.0.0.1:${await freePort()}/graphql` })
    const window = await openWindow(browser, frontend.url)
    const { page } = window
    await page.goto('/')
    await page.getByLabel('Tenant ID').fill(credentials.tenantId)
    await page.getByLabel('API secret').fill(credentials.apiSecret)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText(/The node does not answer .*correct GRAPHQL_URL/).waitFor()
    await frontend.process.end('SIGTERM')
    await window.close()
  })

  it('shows no secret in anything that it answers', async () => {
    const window = await openOperatorWindow(browser, acacia)
    const { page } = window
    const found: string[] = []
    page.on('response', (response) => {
      void response.text().then(
        (text) => {
          if (text.includes(acacia.adminApiSecret)) found.push(response.url())
        },
        // A redirect has no body.
        () => undefined
      )
    })
    for (const path of [
      '/',
      '/overview',
      '/tenants',
      `/tenants/${acacia.operatorTenantId}`,
      '/assets',
      '/peers',
      '/wallet-addresses',
      '/payments',
      '/webhook-events'
    ]) {
      await page.goto(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      const cookies = await page.context().cookies()
      expect(cookies.some(({ value }) => value.includes(acacia.adminApiSecret))).toBe(false)
    }
    expect(found).toEqual([])
    expect(window.faults).toEqual([])
    await window.close()
  })
})
