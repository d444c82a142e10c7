import { generateKeyPairSync } from 'node:crypto'
import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { findAccessibilityFaults, openOperatorWindow, openWindow, signIn } from './browser.ts'
import type { AdminUiWindow } from './browser.ts'
import { openQuietTenant } from './quiet-tenant.ts'
import { startChromium } from '../services/chromium.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('wallet addresses', () => {
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

  async function create(name: string, publicName = name): Promise<void> {
    const { page } = window
    await page.goto('/wallet-addresses')
    await page.getByRole('link', { name: 'Create wallet address' }).click()
    await page.getByLabel('Wallet address name').fill(name)
    await page.getByLabel('Public name').fill(publicName)
    await page.getByLabel('Asset').selectOption({ index: 1 })
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: publicName, level: 1 }).waitFor()
  }

  const publicKey = (kid: string) => {
    const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
    return JSON.stringify({ kid, x, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' })
  }

  it('are listed with name and status', async () => {
    const { page } = window
    await page.getByRole('link', { name: 'Wallet addresses' }).click()
    await page.getByRole('heading', { name: 'Wallet addresses', level: 1 }).waitFor()
    // Those of other tests are newer.
    await page.goto('/wallet-addresses?first=100')
    const row = page.getByRole('row', { name: /\/alice/ })
    await row.waitFor()
    expect(await row.innerText()).toMatch(/Alice[\s\S]*Active/)
    expect(await findAccessibilityFaults(page)).toEqual([])
  })

  it('are created below the tenant’s prefix; the same again is refused beside its name', async () => {
    const { page } = window
    await create('created')
    await page.getByText(/\/created was created/).waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
    await page.goto('/wallet-addresses/create')
    expect(await page.getByText(/^What follows https:\/\//).count()).toBe(1)
    await page.getByLabel('Wallet address name').fill('created')
    await page.getByLabel('Asset').selectOption({ index: 1 })
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText(/Duplicate wallet address/).waitFor()
    expect(await page.getByLabel('Wallet address name').getAttribute('aria-invalid')).toBe('true')
    // What the node keeps for its own resources.
    await page.getByLabel('Wallet address name').fill('quotes/incoming-payments')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText(/invalid url/).waitFor()
  })

  it('are held to their form in the browser, and by the server where scripts are off', async () => {
    const fill = async ({ page }: AdminUiWindow) => {
      await page.goto('/wallet-addresses/create')
      await page.getByLabel('Wallet address name').fill('not a name')
      await page.getByLabel('Asset').selectOption({ index: 1 })
      await page.getByRole('button', { name: 'Create' }).click()
      await page.getByText('A name has letters, digits').waitFor()
    }
    await fill(window)
    expect(await findAccessibilityFaults(window.page)).toEqual([])
    const plain = await openOperatorWindow(browser, acacia, { javaScriptEnabled: false })
    await fill(plain)
    expect(await plain.page.getByLabel('Wallet address name').inputValue()).toBe('not a name')
    expect(plain.faults).toEqual([])
    await plain.close()
  })

  it('get another name, and are put out of use', async () => {
    const { page } = window
    await create('changed')
    await page.getByLabel('Public name').fill('Changed Customer')
    await page.getByLabel('Status').selectOption('INACTIVE')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The wallet address was changed').waitFor()
    await page.getByRole('heading', { name: 'Changed Customer', level: 1 }).waitFor()
    await page.goto('/wallet-addresses?first=100')
    expect(await page.getByRole('row', { name: /\/changed/ }).innerText()).toMatch(/Inactive/)
  })

  it('get keys and lose them; what is no public key, or there already, is refused beside the field', async () => {
    const { page } = window
    await create('keys')
    const field = page.getByLabel('New public key')
    const add = page.getByRole('button', { name: 'Add key' })
    await field.fill('{"kty": "RSA"}')
    await add.click()
    await page.getByText('A public key is JSON with kid').waitFor()
    await field.fill(publicKey('key-one').replace('{', '{"d":"x",'))
    await add.click()
    await page.getByText('This is a private key').waitFor()
    await field.fill(publicKey('key-one'))
    await add.click()
    await page.getByText('Key key-one was added').waitFor()
    const row = page.getByRole('row', { name: /key-one/ })
    expect(await row.innerText()).toMatch(/Valid/)
    await field.fill(publicKey('key-one'))
    await add.click()
    await page.getByText(/Key already exists/).waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])

    await row.getByRole('link', { name: 'Revoke' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('cannot be brought back').waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await page.getByText('The key was revoked').waitFor()
    expect(await row.innerText()).toMatch(/Revoked/)
  })

  it('get properties, one per line', async () => {
    const { page } = window
    await create('properties')
    const field = page.getByLabel('Properties', { exact: true })
    await field.fill('branch')
    await page.getByRole('button', { name: 'Save properties' }).click()
    await page.getByText('“branch” is not of the form name = value').waitFor()
    await field.fill('branch = Nairobi\nlimit = 5 (hidden)')
    await page.getByRole('button', { name: 'Save properties' }).click()
    await page.getByText('The properties were changed').waitFor()
    await page.reload()
    expect((await field.inputValue()).split('\n').sort()).toEqual(['branch = Nairobi', 'limit = 5 (hidden)'])
  })

  it('have nothing to withdraw until they were paid themselves', async () => {
    const { page } = window
    await create('poor')
    expect(await page.getByRole('link', { name: 'Withdraw' }).count()).toBe(0)
    await page.goto(`${new URL(page.url()).pathname}/withdraw-liquidity`)
    await page.getByRole('dialog').getByText('There is nothing to withdraw.').waitFor()
  })

  it('lead to their payments', async () => {
    const { page } = window
    await page.goto('/wallet-addresses?first=100')
    await page.getByRole('link', { name: /\/alice$/ }).click()
    await page.getByRole('main').getByRole('link', { name: 'Payments', exact: true }).click()
    await page.waitForURL(/\/payments\?walletAddressId=/)
    await page
      .getByRole('row', { name: /Outgoing/ })
      .first()
      .waitFor()
  })

  it('of a tenant are its own, below its own prefix; an operator reads them and changes nothing', async () => {
    const tenant = await openQuietTenant(acacia, 'addresses-tenant')
    const own = await openWindow(browser, acacia.url)
    await signIn(own, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
    await own.page.goto('/wallet-addresses')
    await own.page.getByRole('row', { name: /addresses-tenant\/payer/ }).waitFor()
    expect(await own.page.getByRole('row', { name: /\/alice/ }).count()).toBe(0)
    await own.page.goto('/wallet-addresses/create')
    expect(await own.page.getByLabel('Tenant').count()).toBe(0)
    await own.page.getByText(/addresses-tenant\/$/).waitFor()
    expect(own.faults).toEqual([])
    await own.close()
    await window.page.goto(`/wallet-addresses/${tenant.payer.id}`)
    await window.page.getByText('Only its tenant changes it.').waitFor()
    expect(await window.page.getByRole('button', { name: /Save|Add key/ }).count()).toBe(0)
    await tenant.stop()
  })

  it('that are not there say so', async () => {
    const { page } = window
    const response = await page.goto('/wallet-addresses/01900000-0000-7000-8000-000000000001')
    expect(response!.status()).toBe(404)
    await page.getByRole('heading', { name: /not found/i }).waitFor()
  })
})
