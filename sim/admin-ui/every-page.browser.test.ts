import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startChromium } from '../services/chromium.ts'
import { findAccessibilityFaults } from './browser.ts'
import { NOT_SHOWN, prepareEveryPage, routesOfTheUi } from './every-page.ts'
import type { EveryPage } from './every-page.ts'
import { openWindowsFor } from './page-windows.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('every page', () => {
  const { acacia } = ui as Exclude<typeof ui, { missing: string }>
  let browser: Browser
  let every: EveryPage
  beforeAll(async () => {
    ;[browser, every] = await Promise.all([startChromium(), prepareEveryPage(acacia, 'every-page')])
  })
  afterAll(async () => {
    await browser.close()
    await every.stop()
  })

  it('of the UI is among those that are looked at, or it is said why not', () => {
    const looked = new Set([...every.pages.map(({ route }) => route), ...Object.keys(NOT_SHOWN)])
    expect(routesOfTheUi().filter((route) => !looked.has(route))).toEqual([])
    expect([...looked].filter((route) => !routesOfTheUi().includes(route))).toEqual([])
  })

  it.each([
    ['light', 1_280],
    ['dark', 1_280],
    ['light', 390],
    ['dark', 390]
  ] as const)(
    'in the %s at %d pixels has no serious fault of accessibility and fits its width',
    async (colorScheme, width) => {
      const windows = await openWindowsFor(browser, acacia, every.tenant, {
        colorScheme,
        viewport: { width, height: 900 }
      })
      const faults: string[] = []
      for (const { name, path, as } of every.pages) {
        const { page } = windows[as]
        await page.goto(path)
        await page.getByRole('heading').first().waitFor()
        for (const fault of await findAccessibilityFaults(page)) faults.push(`${name}: ${fault}`)
        const tooWide = await widerThanTheWindow(page)
        if (tooWide) faults.push(`${name}: ${tooWide}`)
      }
      for (const window of Object.values(windows)) {
        faults.push(...window.faults)
        await window.close()
      }
      expect(faults).toEqual([])
    },
    240_000
  )
})

/** What stands out of the window, where the page can be scrolled sideways. */
function widerThanTheWindow(page: Page): Promise<string | undefined> {
  return page.evaluate(() => {
    const { scrollWidth } = document.documentElement
    if (scrollWidth <= window.innerWidth) return undefined
    const widest = [...document.querySelectorAll('body *')]
      .filter((element) => element.getBoundingClientRect().right > window.innerWidth + 1)
      .at(-1)
    return `${scrollWidth} wide in a window of ${window.innerWidth}: ${widest?.outerHTML.slice(0, 150) ?? ''}`
  })
}
