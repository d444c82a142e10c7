import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createProgress } from '../reports/progress.ts'
import { startChromium } from '../services/chromium.ts'
import { prepareEveryPage } from './every-page.ts'
import type { ShownPage } from './every-page.ts'
import { openWindowsFor } from './page-windows.ts'
import { startUiNetwork } from './ui-network.ts'

/*
 * `npm run screenshots`: pictures of every page of the admin UI, for docs/screenshots. Brings a network of its own up,
 * and takes it down.
 */

const DIRECTORY = 'docs/screenshots'
const WIDTHS = [1_280, 390] as const
const SCHEMES = ['light', 'dark'] as const
/** What is below is the same in another length: lists. */
const MAX_HEIGHT = 2_400
const QUALITY = 60

const progress = createProgress({ json: false })
const network = await startUiNetwork()
try {
  const browser = await startChromium()
  const every = await prepareEveryPage(network.acacia, 'example')
  progress.step('network', `${every.pages.length} pages`)
  rmSync(DIRECTORY, { recursive: true, force: true })
  mkdirSync(DIRECTORY, { recursive: true })
  for (const width of WIDTHS) {
    for (const colorScheme of SCHEMES) {
      const windows = await openWindowsFor(browser, network.acacia, every.tenant, {
        colorScheme,
        viewport: { width, height: 900 }
      })
      for (const shown of every.pages) {
        const { page } = windows[shown.as]
        await page.goto(shown.path)
        await page.getByRole('heading').first().waitFor()
        // A dialog stands over what is in the window, not over the whole page.
        const isDialog = (await page.getByRole('dialog').count()) > 0
        const height = await page.evaluate(() => document.documentElement.scrollHeight)
        await page.screenshot({
          path: path.join(DIRECTORY, fileName(shown, width, colorScheme)),
          type: 'jpeg',
          quality: QUALITY,
          ...(!isDialog && {
            fullPage: true,
            clip: { x: 0, y: 0, width, height: Math.min(height, MAX_HEIGHT) }
          })
        })
      }
      for (const window of Object.values(windows)) await window.close()
      progress.step('pictures', `${width} pixels wide, ${colorScheme}`)
    }
  }
  writeFileSync(path.join(DIRECTORY, 'README.md'), indexOf(every.pages))
  await browser.close()
  await every.stop()
} finally {
  await network.stop()
}

function fileName({ name }: ShownPage, width: number, colorScheme: string): string {
  return `${name}-${width}-${colorScheme}.jpg`
}

/** A page that shows them side by side. */
function indexOf(pages: readonly ShownPage[]): string {
  const parts = pages.map((page) => {
    const pictures = WIDTHS.flatMap((width) =>
      SCHEMES.map((scheme) => `[${width}, ${scheme}](${fileName(page, width, scheme)})`)
    )
    return `- \`${page.path.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…')}\`, ${page.name}: ${pictures.join(', ')}`
  })
  return `# Pages of the admin UI

Made by \`npm run screenshots\` on a network of two nodes; not to be edited by hand. ${MAX_HEIGHT} pixels of each page at most.

![The overview](overview-1280-light.jpg)

${parts.join('\n')}
`
}
