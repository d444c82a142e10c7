import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHttpClient } from '../node/runtime/index.ts'
import { ConsentError, createPayer } from '../sim/actors/payer.ts'
import type { AccountHolder } from '../sim/actors/account-holder.ts'
import { audit } from '../sim/networks/network.ts'
import { clientKey, planOf, walletAddressUrl } from '../sim/networks/plan.ts'
import { findChromium, NO_CHROMIUM, startChromium } from '../sim/services/chromium.ts'
import { startLocalNetwork } from '../sim/worlds/local/world.ts'
import type { LocalNetwork } from '../sim/worlds/local/world.ts'
import { topology } from './network-fixture.ts'

const hasChromium = findChromium() !== undefined
if (!hasChromium) console.warn(`Consent in a browser is skipped: ${NO_CHROMIUM}`)

describe.skipIf(!hasChromium && process.env.CI !== 'true')('a person with a browser', () => {
  let network: LocalNetwork
  let browser: Browser
  /** The third party's page that the browser is sent back to. */
  let shop: http.Server

  beforeAll(async () => {
    shop = http.createServer((_, response) => response.end('<title>the shop</title>Thank you'))
    await new Promise<void>((resolve) => shop.listen(0, '127.0.0.1', resolve))
    ;[network, browser] = await Promise.all([
      startLocalNetwork(topology('pair', (pair) => (pair.payments = []))),
      startChromium()
    ])
  })
  afterAll(async () => {
    await browser?.close()
    await network?.stop()
    shop?.close()
  })

  /** Reads the consent page, and presses the button of that name. */
  function personWhoPresses(button: 'Accept' | 'Decline', seen: string[]): AccountHolder {
    return {
      finishUri: `http://127.0.0.1:${(shop.address() as AddressInfo).port}/finish`,
      async decide(startUrl) {
        const context = await browser.newContext()
        try {
          const page = await context.newPage()
          await page.goto(startUrl)
          seen.push(await page.title(), await page.locator('body').innerText())
          await page.getByRole('button', { name: button, exact: true }).click()
          await page.waitForURL(/\/finish/)
          seen.push(await page.title())
          return page.url()
        } finally {
          await context.close()
        }
      }
    }
  }

  /** Alice of acacia pays Bob of baobab 10.00 USD in Bob's shop. */
  async function payInTheShop(accountHolder: AccountHolder) {
    const [alice, bob] = [planOf(network.plan.plans, 'acacia'), planOf(network.plan.plans, 'baobab')]
    const client = createHttpClient(network.runtime)
    try {
      const payer = await createPayer(
        { http: client, random: network.runtime.random, clock: network.runtime.clock },
        {
          walletAddressUrl: walletAddressUrl(bob, 'bob'),
          ...clientKey(bob, 'bob'),
          scheme: 'http',
          accountHolder
        }
      )
      return await payer.initiate({
        from: walletAddressUrl(alice, 'alice'),
        to: walletAddressUrl(bob, 'bob'),
        amount: { kind: 'send', value: 10_00n }
      })
    } finally {
      await client.close()
    }
  }

  it('reads who asks for what, accepts, is sent back to the shop, and the payment completes', async () => {
    const completed = new Promise<void>((resolve) => {
      network.wallets.get('acacia')!.onEvent(({ type }) => {
        if (type === 'outgoing_payment.completed') resolve()
      })
    })
    const seen: string[] = []
    const initiated = await payInTheShop(personWhoPresses('Accept', seen))
    const [title, page, after] = seen
    expect(title).toBe('acacia wallet')
    expect(page).toMatch(/asks for/)
    expect(page).toMatch(/outgoing-payment: create, read on .*\/alice, up to 10\.00 USD/)
    expect(after).toBe('the shop')
    expect(initiated.debitAmount).toEqual({ value: '1000', assetCode: 'USD', assetScale: 2 })
    await completed
    expect((await audit(network)).problems).toEqual([])
  })

  it('declines, and nothing is paid', async () => {
    const seen: string[] = []
    const paying = payInTheShop(personWhoPresses('Decline', seen))
    await expect(paying).rejects.toThrow(new ConsentError('consent was not given: grant_rejected'))
    expect(seen[2]).toBe('the shop')
    expect(network.wallets.get('acacia')!.accounts.get('alice')!.held).toBe(0n)
  })
})
