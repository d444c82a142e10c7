import { syncBuiltinESMExports } from 'node:module'
import type { Owner } from '../owner.ts'
import type { Scheduler } from '../scheduler.ts'
import { installOutside } from './outside.ts'
import { installRandomness } from './randomness.ts'
import { installTime } from './time.ts'

export { OutsideOfWorldError } from './refusal.ts'

/**
 * Makes this process a virtual world's: libraries that reach for globals get its clock, timers and randomness. Must run
 * before any library is imported. From `seal()` on, whatever cannot be simulated throws and names its caller.
 *
 * @param fallback draws and sets timers where no process of the world is at work (while modules are loaded)
 */
export function installGlobals(options: {
  scheduler: Scheduler
  fallback: Owner
  projectDirectory: string
}): { seal(): void } {
  installTime(options.scheduler)
  installRandomness(options.fallback)
  const outside = installOutside(options.projectDirectory)
  syncBuiltinESMExports()
  return outside
}
