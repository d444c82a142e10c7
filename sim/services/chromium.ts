import { spawnSync } from 'node:child_process'
import { chromium } from 'playwright-core'
import type { Browser } from 'playwright-core'

export const NO_CHROMIUM = 'there is no chromium on PATH'

const NAMES = ['chromium', 'chromium-browser', 'google-chrome']

const ARGUMENTS = [
  // It runs as root on machines of a CI, and sees local pages only.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** The name under which a Chromium can be started here. */
export function findChromium(): string | undefined {
  return NAMES.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0)
}

/**
 * A headless browser that talks to nobody but whom its pages name; it ends with this process.
 *
 * @throws an Error when none is found, or it does not start
 */
export function startChromium(): Promise<Browser> {
  const name = findChromium()
  if (name === undefined) throw new Error(NO_CHROMIUM)
  const executablePath = spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).stdout.trim()
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS })
}
