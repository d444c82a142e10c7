import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { findAccessibilityFaults, openOperatorWindow, openWindow, signIn } from './browser.ts'
import type { AdminUiWindow } from './browser.ts'
import { openQuietTenant } from './quiet-tenant.ts'
import { startChromium } from '../services/chromium.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('peers', () => {
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

  const TOKEN = 'outgoing-token-of-a-test'

  /** Creates a peer in the node's dollars and stays on its page; names are the test's own. */
  async function createPeer(name: string): Promise<void> {
    const { page } = window
    await page.goto('/peers')
    await page.getByRole('link', { name: 'Create peer' }).click()
    await page.getByLabel('Name').fill(name)
    await page.getByLabel('Static ILP address').fill(`test.${name}`)
    await page.getByLabel('Asset').selectOption({ index: 1 })
    await page.getByLabel('Incoming auth tokens').fill(`${name}-one, ${name}-two`)
    await page.getByLabel('Outgoing auth token').fill(TOKEN)
    await page.getByLabel('Outgoing endpoint').fill('https://peer.invalid/ilp')
    await page.getByLabel('Initial liquidity').fill('12.5')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
  }

  it('are listed with their address, asset, liquidity and endpoint', async () => {
    const { page } = window
    await page.getByRole('link', { name: 'Peers', exact: true }).click()
    const row = page.getByRole('row', { name: /baobab/ })
    await row.waitFor()
    expect(await row.innerText()).toMatch(/test\.baobab[\s\S]*USD, scale 2[\s\S]*USD[\s\S]*http:\/\//)
    expect(await findAccessibilityFaults(page)).toEqual([])
  })

  it('are created with tokens, limit and liquidity; tokens are never shown again', async () => {
    const { page } = window
    await createPeer('created')
    await page.getByText('Peer created was created').waitFor()
    await page
      .getByText(/^12\.5\d* /)
      .first()
      .waitFor()
    expect(await page.content()).not.toContain(TOKEN)
    expect(await findAccessibilityFaults(page)).toEqual([])
  })

  it('are refused beside the field that the node does not take', async () => {
    const { page } = window
    await createPeer('twice')
    await page.goto('/peers/create')
    await page.getByLabel('Static ILP address').fill('test.twice')
    await page.getByLabel('Asset').selectOption({ index: 1 })
    await page.getByLabel('Outgoing auth token').fill(TOKEN)
    await page.getByLabel('Outgoing endpoint').fill('https://peer.invalid/ilp')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText(/duplicate peer/).waitFor()
    expect(await page.getByLabel('Static ILP address').getAttribute('aria-invalid')).toBe('true')

    await page.getByLabel('Static ILP address').fill('test.thrice')
    await page.getByLabel('Incoming auth tokens').fill('twice-one')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText(/duplicate incoming token/).waitFor()
    expect(await page.getByLabel('Incoming auth tokens').getAttribute('aria-invalid')).toBe('true')
  })

  it('are held to their form in the browser, and by the server where scripts are off', async () => {
    const fill = async ({ page }: AdminUiWindow) => {
      await page.goto('/peers/create')
      await page.getByLabel('Static ILP address').fill('nowhere')
      await page.getByLabel('Asset').selectOption({ index: 1 })
      await page.getByLabel('Incoming auth tokens').fill('one,,two')
      await page.getByLabel('Outgoing auth token').fill(TOKEN)
      await page.getByLabel('Outgoing endpoint').fill('ftp://peer.invalid')
      await page.getByLabel('Initial liquidity').fill('1.2.3')
      await page.getByRole('button', { name: 'Create' }).click()
      await page.getByText('An ILP address is a scheme and segments between dots').waitFor()
      await page.getByText('There is an empty token between two commas').waitFor()
      await page.getByText('An endpoint starts with https://').waitFor()
      await page.getByText('An amount is digits with at most one point').waitFor()
    }
    await fill(window)
    expect(await findAccessibilityFaults(window.page)).toEqual([])
    const plain = await openOperatorWindow(browser, acacia, { javaScriptEnabled: false })
    await fill(plain)
    expect(await plain.page.getByLabel('Static ILP address').inputValue()).toBe('nowhere')
    expect(plain.faults).toEqual([])
    await plain.close()
  })

  it('get a low mark, limits and routes, each saved by itself', async () => {
    const { page } = window
    await createPeer('changed')
    await page.getByLabel('Low mark in').fill('3')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The peer was changed').waitFor()

    await page.getByLabel('Packets per second').fill('0')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('A whole number from 1 on is needed').waitFor()
    await page.getByLabel('Packets per second').fill('50')
    await page.getByLabel('Packets under way at once').fill('20')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('The limits were changed').waitFor()
    expect(await page.getByLabel('Packets per second').inputValue()).toBe('50')

    await page.getByLabel('Prefixes').fill('test.changed-east\nno route')
    await page.getByRole('button', { name: 'Save routes' }).click()
    await page.getByText('“no” is no prefix of ILP addresses').waitFor()
    await page.getByLabel('Prefixes').fill('test.changed-east\ntest.changed-west')
    await page.getByRole('button', { name: 'Save routes' }).click()
    await page.getByText('The routes were changed').waitFor()
    await page.reload()
    expect(await page.getByLabel('Prefixes').inputValue()).toBe('test.changed-east\ntest.changed-west')
    expect(await page.getByLabel('Low mark in').inputValue()).toMatch(/^3\.0+$/)
  })

  it('get another endpoint, with the token that they have', async () => {
    const { page } = window
    await createPeer('moved')
    await page.getByLabel('Outgoing endpoint').fill('btp+wss://peer.invalid/btp')
    await page.getByRole('button', { name: 'Save HTTP' }).click()
    await page.getByText('The way to the peer was changed').waitFor()
    expect(await page.getByLabel('Outgoing endpoint').inputValue()).toBe('btp+wss://peer.invalid/btp')
    expect(await page.content()).not.toContain(TOKEN)
    await page.getByLabel('New incoming auth tokens').fill('moved-one')
    await page.getByRole('button', { name: 'Save HTTP' }).click()
    await page.getByText('The way to the peer was changed').waitFor()
  })

  it('get liquidity and give it back, never more than there is', async () => {
    const { page } = window
    await createPeer('liquid')
    const dialog = page.getByRole('dialog')
    await page.getByRole('link', { name: 'Deposit' }).click()
    await dialog.getByLabel(/Amount in/).fill('7.5')
    expect(await findAccessibilityFaults(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Deposit' }).click()
    await page.getByText(/^20\.0+ /).waitFor()
    await page.getByRole('link', { name: 'Withdraw' }).click()
    await dialog.getByLabel(/Amount in/).fill('21')
    await dialog.getByRole('button', { name: 'Withdraw' }).click()
    await dialog.getByText(/insufficient/i).waitFor()
    await dialog.getByLabel(/Amount in/).fill('20')
    await dialog.getByRole('button', { name: 'Withdraw' }).click()
    await page.getByText(/^0\.0+ /).waitFor()
  })

  it('are deleted once their name was typed', async () => {
    const { page } = window
    await createPeer('deleted')
    await page.getByLabel('Type “deleted” to confirm').fill('delete')
    await page.getByRole('button', { name: 'Delete peer' }).click()
    await page.getByText('Type deleted to confirm').waitFor()
    await page.getByLabel('Type “deleted” to confirm').fill('deleted')
    await page.getByRole('button', { name: 'Delete peer' }).click()
    await page.getByText('The peer was deleted').waitFor()
    expect(await page.getByRole('link', { name: 'deleted', exact: true }).count()).toBe(0)
  })

  it('are asked by URL; a node that is none is told beside it', async () => {
    const { page } = window
    await page.goto('/peers')
    await page.getByRole('link', { name: /Peering by URL|Requests to peer/ }).click()
    await page.getByText('No node asks to peer with this one.').waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
    await page.getByLabel('Peer URL').fill('http://127.0.0.1:9/')
    await page.getByLabel('Asset').selectOption({ index: 1 })
    await page.getByRole('button', { name: 'Peer', exact: true }).click()
    await page.locator('[aria-invalid=true]').waitFor()
    expect(await page.getByLabel('Peer URL').getAttribute('aria-invalid')).toBe('true')
  })

  it('of others are nobody’s business: a tenant sees its own', async () => {
    const tenant = await openQuietTenant(acacia, 'peers-tenant')
    const own = await openWindow(browser, acacia.url)
    await signIn(own, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
    await own.page.goto('/peers')
    await own.page.getByText('There are no peers yet').waitFor()
    expect(await own.page.getByRole('link', { name: /Peering by URL/ }).count()).toBe(0)
    expect(own.faults).toEqual([])
    await own.close()
    await tenant.stop()
  })

  it('that are not there say so', async () => {
    const { page } = window
    const response = await page.goto('/peers/01900000-0000-7000-8000-000000000001')
    expect(response!.status()).toBe(404)
    await page.getByRole('heading', { name: /not found/i }).waitFor()
  })
})
