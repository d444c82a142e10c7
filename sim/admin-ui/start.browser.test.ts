import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startChromium } from '../services/chromium.ts'
import { openWindow } from './browser.ts'

const ui = inject('adminUi')

describe.skipIf('missing' in ui)('npm start', () => {
  let browser: Browser
  let child: ChildProcess
  const lines: Record<string, unknown>[] = []
  beforeAll(async () => {
    browser = await startChromium()
  })
  afterAll(async () => {
    await browser.close()
    child.kill('SIGKILL')
  })

  it('prints a link for each node, after the payment, that signs one in and takes the secret out of the address', async () => {
    child = spawn(process.execPath, ['sim/start.ts', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] })
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
    const links = await new Promise<string[]>((resolve, reject) => {
      void ended.then((code) => reject(new Error(`it ended with ${code}: ${JSON.stringify(lines.at(-1))}`)))
      createInterface({ input: child.stdout! }).on('line', (text) => {
        lines.push(JSON.parse(text) as Record<string, unknown>)
        const found = lines.flatMap(({ step, detail }) =>
          step === 'admin ui' && String(detail).includes('http') ? [String(detail)] : []
        )
        if (found.length === 2) resolve(found)
      })
    })
    const summaryAt = lines.findIndex(({ event }) => event === 'summary')
    expect(lines[summaryAt]).toMatchObject({ ok: true })
    expect(lines.findIndex(({ step }) => step === 'admin ui')).toBeGreaterThan(summaryAt)

    const [name, link] = links[0]!.split(': ') as [string, string]
    expect(name).toBe('acacia')
    const { origin, searchParams } = new URL(link)
    const window = await openWindow(browser, origin)
    await window.page.goto(link)
    await window.page.getByText('Operator of this node').waitFor()
    expect(window.page.url()).toBe(`${origin}/`)
    expect(await window.page.content()).not.toContain(searchParams.get('apiSecret'))
    expect(window.faults).toEqual([])
    await window.close()

    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    expect(lines.at(-1)).toMatchObject({ step: 'stopped' })
    await expect(fetch(origin)).rejects.toThrow()
  })
})
