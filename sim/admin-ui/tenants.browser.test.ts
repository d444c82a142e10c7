import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { findAccessibilityFaults, openOperatorWindow, openWindow, signIn } from './browser.ts'
import type { AdminUiWindow } from './browser.ts'
import { openQuietTenant } from './quiet-tenant.ts'
import { startChromium } from '../services/chromium.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('tenants', () => {
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

  const SECRET = 'a-secret-of-a-test'

  async function createTenant(name: string): Promise<void> {
    const { page } = window
    await page.goto('/tenants')
    await page.getByRole('link', { name: 'Add tenant' }).click()
    await page.getByLabel('Public name').fill(name)
    await page.getByLabel('Email').fill(`${name}@example.com`)
    await page.getByLabel('API secret').fill(SECRET)
    await page.getByLabel('Consent URL').fill('https://idp.invalid/consent')
    await page.getByLabel('Identity provider secret').fill(`${SECRET}-idp`)
    await page.getByLabel('Wallet address URL').fill(`https://wallet.invalid/${name}`)
    await page.getByLabel('Webhook attempts').fill('7')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name, level: 1 }).waitFor()
  }

  it('are created with settings and listed; their secrets are never shown', async () => {
    const { page } = window
    await createTenant('tenant-created')
    await page.getByText('Tenant tenant-created was created').waitFor()
    await page.getByText('https://wallet.invalid/tenant-created').waitFor()
    expect(await page.content()).not.toContain(SECRET)
    expect(await findAccessibilityFaults(page)).toEqual([])
    await page.getByRole('link', { name: 'Tenants', exact: true }).first().click()
    const row = page.getByRole('row', { name: /tenant-created/ })
    await row.waitFor()
    expect(await row.innerText()).toMatch(/tenant-created@example\.com[\s\S]*Active/)
    expect(await findAccessibilityFaults(page)).toEqual([])
  })

  it('are held to their form in the browser, and by the server where scripts are off', async () => {
    const fill = async ({ page }: AdminUiWindow) => {
      await page.goto('/tenants/create')
      await page.getByLabel('Email').fill('nobody')
      await page.getByLabel('API secret').fill('short')
      await page.getByLabel('Consent URL').fill('idp.invalid')
      await page.getByLabel('Webhook timeout').fill('soon')
      await page.getByLabel('ILP address').fill('nowhere')
      await page.getByRole('button', { name: 'Create' }).click()
      await page.getByText('An e-mail address has an @').waitFor()
      await page.getByText('A secret has at least 10 characters').waitFor()
      await page.getByText('A URL starts with https://').waitFor()
      await page.getByText('A whole number of milliseconds from 1 on').waitFor()
      await page.getByText('An ILP address is a scheme').waitFor()
    }
    await fill(window)
    expect(await findAccessibilityFaults(window.page)).toEqual([])
    const plain = await openOperatorWindow(browser, acacia, { javaScriptEnabled: false })
    await fill(plain)
    expect(await plain.page.getByLabel('Email').inputValue()).toBe('nobody')
    expect(plain.faults).toEqual([])
    await plain.close()
  })

  it('are changed section by section', async () => {
    const { page } = window
    await createTenant('tenant-changed')
    await page.getByLabel('Email').fill('new@example.com')
    await page.getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('The tenant was changed').waitFor()
    await page.getByLabel('Consent URL').fill('https://idp.invalid/other')
    await page.getByRole('button', { name: 'Save identity provider' }).click()
    await page.getByText('The identity provider was changed').waitFor()
    // Whose secret it is changes it: the operator cannot.
    expect(await page.getByLabel('New API secret').count()).toBe(0)
    expect(await page.getByLabel('Email').inputValue()).toBe('new@example.com')
    expect(await page.getByLabel('Consent URL').inputValue()).toBe('https://idp.invalid/other')
  })

  it('are deleted once the words were typed; what is left can be read and not changed', async () => {
    const { page } = window
    await createTenant('tenant-deleted')
    const { pathname } = new URL(page.url())
    await page.getByLabel('Type “delete tenant” to confirm').fill('delete')
    await page.getByRole('button', { name: 'Delete tenant' }).click()
    await page.getByText('Type delete tenant to confirm').waitFor()
    await page.getByLabel('Type “delete tenant” to confirm').fill('delete tenant')
    await page.getByRole('button', { name: 'Delete tenant' }).click()
    await page.getByText('The tenant was deleted').waitFor()
    await page.goto(pathname)
    await page.getByText('nothing of it can be changed any more').waitFor()
    expect(await page.getByLabel('Email').isDisabled()).toBe(true)
    expect(await page.getByRole('button', { name: /Save|Replace|Delete/ }).count()).toBe(0)
    expect(await findAccessibilityFaults(page)).toEqual([])
  })

  it('see their own entry alone, and set their own settings', async () => {
    const tenant = await openQuietTenant(acacia, 'tenant-self')
    const own = await openWindow(browser, acacia.url)
    await signIn(own, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
    const { page } = own
    await page.goto('/tenants')
    await page.getByRole('link', { name: 'tenant-self' }).click()
    await page.getByRole('heading', { name: 'tenant-self', level: 1 }).waitFor()
    expect(await page.getByRole('button', { name: 'Delete tenant' }).count()).toBe(0)
    expect(await findAccessibilityFaults(page)).toEqual([])
    await page.getByLabel('Webhook attempts').fill('3')
    await page.getByRole('button', { name: 'Save settings' }).click()
    await page.getByText('The settings were changed').waitFor()
    expect(await page.getByLabel('Webhook attempts').inputValue()).toBe('3')
    await page.getByRole('button', { name: 'Save settings' }).click()
    await page.getByText('Nothing was changed').waitFor()
    // The node's own bound, which the form does not know.
    await page.getByLabel('Webhook attempts').fill('999999')
    await page.getByRole('button', { name: 'Save settings' }).click()
    await page.locator('[aria-invalid=true]').waitFor()
    expect(await page.getByLabel('Webhook attempts').getAttribute('aria-invalid')).toBe('true')
    expect(own.faults).toEqual([])
    await own.close()
    await tenant.stop()
  })

  it('replace their API secret, and go on with it', async () => {
    const tenant = await openQuietTenant(acacia, 'tenant-secret')
    const own = await openWindow(browser, acacia.url)
    await signIn(own, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
    const { page } = own
    await page.goto(`/tenants/${tenant.id}`)
    await page.getByLabel('New API secret').fill('short')
    await page.getByRole('button', { name: 'Replace the secret' }).click()
    await page.getByText('A secret has at least 10 characters').waitFor()
    await page.getByLabel('New API secret').fill(`${SECRET}-new`)
    await page.getByRole('button', { name: 'Replace the secret' }).click()
    await page.getByText('The API secret was replaced').waitFor()
    expect(await page.getByLabel('New API secret').inputValue()).toBe('')
    expect(await page.content()).not.toContain(SECRET)
    await page.goto('/wallet-addresses')
    await page.getByRole('row', { name: /tenant-secret\/payer/ }).waitFor()
    expect(own.faults).toEqual([])
    await own.close()

    const late = await openWindow(browser, acacia.url)
    await late.page.goto('/')
    await late.page.getByLabel('Tenant ID').fill(tenant.id)
    await late.page.getByLabel('API secret').fill(tenant.apiSecret)
    await late.page.getByRole('button', { name: 'Save' }).click()
    await late.page.getByRole('alert').waitFor()
    await late.close()
    await tenant.stop()
  })

  it('reach nothing of others, and nothing of the operator', async () => {
    const tenant = await openQuietTenant(acacia, 'tenant-limited')
    const own = await openWindow(browser, acacia.url)
    await signIn(own, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
    const { page } = own
    const other = await page.goto(`/tenants/${acacia.operatorTenantId}`)
    expect(other!.status()).toBeGreaterThanOrEqual(400)
    const create = await page.goto('/tenants/create')
    expect(create!.status()).toBe(403)
    await page.getByRole('heading', { name: 'Only the operator can do this' }).waitFor()
    for (const path of [
      '/tenants',
      '/assets',
      '/peers',
      '/wallet-addresses',
      '/payments',
      '/webhook-events'
    ]) {
      await page.goto(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      const text = await page.getByRole('main').innerText()
      expect(text).not.toContain('tenant-created')
      expect(text).not.toContain('baobab')
      expect(await page.getByLabel('Tenant', { exact: true }).count()).toBe(0)
    }
    expect(own.faults).toEqual([])
    await own.close()
    await tenant.stop()
  })

  it('that are not there say so', async () => {
    const { page } = window
    const response = await page.goto('/tenants/01900000-0000-7000-8000-000000000001')
    expect(response!.status()).toBe(404)
    await page.getByRole('heading', { name: /not found/i }).waitFor()
  })
})
