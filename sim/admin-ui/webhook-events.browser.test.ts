import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { findAccessibilityFaults, openOperatorWindow, openWindow, signIn } from './browser.ts'
import type { AdminUiWindow } from './browser.ts'
import { openQuietTenant } from './quiet-tenant.ts'
import { startChromium } from '../services/chromium.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('webhook events', () => {
  const { acacia } = ui as Exclude<typeof ui, { missing: string }>
  let browser: Browser
  let window: AdminUiWindow
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(() => browser.close())
  beforeEach(async () => {
    window = await openOperatorWindow(browser, acacia)
  })
  afterEach(async () => {
    await window.close()
    expect(window.faults).toEqual([])
  })

  it('are listed with what became of them, and what they are about is one step away', async () => {
    const { page } = window
    await page.getByRole('link', { name: 'Webhook events' }).click()
    const row = page.getByRole('row', { name: /outgoing_payment\.completed/ }).last()
    await row.waitFor()
    expect(await row.innerText()).toMatch(/Delivered/)
    expect(await findAccessibilityFaults(page)).toEqual([])
    await row.getByRole('link', { name: 'outgoing_payment.completed' }).click()
    await page.getByRole('heading', { name: 'Outgoing payment', level: 1 }).waitFor()
  })

  it('show their data in a dialog that leads back to the same list', async () => {
    const { page } = window
    await page.goto('/webhook-events?type=outgoing_payment.created')
    await page.getByRole('link', { name: 'Data' }).last().click()
    const dialog = page.getByRole('dialog', { name: 'outgoing_payment.created' })
    await dialog.getByText('"walletAddressId"').waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'hidden' })
    await page.waitForURL(({ search }) => search === '?type=outgoing_payment.created')
  })

  it('are filtered by type, delivery and resource; the filter is in the address', async () => {
    const { page } = window
    await page.goto('/webhook-events')
    await page.getByText('Search and filter').click()
    await page.getByLabel('outgoing_payment.completed').check()
    await page.getByLabel('Delivery').selectOption('DELIVERED')
    await page.getByRole('button', { name: 'Search' }).click()
    await page.waitForURL(/type=outgoing_payment\.completed/)
    await page
      .getByRole('row', { name: /outgoing_payment\.completed/ })
      .first()
      .waitFor()
    expect(await page.getByRole('row', { name: /outgoing_payment\.created/ }).count()).toBe(0)
    expect(new URL(page.url()).search).toContain('deliveryState=DELIVERED')
    await page.getByRole('link', { name: 'Clear' }).click()
    await page
      .getByRole('row', { name: /outgoing_payment\.created/ })
      .first()
      .waitFor()
    await page.goto('/webhook-events?resourceId=nothing-is-called-so')
    await page.getByText('No event is like that: widen the filter.').waitFor()
  })

  it('with a filter that cannot be say so beside it', async () => {
    const { page } = window
    const response = await page.goto('/webhook-events?deliveryState=LOST')
    expect(response!.status()).toBe(400)
    await page.getByText('A delivery is on its way, delivered or given up').waitFor()
    await page.getByText('Correct the filter to see events.').waitFor()
    expect((await page.goto('/webhook-events?after=x'))!.status()).toBe(400)
  })

  it('that were given up are sent again, and then arrive; a tenant does it itself, without scripts too', async () => {
    const tenant = await openQuietTenant(acacia, 'events-tenant', { WEBHOOK_MAX_RETRY: '0' })
    try {
      tenant.refuseWebhooks(true)
      const [first, second] = [
        await tenant.createIncomingPayment(tenant.payee.id),
        await tenant.createIncomingPayment(tenant.payee.id)
      ]
      const own = await openWindow(browser, acacia.url)
      await signIn(own, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
      const { page } = own
      const list = `/webhook-events?deliveryState=FAILED&resourceId=${first.id}`
      const given = page.getByRole('row', { name: /incoming_payment\.created/ })
      // The node gives up at its own time: the list is asked until it did.
      await expect
        .poll(async () => {
          await page.goto(list)
          return given.count()
        })
        .toBe(1)
      expect(await given.innerText()).toMatch(/Given up\s+1 attempt.*503/)
      await given.getByRole('link', { name: 'Send again' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('goes out at once').waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])
      tenant.refuseWebhooks(false)
      await dialog.getByRole('button', { name: 'Send again' }).click()
      await page.getByText('The event is sent again').waitFor()
      await tenant.told('incoming_payment.created', first.id)
      expect(own.faults).toEqual([])
      await own.close()

      const plain = await openWindow(browser, acacia.url, { javaScriptEnabled: false })
      await signIn(plain, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
      await expect
        .poll(async () => {
          await plain.page.goto(`/webhook-events?deliveryState=FAILED&resourceId=${second.id}`)
          return plain.page.getByRole('link', { name: 'Send again' }).count()
        })
        .toBe(1)
      await plain.page.getByRole('link', { name: 'Send again' }).click()
      await plain.page.getByRole('button', { name: 'Send again' }).click()
      await tenant.told('incoming_payment.created', second.id)
      await plain.close()
    } finally {
      await tenant.stop()
    }
  })

  it('that are not on the page any more say so in the dialog', async () => {
    const { page } = window
    await page.goto('/webhook-events/send-again?event=01900000-0000-7000-8000-000000000001')
    await page.getByRole('dialog').getByText('It is not on this page of the list any more').waitFor()
    await page.goto('/webhook-events/data?event=01900000-0000-7000-8000-000000000001')
    await page.getByRole('dialog').getByText('This event is not on this page').waitFor()
  })
})
