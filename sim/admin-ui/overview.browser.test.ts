import { randomUUID } from 'node:crypto'
import type { Browser, Locator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { createRunDirectory } from '../worlds/local/run-directory.ts'
import type { RunDirectory } from '../worlds/local/run-directory.ts'
import { findAccessibilityFaults, openOperatorWindow, openWindow, signIn } from './browser.ts'
import type { AdminUiWindow } from './browser.ts'
import { startFrontendProcess } from './frontend-process.ts'
import type { FrontendProcess } from './frontend-process.ts'
import { openOverviewNode } from './overview-node.ts'
import type { OverviewNode } from './overview-node.ts'
import { openQuietTenant, usd } from './quiet-tenant.ts'
import type { QuietTenant } from './quiet-tenant.ts'
import { freePort } from '../services/free-ports.ts'
import { startChromium } from '../services/chromium.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('the overview', () => {
  const { acacia } = ui as Exclude<typeof ui, { missing: string }>
  let browser: Browser
  let window: AdminUiWindow
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser.close())
  afterEach(async () => {
    await window.close()
    expect(window.faults).toEqual([])
  })

  const section = (name: string): Locator => window.page.getByRole('region', { name })

  describe('of the operator', () => {
    beforeEach(async () => {
      window = await openOperatorWindow(browser, acacia)
      await window.page.getByRole('link', { name: 'Overview', exact: true }).click()
      await window.page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    })

    it('has the health of the services, payments as bars and as a table, liquidity and its tenants', async () => {
      const { page } = window
      expect(await section('Services').innerText()).toMatch(
        /Backend\s+Well\s+answered in \d+ ms\s+Auth\s+Well/
      )
      const payments = section('Payments of the last 24 hours')
      await payments.getByRole('img', { name: /^Outgoing payments per hour.*\d+ completed/ }).waitFor()
      await payments.getByText('Outgoing payments per hour as a table').click()
      const table = payments.getByRole('table', { name: /^Outgoing payments by hour/ })
      expect(await table.getByRole('row').nth(1).innerText()).toMatch(/\d{4}-\d\d-\d\d \d\d:00\s+[\d,\s]+/)
      const assets = section('Liquidity of assets').getByRole('table')
      expect(await assets.getByRole('columnheader').allInnerTexts()).toContain('Tenant')
      await section('Liquidity of peers')
        .getByRole('row', { name: /baobab/ })
        .waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])
    })

    it('leads to the payments behind each number', async () => {
      const { page } = window
      await section('Payments of the last 24 hours')
        .getByRole('list')
        .first()
        .getByRole('link', { name: 'Completed' })
        .click()
      await page.getByRole('heading', { name: 'Payments', level: 1 }).waitFor()
      const query = new URL(page.url()).searchParams
      expect([query.get('type'), query.get('state')]).toEqual(['OUTGOING', 'COMPLETED'])
      await page
        .getByRole('row', { name: /Outgoing\s+Completed/ })
        .first()
        .waitFor()
    })

    it('fits a phone, in the dark too, and says how long the server took', async () => {
      const phone = await openOperatorWindow(browser, acacia, {
        viewport: { width: 390, height: 844 },
        colorScheme: 'dark'
      })
      const response = await phone.page.goto('/overview')
      const took = response!.headers()['server-timing']!.split(', ')
      expect(took.toSorted().map((part) => part.replace(/[\d.]+$/, 'N'))).toEqual(
        ['all', 'assets', 'health', 'payments', 'peers', 'webhooks'].map((name) => `${name};dur=N`)
      )
      expect(await phone.page.evaluate('document.documentElement.scrollWidth')).toBe(390)
      expect(await findAccessibilityFaults(phone.page)).toEqual([])
      expect(phone.faults).toEqual([])
      await phone.close()
    })

    it('needs no scripts', async () => {
      const plain = await openOperatorWindow(browser, acacia, { javaScriptEnabled: false })
      await plain.page.goto('/overview')
      await plain.page.getByText('Outgoing payments per hour as a table').click()
      await plain.page.getByRole('table', { name: /^Outgoing payments by hour/ }).waitFor()
      expect(plain.faults).toEqual([])
      await plain.close()
    })
  })

  describe('of a tenant', () => {
    let tenant: QuietTenant
    let usdId: string
    beforeAll(async () => {
      tenant = await openQuietTenant(acacia, 'quiet-overview')
      const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(975))
      await tenant.createOutgoingPayment(incoming.url)
      const { assets } = await tenant.admin.call<{
        assets: { edges: { node: { id: string; code: string } }[] }
      }>(`{ assets { edges { node { id code } } } }`)
      usdId = assets.edges.find(({ node }) => node.code === 'USD')!.node.id
      await tenant.admin.call(
        `mutation Mark($input: UpdateAssetInput!) { updateAsset(input: $input) { asset { id } } }`,
        { input: { id: usdId, liquidityThreshold: '10000' } }
      )
      await tenant.admin.call(
        `mutation Deposit($input: DepositAssetLiquidityInput!) { depositAssetLiquidity(input: $input) { success } }`,
        { input: { assetId: usdId, amount: '2500', id: randomUUID(), idempotencyKey: randomUUID() } }
      )
    })
    afterAll(() => tenant.stop())
    beforeEach(async () => {
      window = await openWindow(browser, acacia.url)
      await signIn(window, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
      await window.page.goto('/overview')
    })

    it('has its own numbers and no others', async () => {
      const { page } = window
      await page.getByText('What is yours').waitFor()
      const payments = section('Payments of the last 24 hours')
      await payments.getByRole('heading', { name: 'Outgoing payments: 1' }).waitFor()
      await payments.getByRole('img', { name: /^Outgoing payments.*hours, by state 1 funding/ }).waitFor()
      await payments.getByRole('img', { name: /^Incoming payments.*hours, by state 1 pending/ }).waitFor()
      const assets = section('Liquidity of assets')
      expect(await assets.locator('tbody tr').count()).toBe(2)
      expect(await assets.getByRole('columnheader').allInnerTexts()).not.toContain('Tenant')
      await section('Liquidity of peers').getByText('There are no peers yet').waitFor()
      await section('Failing webhooks').getByText('Every webhook event was taken').waitFor()
      // Where services listen is the operator's business.
      expect(await section('Services').innerText()).not.toContain('http')
      expect(await findAccessibilityFaults(page)).toEqual([])
    })

    it('flags what is below its low mark first, in words, and leads to the deposit', async () => {
      const { page } = window
      const assets = section('Liquidity of assets')
      await assets.getByText('2 assets: 1 at or below the low mark.').waitFor()
      const [first, second] = await assets.locator('tbody tr').all()
      expect(await first!.innerText()).toMatch(/USD, scale 2\s+25\.00 USD\s+100\.00 USD\s+Low/)
      expect(await second!.innerText()).toMatch(/EUR, scale 2\s+0\.00 EUR\s+None\s+No mark/)
      const meter = first!.getByRole('meter', { name: 'Liquidity of USD, scale 2' })
      expect(await meter.getAttribute('aria-valuetext')).toBe('25.00 USD, low: the mark is 100.00 USD')
      expect(await meter.getAttribute('aria-valuenow')).toBe('12')
      await first!.getByRole('link', { name: 'Deposit to USD, scale 2' }).click()
      await page.getByRole('dialog').getByLabel('Amount in USD').fill('75.01')
      await page.getByRole('dialog').getByRole('button', { name: 'Deposit' }).click()
      await page.getByText('100.01 USD', { exact: true }).waitFor()
      await page.goto('/overview')
      await assets.getByText('2 assets: none at or below the low mark.').waitFor()
      expect(await assets.locator('tbody tr').first().innerText()).toMatch(/Above/)
    })

    it('counts webhooks that were given up, says why, and leads to them', async () => {
      const { page } = window
      await section('Failing webhooks').getByText('Every webhook event was taken').waitFor()
      await tenant.admin.call(
        `mutation Settings($input: CreateTenantSettingsInput!) { createTenantSettings(input: $input) { settings { key } } }`,
        {
          input: {
            settings: [
              { key: 'WEBHOOK_URL', value: 'http://127.0.0.1:9/nobody' },
              { key: 'WEBHOOK_MAX_RETRY', value: '0' }
            ]
          }
        }
      )
      await tenant.createIncomingPayment(tenant.payee.id)
      await expect
        .poll(async () => {
          await page.goto('/overview')
          return section('Failing webhooks').innerText()
        })
        .toMatch(/1 event was given up.*incoming_payment\.created.*1 attempt: /s)
      expect(await findAccessibilityFaults(page)).toEqual([])
      const link = section('Failing webhooks').getByRole('link', { name: 'Read them and send them again' })
      expect(await link.getAttribute('href')).toBe('/webhook-events?deliveryState=FAILED')
    })
  })

  describe('of a node that answers in part, or not at all', () => {
    let run: RunDirectory
    let node: OverviewNode
    let frontend: FrontendProcess
    beforeAll(async () => {
      run = createRunDirectory()
      node = await openOverviewNode(acacia.graphqlUrl)
      frontend = startFrontendProcess(run, 'overview-frontend', {
        PORT: String(await freePort()),
        GRAPHQL_URL: node.graphqlUrl,
        OPEN_PAYMENTS_URL: acacia.openPaymentsUrl
      })
      await frontend.process.started
    })
    afterAll(async () => {
      await frontend.process.end('SIGTERM')
      await node.stop()
      run.remove()
    })
    beforeEach(async () => {
      node.refused.clear()
      node.broken.clear()
      node.health = 200
      window = await openOperatorWindow(browser, { ...acacia, url: frontend.url })
    })

    it('shows what there is, and in its place why something is not', async () => {
      const { page } = window
      node.refused.set('PaymentStates', 'TIMEOUT')
      node.broken.add('FailedWebhooks')
      const response = await page.goto('/overview')
      expect(response!.status()).toBe(200)
      await section('Payments of the last 24 hours')
        .getByText('The node refused: refused (TIMEOUT)')
        .waitFor()
      await section('Failing webhooks').getByText('The node did not answer to this.').waitFor()
      await section('Liquidity of peers')
        .getByRole('row', { name: /baobab/ })
        .waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])
      node.refused.clear()
      await section('Payments of the last 24 hours').getByRole('link', { name: 'Try again' }).click()
      await section('Payments of the last 24 hours').getByRole('img').first().waitFor()
    })

    it('says which service is ill, late, or was never told of', async () => {
      const { page } = window
      await page.goto('/overview')
      // By default the backend is asked where its Admin API is.
      const services = () => section('Services').innerText()
      expect(await services()).toMatch(/Backend\s+Well\s+answered.*Auth\s+Not configured.*AUTH_HEALTH_URL/s)
      node.health = 500
      await page.reload()
      expect(await services()).toContain(`It answered 500 (${node.healthUrl})`)
      node.health = 'silent'
      await page.reload()
      expect(await services()).toMatch(/Backend\s+Failing\s+no answer from .* within 2000 ms/)
    })

    it('is the page of a node that is down where nothing answers', async () => {
      const { page } = window
      node.broken.add('everything')
      const response = await page.goto('/overview')
      expect(response!.status()).toBe(502)
      await page.getByRole('heading', { name: 'The node does not answer' }).waitFor()
      node.broken.clear()
      await page.getByRole('link', { name: 'Try again' }).click()
      await page.getByRole('heading', { name: 'Overview', level: 1 }).waitFor()
    })
  })
})
