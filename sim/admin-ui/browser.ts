import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import type { AdminUiNode } from './ui-network.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** How long a browser test waits for what a page shall show. */
const WAIT_MS = 15_000

/** A browser window of one person, and what it met that no page may do. */
export interface AdminUiWindow {
  readonly page: Page
  /** Errors of scripts, blocked content, requests to other hosts: must be empty at the end of every test. */
  readonly faults: string[]
  close(): Promise<void>
}

/** Opens a window on an admin UI; nobody is signed in. */
export async function openWindow(
  browser: Browser,
  baseURL: string,
  options: BrowserContextOptions = {}
): Promise<AdminUiWindow> {
  const context = await browser.newContext({ baseURL, reducedMotion: 'reduce', ...options })
  context.setDefaultTimeout(WAIT_MS)
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(`script: ${error.message}`))
  page.on('console', (message) => {
    // A page's own answer 4xx or 5xx is written there, too: tests look at the page instead.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(`console: ${message.text()}`)
  })
  page.on('request', (request) => {
    const { host, protocol } = new URL(request.url())
    if (protocol.startsWith('http') && host !== new URL(baseURL).host)
      faults.push(`left for ${request.url()}`)
  })
  return { page, faults, close: () => context.close() }
}

/** Signs a window in by the form of the home page. */
export async function signIn(
  { page }: AdminUiWindow,
  { tenantId, apiSecret }: { tenantId: string; apiSecret: string }
): Promise<void> {
  await page.goto('/')
  await page.getByLabel('Tenant ID').fill(tenantId)
  await page.getByLabel('API secret').fill(apiSecret)
  await page.getByRole('button', { name: 'Save' }).click()
  await page.getByRole('button', { name: 'Clear credentials' }).waitFor()
}

/** Opens a window of a node's operator. */
export async function openOperatorWindow(
  browser: Browser,
  node: AdminUiNode,
  options: BrowserContextOptions = {}
): Promise<AdminUiWindow> {
  const window = await openWindow(browser, node.url, options)
  await signIn(window, { tenantId: node.operatorTenantId, apiSecret: node.adminApiSecret })
  return window
}

interface AxeViolation {
  id: string
  impact: string
  help: string
  nodes: { target: string[]; html: string }[]
}

/** What axe finds that is serious or critical (WCAG 2.2 A and AA, best practices), each in one line. */
export async function findAccessibilityFaults(page: Page): Promise<string[]> {
  await page.evaluate(axeSource)
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: AxeViolation[] }> }
    }
    return (await axe.run()).violations
  })
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, help, nodes }) =>
      nodes.map(({ target, html }) => `${id}: ${help} at ${target.join(' ')} (${html.slice(0, 200)})`)
    )
}
