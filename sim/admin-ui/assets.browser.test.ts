import type { Browser } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { findAccessibilityFaults, openOperatorWindow } from './browser.ts'
import type { AdminUiWindow } from './browser.ts'
import { startChromium } from '../services/chromium.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('assets', () => {
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

  /** Creates an asset and stays on its page; codes are the test's own. */
  async function createAsset(code: string, scale = 2): Promise<void> {
    const { page } = window
    await page.goto('/assets')
    await page.getByRole('link', { name: 'Add asset' }).click()
    await page.getByLabel('Code').fill(code)
    await page.getByLabel('Scale').fill(String(scale))
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByRole('heading', { name: `${code}, scale ${scale}` }).waitFor()
  }

  it('are listed with code, scale and tenant', async () => {
    const { page } = window
    await page.getByRole('link', { name: 'Assets' }).click()
    const row = page.getByRole('row', { name: /USD/ }).first()
    await row.waitFor()
    expect(await row.innerText()).toMatch(/USD/)
    expect(await findAccessibilityFaults(page)).toEqual([])
  })

  it('are created; the message says so; the same again is refused beside the code', async () => {
    const { page } = window
    await createAsset('NEW', 3)
    await page.getByText('Asset NEW was created').waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
    await page.goto('/assets/create')
    await page.getByLabel('Code').fill('new')
    await page.getByLabel('Scale').fill('3')
    await page.getByRole('button', { name: 'Create' }).click()
    const code = page.getByLabel('Code')
    await page.getByText(/already exists/i).waitFor()
    expect(await code.getAttribute('aria-invalid')).toBe('true')
  })

  it('are held to their form in the browser, and by the server where scripts are off', async () => {
    const { page } = window
    await page.goto('/assets/create')
    await page.getByLabel('Code').fill('U5')
    await page.getByLabel('Scale').fill('256')
    await page.getByRole('button', { name: 'Create' }).click()
    await page.getByText('A code has 3 to 6 letters').waitFor()
    await page.getByText('A scale is a whole number from 0 to 255').waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])

    const plain = await openOperatorWindow(browser, acacia, { javaScriptEnabled: false })
    await plain.page.goto('/assets/create')
    await plain.page.getByLabel('Code').fill('U5')
    await plain.page.getByLabel('Scale').fill('256')
    await plain.page.getByRole('button', { name: 'Create' }).click()
    await plain.page.getByText('A code has 3 to 6 letters').waitFor()
    expect(await plain.page.getByLabel('Code').inputValue()).toBe('U5')
    expect(plain.faults).toEqual([])
    await plain.close()
  })

  it('get a withdrawal threshold, in units of the asset and exact', async () => {
    const { page } = window
    await createAsset('THR')
    await page.getByLabel('Withdrawal threshold').fill('1,234.567')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('This asset has 2 decimals').waitFor()
    await page.getByLabel('Withdrawal threshold').fill('1,234.56')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('The asset was changed').waitFor()
    expect(await page.getByLabel('Withdrawal threshold').inputValue()).toBe('1,234.56')
  })

  it('get liquidity and give it back, never more than there is', async () => {
    const { page } = window
    await createAsset('LIQ')
    await page.getByRole('link', { name: 'Deposit' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Amount in LIQ').fill('100.05')
    expect(await findAccessibilityFaults(page)).toEqual([])
    await dialog.getByRole('button', { name: 'Deposit' }).click()
    await page.getByText('100.05 LIQ', { exact: true }).waitFor()

    await page.getByRole('link', { name: 'Withdraw' }).click()
    await dialog.getByLabel('Amount in LIQ').fill('100.06')
    await dialog.getByRole('button', { name: 'Withdraw' }).click()
    await dialog.getByText(/insufficient/i).waitFor()
    await dialog.getByLabel('Amount in LIQ').fill('0.06')
    await dialog.getByRole('button', { name: 'Withdraw' }).click()
    await page.getByText('99.99 LIQ', { exact: true }).waitFor()
  })

  it('get sending fees, which stay in their history', async () => {
    const { page } = window
    await createAsset('FEE')
    await page.getByLabel('Fixed fee').fill('0.30')
    await page.getByLabel('Basis points').fill('10001')
    await page.getByRole('button', { name: 'Set fee' }).click()
    await page.getByText('Basis points are a whole number from 0 to 10000').waitFor()
    await page.getByLabel('Basis points').fill('25')
    await page.getByRole('button', { name: 'Set fee' }).click()
    await page.getByText('The sending fee was set').waitFor()
    await page.getByRole('link', { name: 'Fee history' }).click()
    await page.getByRole('row', { name: /Sending.*0\.30 FEE.*25/s }).waitFor()
    expect(await findAccessibilityFaults(page)).toEqual([])
  })

  it('are deleted once the words were typed', async () => {
    const { page } = window
    await createAsset('DEL')
    await page.getByLabel('Type “delete asset” to confirm').fill('delete')
    await page.getByRole('button', { name: 'Delete asset' }).click()
    await page.getByText('Type delete asset to confirm').waitFor()
    await page.getByLabel('Type “delete asset” to confirm').fill('delete asset')
    await page.getByRole('button', { name: 'Delete asset' }).click()
    await page.getByText('The asset was deleted').waitFor()
    expect(await page.getByRole('row', { name: /DEL/ }).count()).toBe(0)
  })

  it('that are not there say so', async () => {
    const { page } = window
    const response = await page.goto('/assets/01900000-0000-7000-8000-000000000001')
    expect(response!.status()).toBe(404)
    await page.getByRole('heading', { name: 'Not found' }).waitFor()
  })
})
