import type { Clock } from '../../node/runtime/index.ts'
import { PropertyViolation } from './scenario.ts'

export const UNTIL_LIMIT_MS = 180_000
const LONGEST_PAUSE_MS = 250

/**
 * Waits until something holds, asking again and again.
 *
 * @throws PropertyViolation when it does not within `withinMs` of the world's time
 */
export type Until = (
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs?: number
) => Promise<void>

export function createUntil(clock: Clock): Until {
  return async (what, holds, withinMs = UNTIL_LIMIT_MS) => {
    const deadlineMs = clock.nowMs() + withinMs
    for (let pauseMs = 10; !(await holds()); pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      if (clock.nowMs() > deadlineMs)
        throw new PropertyViolation('liveness', `${what} did not come about within ${withinMs} ms`)
      await clock.sleep(pauseMs)
    }
  }
}
