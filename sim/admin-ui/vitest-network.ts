import type { TestProject } from 'vitest/node'
import { findChromium, NO_CHROMIUM } from '../services/chromium.ts'
import { startUiNetwork } from './ui-network.ts'
import type { AdminUiNode } from './ui-network.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Two peered nodes with an admin UI each, which tests share; or why there are none. */
    adminUi: { acacia: AdminUiNode; baobab: AdminUiNode } | { missing: string }
  }
}

/** One network for all browser tests of a run. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (findChromium() === undefined) {
    if (process.env.CI === 'true') throw new Error(`Tests of the admin UI cannot run: ${NO_CHROMIUM}`)
    console.warn(`Tests of the admin UI are skipped: ${NO_CHROMIUM}`)
    project.provide('adminUi', { missing: NO_CHROMIUM })
    return async () => undefined
  }
  const { acacia, baobab, stop } = await startUiNetwork()
  project.provide('adminUi', { acacia, baobab })
  return stop
}
