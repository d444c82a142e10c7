import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startChromium } from '../services/chromium.ts'
import { openWindow } from './browser.ts'
import { prepareEveryPage } from './every-page.ts'
import type { EveryPage } from './every-page.ts'
import { keyboardOf } from './keyboard.ts'
import type { Keyboard } from './keyboard.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('the keyboard alone', () => {
  const { acacia } = ui as Exclude<typeof ui, { missing: string }>
  let browser: Browser
  let every: EveryPage
  beforeAll(async () => {
    ;[browser, every] = await Promise.all([startChromium(), prepareEveryPage(acacia, 'keyboard')])
  })
  afterAll(async () => {
    await browser.close()
    await every.stop()
  })

  async function signInByKeyboard(
    page: Page,
    keys: Keyboard,
    tenantId: string,
    apiSecret: string
  ): Promise<void> {
    await page.goto('/')
    await keys.fill('Tenant ID', tenantId)
    await keys.fill('API secret', apiSecret)
    await keys.press('Enter')
    await page.getByRole('button', { name: 'Clear credentials' }).waitFor()
  }

  const heading = (page: Page, name: string | RegExp) =>
    page.getByRole('heading', { name, level: 1 }).waitFor()

  /** Into a dialog by its link, around inside of it, and out by Escape: focus is where it was. */
  async function throughDialog(page: Page, keys: Keyboard, link: string): Promise<void> {
    await keys.follow(link)
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    for (let step = 0; step < 8; step++) {
      await keys.press('Tab')
      expect(await keys.isWithinDialogOrBrowser(), `focus left the dialog “${link}”`).toBe(true)
    }
    await keys.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    expect(await keys.focusedName()).toBe(link)
  }

  it('reaches and uses every page: of an operator, and of a tenant', async () => {
    const window = await openWindow(browser, acacia.url)
    const { page } = window
    const keys = keyboardOf(page)
    await signInByKeyboard(page, keys, acacia.operatorTenantId, acacia.adminApiSecret)

    // Past the navigation, to the content.
    await page.goto('/overview')
    await keys.press('Tab')
    expect(await keys.focusedName()).toBe('Skip to content')
    await keys.press('Enter')
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('content')

    await keys.follow('Home')
    await heading(page, 'Rafiki Admin')
    await keys.follow('Overview')
    await heading(page, 'Overview')

    await keys.follow('Tenants')
    await heading(page, 'Tenants')
    await keys.follow('Add tenant')
    await heading(page, 'Add tenant')
    await keys.fill('API secret', 'short')
    await keys.press('Enter')
    await page.getByText('A secret has at least 10 characters').waitFor()
    await keys.follow('Tenants')
    await heading(page, 'Tenants')
    await keys.follow('keyboard')
    await heading(page, 'keyboard')
    await keys.fill('Email', 'keys@example.com')
    await keys.press('Enter')
    await page.getByText('The tenant was changed').waitFor()

    await keys.follow('Assets')
    await heading(page, 'Assets')
    await keys.follow('Add asset')
    await heading(page, 'Create asset')
    await keys.fill('Code', 'KEY')
    await keys.fill('Scale', '2')
    await keys.press('Enter')
    await heading(page, 'KEY, scale 2')
    await throughDialog(page, keys, 'Deposit')
    await throughDialog(page, keys, 'Withdraw')
    await keys.follow('Deposit')
    await keys.fill('Amount in KEY', '10')
    await keys.press('Enter')
    await page.getByText('10.00 KEY', { exact: true }).waitFor()
    await keys.fill('Basis points', '25')
    await keys.press('Enter')
    await page.getByText('The sending fee was set').waitFor()
    await keys.follow('Fee history')
    await heading(page, /Fee history|Fees/)

    await keys.follow('Peers')
    await heading(page, 'Peers')
    await keys.follow('Create peer')
    await heading(page, 'Create peer')
    await keys.follow('Peers')
    await keys.follow('baobab')
    await heading(page, 'baobab')
    await throughDialog(page, keys, 'Deposit')
    await throughDialog(page, keys, 'Withdraw')
    await keys.follow('Peers')
    await heading(page, 'Peers')
    await keys.follow('Peering by URL')
    await heading(page, 'Peering by URL')

    await keys.follow('Wallet addresses')
    await heading(page, 'Wallet addresses')
    await keys.follow('Create wallet address')
    await heading(page, 'Create wallet address')
    await keys.fill('Wallet address name', 'by-keyboard')
    await keys.tabTo('Asset')
    await keys.press('ArrowDown')
    await keys.tabTo('Create')
    await keys.press('Enter')
    await page.getByText(/by-keyboard was created/).waitFor()
    await page.goto('/wallet-addresses?first=100')
    await keys.follow(/\/alice$/)
    await heading(page, 'Alice')
    await throughDialog(page, keys, 'Revoke')

    await keys.follow('Webhook events')
    await heading(page, 'Webhook events')
    await keys.tabTo('Search and filter')
    await keys.press('Enter')
    await keys.tabTo('Delivery')
    await page.keyboard.type('Given')
    await keys.tabTo('Search')
    await keys.press('Enter')
    await page.waitForURL(/deliveryState=FAILED/)
    await throughDialog(page, keys, 'Data')
    await throughDialog(page, keys, 'Send again')

    await keys.follow('Payments')
    await heading(page, 'Payments')
    await keys.tabTo('Search and filter')
    await keys.press('Enter')
    await keys.tabTo('Failed')
    await keys.press('Space')
    await keys.tabTo('Search')
    await keys.press('Enter')
    await page.waitForURL(/state=FAILED/)
    await keys.follow(/^[0-9a-f-]{36}$/)
    await heading(page, 'Outgoing payment')
    await keys.tabTo('Appearance')
    await page.keyboard.type('Dark')
    await keys.tabTo('Set')
    await keys.press('Enter')
    await page.locator('html[data-theme=dark]').waitFor()
    expect(window.faults).toEqual([])
    await window.close()

    const own = await openWindow(browser, acacia.url)
    const ownKeys = keyboardOf(own.page)
    await signInByKeyboard(own.page, ownKeys, every.tenant.id, every.tenant.apiSecret)
    const pathOf = (name: string) => every.pages.find((shown) => shown.name === name)!.path
    const dialogs: [name: string, link: string][] = [
      ['incoming-approve', 'Approve'],
      ['incoming-cancel', 'Cancel'],
      ['incoming-withdraw', 'Withdraw liquidity'],
      ['outgoing-cancel', 'Cancel'],
      ['outgoing-deposit', 'Deposit liquidity'],
      ['outgoing-withdraw', 'Withdraw liquidity']
    ]
    for (const [name, link] of dialogs) {
      await own.page.goto(pathOf(name).replace(/\/[^/]*$/, ''))
      await throughDialog(own.page, ownKeys, link)
    }
    await ownKeys.follow('Home')
    await ownKeys.tabTo('Clear credentials')
    await ownKeys.press('Enter')
    await own.page.getByText('The credentials are forgotten').waitFor()
    expect(own.faults).toEqual([])
    await own.close()
  }, 240_000)
})
