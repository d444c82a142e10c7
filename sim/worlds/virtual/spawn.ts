import { existsSync } from 'node:fs'
import type { VirtualRunOptions, VirtualRunResult } from './child-job.ts'
import { imagePath } from './pglite-engine.ts'
import { createChildren, createWorldPool, DEFAULT_WALL_LIMIT_MS } from './pool.ts'

export { VirtualRunError } from './child-job.ts'
export type { VirtualRunOptions, VirtualRunResult } from './child-job.ts'

/**
 * Runs a scenario in a virtual world of its own, in a process of its own: `createWorldPool` runs many.
 *
 * @throws VirtualRunError with the scenario's error, or what the world had to say
 */
export async function runInVirtualWorld<T = unknown>(
  modulePath: string,
  args: unknown,
  options: VirtualRunOptions
): Promise<VirtualRunResult<T>> {
  const pool = createWorldPool({ jobs: 1 })
  try {
    return await pool.run<T>(modulePath, args, options)
  } finally {
    await pool.close()
  }
}

/** Makes the database image that worlds start from, unless it is there: once per installation, a few seconds. */
export async function ensureImage(): Promise<void> {
  if (existsSync(imagePath())) return
  const { submit, close } = createChildren(1)
  try {
    await submit({ kind: 'image' }, DEFAULT_WALL_LIMIT_MS)
  } finally {
    await close()
  }
}
