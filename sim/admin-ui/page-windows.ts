import type { Browser, BrowserContextOptions } from 'playwright-core'
import { openOperatorWindow, openWindow, signIn } from './browser.ts'
import type { AdminUiWindow } from './browser.ts'
import type { ShownPage } from './every-page.ts'
import type { QuietTenant } from './quiet-tenant.ts'
import type { AdminUiNode } from './ui-network.ts'

/** A window of everybody who can look at pages. */
export async function openWindowsFor(
  browser: Browser,
  node: AdminUiNode,
  tenant: QuietTenant,
  options: BrowserContextOptions
): Promise<Record<ShownPage['as'], AdminUiWindow>> {
  const own = await openWindow(browser, node.url, options)
  await signIn(own, { tenantId: tenant.id, apiSecret: tenant.apiSecret })
  return {
    operator: await openOperatorWindow(browser, node, options),
    tenant: own,
    nobody: await openWindow(browser, node.url, options),
    'not-logged-in': await openWindow(browser, node.loginUrl, options)
  }
}
