/** A way to make something smaller: candidates, the boldest first. */
export type Pass<H> = (current: H) => Iterable<H>

export interface Shrunk<H> {
  smallest: H
  /** Runs that it took. */
  runs: number
  /** Whether it ended for its budget was used up: more runs might find a smaller one. */
  exhausted: boolean
}

/**
 * Makes a failing input smaller while it still fails: pass by pass, and again from the first as long as one of them got
 * on. A run is what costs, so bold passes come first, nothing is tried twice, and the number of runs is bounded.
 *
 * @param stillFails runs a candidate; several at once are asked where `jobs` allows it
 * @param options.maxRuns runs altogether
 */
export async function shrink<H>(
  failing: H,
  passes: readonly Pass<H>[],
  stillFails: (candidate: H) => Promise<boolean>,
  {
    maxRuns,
    jobs = 1,
    keyOf = (value) => JSON.stringify(value)
  }: { maxRuns: number; jobs?: number; keyOf?: (value: H) => string }
): Promise<Shrunk<H>> {
  const tried = new Set([keyOf(failing)])
  let smallest = failing
  let runs = 0

  /** Whether the pass found something smaller; it goes on from there. */
  async function run(pass: Pass<H>): Promise<boolean> {
    let gotOn = false
    search: while (runs < maxRuns) {
      for (const batch of batches(untried(pass(smallest)), jobs)) {
        const some = batch.slice(0, maxRuns - runs)
        if (some.length === 0) return gotOn
        runs += some.length
        const fails = await Promise.all(some.map(stillFails))
        // The boldest of the batch, whichever was quicker.
        const found = some[fails.indexOf(true)]
        if (found === undefined) continue
        smallest = found
        gotOn = true
        continue search
      }
      return gotOn
    }
    return gotOn
  }

  function* untried(candidates: Iterable<H>): Generator<H> {
    for (const candidate of candidates) {
      const key = keyOf(candidate)
      if (tried.has(key)) continue
      tried.add(key)
      yield candidate
    }
  }

  for (let gotOn = true; gotOn && runs < maxRuns;) {
    gotOn = false
    for (const pass of passes) gotOn = (await run(pass)) || gotOn
  }
  return { smallest, runs, exhausted: runs >= maxRuns }
}

/** A list without a part of it: all, halves, quarters, … single elements. */
export function* withoutParts<T>(list: readonly T[], { keep = 0 }: { keep?: number } = {}): Generator<T[]> {
  for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
    for (let start = 0; start < list.length; start += size) {
      const rest = [...list.slice(0, start), ...list.slice(start + size)]
      if (rest.length >= keep) yield rest
    }
  }
}

function* batches<T>(values: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = []
  for (const value of values) {
    batch.push(value)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
