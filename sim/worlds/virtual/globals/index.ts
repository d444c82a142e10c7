import { syncBuiltinESMExports } from 'node:module'
import { installOutside } from './outside.ts'
import { installRandomness } from './randomness.ts'
import type { Stage } from './stage.ts'
import { installTime } from './time.ts'

export { createStage } from './stage.ts'
export type { Stage } from './stage.ts'
export { OutsideOfWorldError } from './refusal.ts'

/**
 * Makes this process a virtual world's: libraries that reach for globals get its clock, timers and randomness. Must run
 * before any library is imported. From `seal()` to `unseal()`, whatever cannot be simulated throws and names its caller.
 */
export function installGlobals(options: { stage: Stage; projectDirectory: string }): {
  seal(): void
  unseal(): void
} {
  installTime(options.stage)
  installRandomness(options.stage)
  const outside = installOutside(options.projectDirectory)
  syncBuiltinESMExports()
  return outside
}
