import type { Browser, Locator } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { findAccessibilityFaults, openOperatorWindow, openWindow, signIn } from './browser.ts'
import type { AdminUiWindow } from './browser.ts'
import { startChromium } from '../services/chromium.ts'
import { openQuietTenant, usd } from './quiet-tenant.ts'
import type { QuietTenant } from './quiet-tenant.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('payments', () => {
  const { acacia } = ui as Exclude<typeof ui, { missing: string }>
  let browser: Browser
  let tenant: QuietTenant
  let window: AdminUiWindow
  beforeAll(async () => {
    ;[browser, tenant] = await Promise.all([startChromium(), openQuietTenant(acacia, 'quiet-payments')])
  })
  afterAll(async () => {
    await Promise.all([browser.close(), tenant.stop()])
  })
  beforeEach(async () => {
    window = await openTenantWindow()
  })
  afterEach(async () => {
    await window.close()
    expect(window.faults).toEqual([])
  })

  async function openTenantWindow(options = {}): Promise<AdminUiWindow> {
    const opened = await openWindow(browser, acacia.url, options)
    await signIn(opened, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
    return opened
  }

  /** A fact or an amount of a page, by its name. */
  const fact = (name: string): Locator =>
    window.page.locator('dl > div', { has: window.page.locator('dt', { hasText: name }) }).locator('dd')
  const money = async (where: string) =>
    window.page.getByRole('row', { name: where }).getByRole('cell').first().innerText()
  const rows = () => window.page.locator('tbody tr')
  /** The list with this filter, by its address: how many payments it shows. */
  async function listed(filter: Record<string, string>): Promise<number> {
    await window.page.goto(`/payments?${new URLSearchParams(filter).toString()}`)
    await window.page.getByRole('heading', { name: 'Payments', level: 1 }).waitFor()
    return rows().count()
  }

  /** A payment within the node that was sent: 10.00 USD, of which 0.25 are the fee. */
  async function sentPayment() {
    const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(975))
    const outgoing = await tenant.createOutgoingPayment(incoming.url)
    await tenant.deposit(outgoing)
    await Promise.all([
      tenant.told('outgoing_payment.completed', outgoing),
      tenant.told('incoming_payment.completed', incoming.id)
    ])
    return { incoming, outgoing }
  }

  describe('are listed', () => {
    let incoming: { id: string; url: string }
    let outgoing: string
    let begun: string
    beforeAll(async () => {
      begun = new Date().toISOString()
      incoming = await tenant.createIncomingPayment(tenant.foreignPayee.id)
      outgoing = await tenant.createOutgoingPayment(incoming.url, usd(500))
    })

    it('both kinds in one table, newest first', async () => {
      const { page } = window
      await page.getByRole('link', { name: 'Payments' }).click()
      const first = page.getByRole('row', { name: outgoing })
      await first.waitFor()
      expect(await first.innerText()).toMatch(/Outgoing\s+Funding\s+\d{4}-.* UTC\s+quiet-payments/s)
      expect(await page.getByRole('row', { name: incoming.id }).innerText()).toMatch(/Incoming\s+Pending/s)
      expect(await findAccessibilityFaults(page)).toEqual([])
      await first.getByRole('link', { name: outgoing }).click()
      await page.getByRole('heading', { name: 'Outgoing payment' }).waitFor()
    })

    it('by type, state, wallet address, receiver and time, all in the address', async () => {
      const mine = { walletAddressId: tenant.foreignPayee.id }
      expect(await listed(mine)).toBe(1)
      expect(await listed({ ...mine, type: 'INCOMING' })).toBe(1)
      expect(await listed({ ...mine, type: 'OUTGOING' })).toBe(0)
      await window.page.getByText('No payment is like that').waitFor()
      expect(await findAccessibilityFaults(window.page)).toEqual([])
      expect(await listed({ ...mine, state: 'PENDING' })).toBe(1)
      expect(await listed({ ...mine, state: 'EXPIRED' })).toBe(0)
      expect(await listed({ receiver: incoming.url })).toBe(1)
      expect(await listed({ receiver: `${incoming.url}x` })).toBe(0)
      expect(await listed({ ...mine, createdAfter: begun })).toBe(1)
      expect(await listed({ ...mine, createdBefore: begun })).toBe(0)
    })

    it('by the form; cleared again', async () => {
      const { page } = window
      await page.goto('/payments')
      await page.getByText('Search and filter').click()
      await page.getByLabel('Type').selectOption('Outgoing')
      await page.getByLabel('Receiver').fill(incoming.url)
      await page.getByRole('checkbox', { name: 'Funding' }).check()
      await page.getByRole('checkbox', { name: 'Sending' }).check()
      await page.getByLabel('Created from (UTC)').fill('2020-01-31T12:00')
      expect(await findAccessibilityFaults(page)).toEqual([])
      await page.getByRole('button', { name: 'Search' }).click()
      await page.getByRole('link', { name: 'Clear' }).waitFor()
      const query = new URL(page.url()).searchParams
      expect([...query.keys()].toSorted()).toEqual(['createdAfter', 'receiver', 'state', 'state', 'type'])
      expect(await rows().count()).toBe(1)
      expect(await page.getByLabel('Type').inputValue()).toBe('OUTGOING')
      expect(await page.getByLabel('Created from (UTC)').inputValue()).toMatch(/^2020-01-31T12:00/)
      expect(await page.getByRole('checkbox', { name: 'Sending' }).isChecked()).toBe(true)
      await page.getByRole('link', { name: 'Clear' }).click()
      await page.waitForURL((url) => url.search === '')
      await page.getByRole('row', { name: incoming.id }).waitFor()
    })

    it('not by what cannot be: beside its field, in the browser and by the server', async () => {
      const { page } = window
      await page.goto('/payments')
      await page.getByText('Search and filter').click()
      await page.getByLabel('Wallet address ID').fill('17')
      await page.getByRole('button', { name: 'Search' }).click()
      await page.getByText('A wallet address is named by its id, a UUID').waitFor()
      const response = await page.goto('/payments?walletAddressId=17&createdAfter=yesterday')
      expect(response!.status()).toBe(400)
      await page.getByText('A wallet address is named by its id, a UUID').waitFor()
      await page.getByText('A date and time is needed').waitFor()
      await page.getByText('Correct the filter to see payments.').waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])
    })

    it('by the form where scripts are off', async () => {
      const plain = await openTenantWindow({ javaScriptEnabled: false })
      await plain.page.goto('/payments')
      await plain.page.getByText('Search and filter').click()
      await plain.page.getByLabel('Receiver').fill(incoming.url)
      await plain.page.getByRole('checkbox', { name: 'Funding' }).check()
      await plain.page.getByRole('button', { name: 'Search' }).click()
      await plain.page.getByRole('row', { name: outgoing }).waitFor()
      expect([...new URL(plain.page.url()).searchParams.keys()].toSorted()).toEqual(['receiver', 'state'])
      expect(plain.faults).toEqual([])
      await plain.close()
    })

    it('page by page, 20 at a time, with the filter', async () => {
      const { page } = window
      const walletAddressId = tenant.payer.id
      await Promise.all(Array.from({ length: 45 }, () => tenant.createIncomingPayment(walletAddressId)))
      const seen = new Set<string>()
      const look = async () => {
        const ids = await rows().locator('th').allInnerTexts()
        for (const id of ids) seen.add(id)
        return ids.length
      }
      /** Goes to the page before or after this one, and waits for its rows: the address changes first. */
      const turnTo = async (name: 'Previous page' | 'Next page') => {
        const first = await rows().locator('th').first().innerText()
        await page.getByRole('link', { name }).click()
        await page.getByRole('row', { name: first }).waitFor({ state: 'detached' })
      }
      expect(await listed({ walletAddressId, type: 'INCOMING' })).toBe(20)
      await look()
      await turnTo('Next page')
      expect(new URL(page.url()).searchParams.get('walletAddressId')).toBe(walletAddressId)
      expect(await look()).toBe(20)
      await turnTo('Next page')
      expect(await look()).toBe(5)
      expect(seen.size).toBe(45)
      expect(await page.getByRole('link', { name: 'Next page' }).count()).toBe(0)
      await turnTo('Previous page')
      expect(await look()).toBe(20)
      expect(seen.size).toBe(45)
      expect((await page.goto('/payments?after=17'))!.status()).toBe(400)
    })

    it('for the operator those of all tenants, or of one', async () => {
      const operator = await openOperatorWindow(browser, acacia)
      const { page } = operator
      await page.goto('/payments')
      await page.getByText('Search and filter').click()
      await page.getByLabel('Tenant').selectOption('quiet-payments')
      await page.getByLabel('Receiver').fill(incoming.url)
      await page.getByRole('button', { name: 'Search' }).click()
      await page.getByRole('row', { name: outgoing }).waitFor()
      await page.goto(`/payments?tenantId=${acacia.operatorTenantId}`)
      await page.getByRole('heading', { name: 'Payments', level: 1 }).waitFor()
      expect(await page.getByRole('row', { name: /quiet-payments/ }).count()).toBe(0)
      expect(await page.locator('tbody tr').count()).toBeGreaterThan(0)
      expect(operator.faults).toEqual([])
      await operator.close()
    })
  })

  describe('that go out', () => {
    it('are deposited while they wait for it, and sent; what is left over is withdrawn', async () => {
      const { page } = window
      const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(975))
      const id = await tenant.createOutgoingPayment(incoming.url)
      await page.goto(`/payments/outgoing/${id}`)
      expect(await money('Not deposited yet')).toBe('10.00 USD')
      expect(await fact('Wallet address that pays').innerText()).toBe(tenant.payer.url)
      expect(await fact('Delivered at least').innerText()).toBe('9.75 USD')
      await page.getByText('"order": "A-1"').waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])

      await page.getByRole('link', { name: 'Deposit liquidity' }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText('10.00 USD are deposited').waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])
      await dialog.getByRole('button', { name: 'Deposit 10.00 USD' }).click()
      await page.getByText('The deposit was made').waitFor()
      await tenant.told('outgoing_payment.completed', id)
      await page.reload()
      await page.getByRole('definition').getByText('Completed', { exact: true }).waitFor()
      const timeline = page.getByRole('region', { name: 'Timeline' })
      const entries = await timeline.getByRole('listitem').allInnerTexts()
      for (const what of [
        /State\s+Funding/,
        /Webhook\s+outgoing_payment\.created/,
        /Ledger[\s\S]*10\.00 USD/
      ]) {
        expect(entries.join('\n\n')).toMatch(what)
      }
      expect(entries.findIndex((entry) => entry.includes('Funding'))).toBeLessThan(
        entries.findIndex((entry) => entry.includes('Completed'))
      )
      expect(await money('Sent')).toBe('9.75 USD')
      expect(await money('Held')).toBe('0.25 USD')
      expect(await fact('Delivered: received so far').innerText()).toBe('9.75 USD')
      const told = page.getByRole('row', { name: 'outgoing_payment.completed' })
      expect(await told.innerText()).toMatch(/outgoing_payment\.completed.*UTC\s+\S.*attempt/s)
      await page
        .getByRole('row', { name: /outgoing_payment\.created.*Delivered 1 attempt, answered 200/s })
        .waitFor()
      expect(await page.getByRole('link', { name: 'sending them again' }).getAttribute('href')).toBe(
        `/webhook-events?resourceId=${id}`
      )
      expect(await findAccessibilityFaults(page)).toEqual([])

      await page.getByRole('link', { name: 'Withdraw liquidity' }).click()
      await dialog.getByRole('button', { name: 'Withdraw 0.25 USD' }).click()
      await page.getByText('What the payment left over was withdrawn').waitFor()
      expect(await money('Held')).toBe('0.00 USD')
      expect(await money('Given back')).toBe('0.25 USD')
      expect(await page.getByRole('link', { name: 'Withdraw liquidity' }).count()).toBe(0)

      await fact('Incoming payment').getByRole('link').click()
      await page.getByRole('heading', { name: 'Incoming payment', level: 1 }).waitFor()
    })

    it('are cancelled before their deposit, with a reason', async () => {
      const { page } = window
      const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(100))
      const id = await tenant.createOutgoingPayment(incoming.url)
      await page.goto(`/payments/outgoing/${id}`)
      await page.getByRole('link', { name: 'Cancel', exact: true }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Reason').fill('The customer thought again')
      expect(await findAccessibilityFaults(page)).toEqual([])
      await dialog.getByRole('button', { name: 'Cancel the payment' }).click()
      await page.getByText('The payment was cancelled', { exact: true }).waitFor()
      await page.getByRole('region', { name: 'Timeline' }).getByText('The customer thought again').waitFor()
      expect(await money('Never deposited')).toBe('1.25 USD')
      await page.goto(`/payments/outgoing/${id}/deposit-liquidity`)
      await page.getByText('Only a payment that waits for its deposit').waitFor()
      expect(
        await page
          .getByRole('dialog')
          .getByRole('button', { name: /Deposit/ })
          .count()
      ).toBe(0)
    })

    it('that changed meanwhile say so above the form', async () => {
      const { page } = window
      const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(100))
      const id = await tenant.createOutgoingPayment(incoming.url)
      await page.goto(`/payments/outgoing/${id}/deposit-liquidity`)
      await tenant.admin.call(
        `mutation Cancel($input: CancelOutgoingPaymentInput!) { cancelOutgoingPayment(input: $input) { payment { id } } }`,
        { input: { id } }
      )
      await page.getByRole('button', { name: /^Deposit/ }).click()
      await page.getByRole('alert').getByText('The payment has changed meanwhile').waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])
      await page.getByRole('link', { name: 'Go back' }).click()
      await page.getByRole('definition').getByText('Cancelled', { exact: true }).waitFor()
    })

    it('that failed say why in words, and what to do', async () => {
      const { page } = window
      const incoming = await tenant.createIncomingPayment(tenant.foreignPayee.id)
      const id = await tenant.createOutgoingPayment(incoming.url, usd(500))
      await tenant.deposit(id)
      await tenant.told('outgoing_payment.failed', id)
      await page.goto(`/payments/outgoing/${id}`)
      await page.getByRole('heading', { name: 'Why it failed' }).waitFor()
      await page.getByText('The liquidity of the receiver’s asset on this node').waitFor()
      await page.getByRole('region', { name: 'Why it failed' }).getByText('InsufficientLiquidity').waitFor()
      expect(await money('Held')).toBe('5.00 USD')
      expect(await findAccessibilityFaults(page)).toEqual([])
      await page.getByRole('link', { name: 'Withdraw liquidity' }).click()
      await page.getByRole('button', { name: 'Withdraw 5.00 USD' }).click()
      await page.getByText('What the payment left over was withdrawn').waitFor()
      expect(await money('Given back')).toBe('5.00 USD')
    })

    it('are deposited, once, where scripts are off', async () => {
      const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(975))
      const id = await tenant.createOutgoingPayment(incoming.url)
      const plain = await openTenantWindow({ javaScriptEnabled: false })
      await plain.page.goto(`/payments/outgoing/${id}/deposit-liquidity`)
      await plain.page.getByRole('button', { name: 'Deposit 10.00 USD' }).click()
      await plain.page.getByText('The deposit was made').waitFor()
      await tenant.told('outgoing_payment.completed', id)
      await plain.page.goto(`/payments/outgoing/${id}`)
      await plain.page.getByRole('definition').getByText('Completed', { exact: true }).waitFor()
      expect(plain.faults).toEqual([])
      await plain.close()
    })

    it('to another node ask it what was delivered when one wants to know', async () => {
      const operator = await openOperatorWindow(browser, acacia)
      const { page } = operator
      await page.goto(`/payments?type=OUTGOING&state=COMPLETED&tenantId=${acacia.operatorTenantId}`)
      await page.locator('tbody th a').first().click()
      await page.getByRole('link', { name: 'Ask that node what was delivered' }).click()
      await page.getByText('Delivered: received so far').waitFor()
      await page
        .getByText(/\d+\.\d{4} EUR/)
        .first()
        .waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])
      expect(operator.faults).toEqual([])
      await operator.close()
    })
  })

  describe('that come in', () => {
    it('show what came and where it is; it is withdrawn', async () => {
      const { page } = window
      const { incoming } = await sentPayment()
      await page.goto(`/payments/incoming/${incoming.id}`)
      expect(await fact('Received').innerText()).toBe('9.75 USD')
      expect(await fact('Expected in all').innerText()).toBe('9.75 USD')
      expect(await fact('Wallet address that is paid').innerText()).toBe(tenant.payee.url)
      expect(await money('Held')).toBe('9.75 USD')
      expect(await findAccessibilityFaults(page)).toEqual([])
      await page.getByRole('link', { name: 'Withdraw liquidity' }).click()
      expect(await findAccessibilityFaults(page)).toEqual([])
      await page.getByRole('button', { name: 'Withdraw 9.75 USD' }).click()
      await page.getByText('What the payment received was withdrawn').waitFor()
      expect(await money('Given out')).toBe('9.75 USD')
      await page.goto(`/payments/incoming/${incoming.id}/withdraw-liquidity`)
      await page.getByText('there is nothing to withdraw').waitFor()
    })

    it('are cancelled with a reason while nothing was received', async () => {
      const { page } = window
      const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(975))
      await page.goto(`/payments/incoming/${incoming.id}`)
      expect(await money('Still to come')).toBe('9.75 USD')
      await page.getByRole('link', { name: 'Cancel', exact: true }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Reason').fill('Sold out')
      expect(await findAccessibilityFaults(page)).toEqual([])
      await dialog.getByRole('button', { name: 'Cancel the payment' }).click()
      await page.getByText('The payment was cancelled', { exact: true }).waitFor()
      await page.getByRole('heading', { name: 'Cancelled by the wallet' }).waitFor()
      await page.getByRole('region', { name: 'Cancelled by the wallet' }).getByText('Sold out').waitFor()
      expect(await findAccessibilityFaults(page)).toEqual([])
    })

    it('are approved; then they cannot be cancelled any more', async () => {
      const { page } = window
      const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(975))
      await page.goto(`/payments/incoming/${incoming.id}`)
      await page.getByRole('link', { name: 'Approve' }).click()
      expect(await findAccessibilityFaults(page)).toEqual([])
      await page.getByRole('button', { name: 'Approve the payment' }).click()
      await page.getByText('The payment was approved').waitFor()
      await page.getByRole('link', { name: 'Cancel', exact: true }).click()
      await page.getByRole('button', { name: 'Cancel the payment' }).click()
      await page.getByText(/action already performed.*\(FORBIDDEN\)/).waitFor()
    })
  })

  describe('of others', () => {
    it('are not there for a tenant', async () => {
      const { page } = window
      const operator = await openOperatorWindow(browser, acacia)
      await operator.page.goto(`/payments?tenantId=${acacia.operatorTenantId}`)
      const link = operator.page.locator('tbody th a').first()
      const path = await link.getAttribute('href')
      await operator.close()
      await page.goto('/payments')
      await page.getByRole('heading', { name: 'Payments', level: 1 }).waitFor()
      expect(await page.getByRole('row', { name: 'quiet-payments' }).count()).toBe(await rows().count())
      expect(await page.getByLabel('Tenant').count()).toBe(0)
      expect((await page.goto(path!))!.status()).toBe(404)
      await page.getByRole('heading', { name: 'Not found' }).waitFor()
    })

    it('are for the operator to look at; their deposit and their end are their tenant’s', async () => {
      const incoming = await tenant.createIncomingPayment(tenant.payee.id, usd(975))
      const id = await tenant.createOutgoingPayment(incoming.url)
      const operator = await openOperatorWindow(browser, acacia)
      const { page } = operator
      await page.goto(`/payments/outgoing/${id}`)
      await page.getByRole('heading', { name: 'Outgoing payment' }).waitFor()
      expect(await page.getByRole('link', { name: /^(Deposit|Cancel)/ }).count()).toBe(0)
      await page.goto(`/payments/outgoing/${id}/cancel`)
      await page.getByText('Only the tenant whose payment it is may do that').waitFor()
      await page.goto(`/payments/incoming/${incoming.id}/approve`)
      await page.getByText('Only the tenant whose payment it is may do that').waitFor()
      expect(operator.faults).toEqual([])
      await operator.close()
    })
  })

  it('that are not there say so', async () => {
    const { page } = window
    for (const kind of ['incoming', 'outgoing']) {
      const response = await page.goto(`/payments/${kind}/01900000-0000-7000-8000-000000000001`)
      expect(response!.status()).toBe(404)
      await page.getByRole('heading', { name: 'Not found' }).waitFor()
    }
  })
})
