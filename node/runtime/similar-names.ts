import type { Environment } from './environment.ts'
import type { Logger } from './logger.ts'

/** A variable that nobody reads, and the one that was probably meant. */
export interface SimilarName {
  name: string
  meant: string
}

/** Shorter names are too often like another by chance. */
const MIN_LENGTH = 8
/** Letters that may be wrong, missing, too many, or exchanged with their neighbour. */
const MAX_DISTANCE = 2
const UNIT = /_(MS|S|SECONDS|DAYS)$/

/**
 * Variables that are set and not known, and so much like a known one that a slip is likely: `WEBHOOK_URLS` for
 * `WEBHOOK_URL`, `QUOTE_LIFESPAN_MS` for `QUOTE_LIFESPAN`. They have no effect, which their operator should hear.
 */
export function findSimilarNames(set: readonly string[], known: readonly string[]): SimilarName[] {
  const fine = new Set(known)
  const found: SimilarName[] = []
  for (const name of set) {
    if (fine.has(name) || name.length < MIN_LENGTH) continue
    const meant = closest(name.toUpperCase(), known)
    if (meant !== undefined) found.push({ name, meant })
  }
  return found.sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** Tells the operator of variables that are set and probably meant to be others. */
export function warnOfSimilarNames(
  environment: Environment,
  known: readonly string[],
  logger: Pick<Logger, 'warn'>
): void {
  const set = Object.keys(environment).filter((name) => environment[name])
  for (const { name, meant } of findSimilarNames(set, known)) {
    logger.warn(
      { event: 'unknown_variable', name, meant },
      `${name} is set and nothing reads it: was ${meant} meant?`
    )
  }
}

function closest(name: string, known: readonly string[]): string | undefined {
  const bare = name.replace(UNIT, '')
  let best: string | undefined
  let bestDistance = MAX_DISTANCE + 1
  for (const candidate of known) {
    if (candidate.length < MIN_LENGTH) continue
    if (bare === candidate.replace(UNIT, '')) return candidate
    if (Math.abs(candidate.length - name.length) >= bestDistance) continue
    const distance = editDistance(name, candidate)
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best
}

/** Insertions, deletions, replacements and exchanges of neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let row = 1; row <= a.length; row++) {
    const current = [row]
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1]
      let cost = Math.min(last[column]! + 1, current[column - 1]! + 1, last[column - 1]! + (isSame ? 0 : 1))
      const isExchange = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]
      if (isExchange) cost = Math.min(cost, beforeLast[column - 2]! + 1)
      current.push(cost)
    }
    ;[beforeLast, last] = [last, current]
  }
  return last[b.length]!
}
