import { expect, it } from 'vitest'
import { MAX_RETRY_STEPS, RETRY_STEP_MS, retryDelayMs } from './delivery.ts'

it('waits ten seconds per attempt, a minute at most, and up to a tenth more so that retries spread', () => {
  expect([0, 0.5, 0.999].map((fraction) => retryDelayMs(1, fraction))).toEqual([10_000, 10_500, 10_999])
  expect([1, 2, 6, 7, 100].map((attempts) => retryDelayMs(attempts, 0))).toEqual([
    10_000, 20_000, 60_000, 60_000, 60_000
  ])
  expect(retryDelayMs(MAX_RETRY_STEPS + 1, 0.5)).toBe(MAX_RETRY_STEPS * RETRY_STEP_MS * 1.05)
})
