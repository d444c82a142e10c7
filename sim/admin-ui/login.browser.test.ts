import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freePorts } from '../services/free-ports.ts'
import { startChromium } from '../services/chromium.ts'
import { createRunDirectory } from '../worlds/local/run-directory.ts'
import type { RunDirectory } from '../worlds/local/run-directory.ts'
import { findAccessibilityFaults } from './browser.ts'
import { startFrontendProcess } from './frontend-process.ts'
import type { FrontendProcess } from './frontend-process.ts'
import { startLoginProvider } from './login-provider.ts'
import type { LoginProvider } from './login-provider.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('login by OpenID Connect', () => {
  const { acacia } = ui as Exclude<typeof ui, { missing: string }>
  let browser: Browser
  let run: RunDirectory
  let provider: LoginProvider
  let frontend: FrontendProcess
  let lonely: FrontendProcess
  beforeAll(async () => {
    run = createRunDirectory()
    const [uiPort, providerPort, lonelyPort, nobody] = await freePorts(4)
    const url = `http://localhost:${uiPort}`
    provider = await startLoginProvider(providerPort!, url)
    const environment = (issuer: string, own: string) => ({
      GRAPHQL_URL: acacia.graphqlUrl,
      OPEN_PAYMENTS_URL: acacia.openPaymentsUrl,
      AUTH_ENABLED: 'true',
      AUTH_PROVIDER: 'oidc',
      OIDC_ISSUER_URL: issuer,
      OIDC_CLIENT_ID: provider.clientId,
      OIDC_CLIENT_SECRET: provider.clientSecret,
      OIDC_ALLOWED_EMAILS: 'ops@example.com, mallory@example.com',
      FRONTEND_URL: own
    })
    frontend = startFrontendProcess(run, 'login', {
      PORT: String(uiPort),
      ...environment(provider.issuer, url)
    })
    lonely = startFrontendProcess(run, 'lonely', {
      PORT: String(lonelyPort),
      ...environment(`http://localhost:${nobody}`, `http://localhost:${lonelyPort}`)
    })
    ;[browser] = await Promise.all([startChromium(), frontend.process.started, lonely.process.started])
  })
  afterAll(async () => {
    await browser.close()
    await Promise.all([frontend, lonely].map(({ process }) => process.end('SIGTERM')))
    await provider.stop()
    run.remove()
  })

  async function open(): Promise<{ page: Page; close(): Promise<void> }> {
    const context = await browser.newContext({ baseURL: frontend.url, reducedMotion: 'reduce' })
    context.setDefaultTimeout(15_000)
    return { page: await context.newPage(), close: () => context.close() }
  }

  /** At the provider's own pages: who one is, and that the UI may know it. */
  async function logInAs(page: Page, account: string): Promise<void> {
    await page.getByRole('link', { name: 'Log in' }).click()
    await page.locator('input[name=login]').fill(account)
    await page.locator('input[name=password]').fill('any')
    await page.locator('button[type=submit]').click()
    await page.getByRole('button', { name: 'Continue' }).click()
  }

  it('comes before every page, and leads back to the one that was asked for', async () => {
    const { page, close } = await open()
    await page.goto('/peers?first=5')
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
    await logInAs(page, 'ops')
    await page.getByText('Logged in as ops@example.com').waitFor()
    // The credentials are still to be given; then it goes on to where one wanted to be.
    await page.getByLabel('Tenant ID').fill(acacia.operatorTenantId)
    await page.getByLabel('API secret').fill(acacia.adminApiSecret)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL('**/peers?first=5')
    await page.getByRole('heading', { name: 'Peers', level: 1 }).waitFor()
    await page.goto('/auth')
    expect(new URL(page.url()).pathname).toBe('/')

    await page.getByRole('button', { name: 'Log out' }).click()
    // The provider asks whether its own session ends, too.
    await page.getByRole('button', { name: /Yes/ }).click()
    await page.waitForURL(/\/auth(\?.*)?$/)
    await page.goto('/peers')
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await close()
  })

  it('lets in whom it may, and says to others why not', async () => {
    for (const [account, why] of [
      ['eve', 'eve@example.com is not among those who may use this admin UI'],
      ['mallory', 'The provider has not verified that mallory@example.com']
    ] as const) {
      const { page, close } = await open()
      await page.goto('/')
      await logInAs(page, account)
      await page.getByText(why).waitFor()
      await page.getByRole('heading', { name: 'Log in' }).waitFor()
      await close()
    }
  })

  it('that was cancelled at the provider says so', async () => {
    const { page, close } = await open()
    await page.goto('/')
    await page.getByRole('link', { name: 'Log in' }).click()
    await page.getByText('[ Cancel ]').click()
    await page.getByText('The login was cancelled').waitFor()
    await close()
  })

  it('refuses an answer that belongs to no login of this browser, or to another one', async () => {
    const { page, close } = await open()
    await page.goto('/auth/callback?code=stolen&state=guessed')
    await page.getByText('No login is under way in this browser').waitFor()
    await page.getByRole('link', { name: 'Log in' }).click()
    await page.locator('input[name=login]').waitFor()
    await page.goto(
      `${frontend.url}/auth/callback?code=stolen&state=guessed&iss=${encodeURIComponent(provider.issuer)}`
    )
    await page.getByText(/The login cannot be completed/).waitFor()
    await page.goto('/assets')
    await page.getByRole('heading', { name: 'Log in' }).waitFor()
    await close()
  })

  it('sends nobody to another site', async () => {
    const { page, close } = await open()
    await page.goto('/auth?next=https%3A%2F%2Fevil.invalid%2F')
    expect(await page.getByRole('link', { name: 'Log in' }).getAttribute('href')).toBe('/auth/login?next=%2F')
    await close()
  })

  it('at a provider that does not answer says so', async () => {
    const { page, close } = await open()
    await page.goto(`${lonely.url}/`)
    await page.getByRole('link', { name: 'Log in' }).click()
    await page.getByText(/The login service does not answer/).waitFor()
    await close()
  })
})
