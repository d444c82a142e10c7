import type { Clock } from './clock.ts'

/** A round trip in which the other clock is known well enough. */
const SHORT_ROUND_TRIP_MS = 1_000
const MAX_SAMPLES = 5

/**
 * Our clock minus another, in milliseconds, as far as it is certain: the other was read somewhere between the question
 * and the answer, so an answer that took long (the first connection, a database that is busy) tells little. It is asked
 * again until a round trip is short, five times at most; of the shortest, what lies outside of it is the difference.
 *
 * @param readMs the other clock, milliseconds since 1970
 */
export async function clockDifferenceMs(
  clock: Pick<Clock, 'nowMs'>,
  readMs: () => Promise<number>
): Promise<number> {
  let shortestMs = Infinity
  let differenceMs = 0
  for (let sample = 0; sample < MAX_SAMPLES && shortestMs > SHORT_ROUND_TRIP_MS; sample++) {
    const beforeMs = clock.nowMs()
    const otherMs = await readMs()
    const afterMs = clock.nowMs()
    if (afterMs - beforeMs >= shortestMs) continue
    shortestMs = afterMs - beforeMs
    differenceMs = otherMs < beforeMs ? beforeMs - otherMs : otherMs > afterMs ? afterMs - otherMs : 0
  }
  return differenceMs
}
