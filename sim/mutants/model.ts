/** One change of a file: `find` stands in it exactly once. */
export interface Edit {
  /** From the project's root. */
  file: string
  find: string
  replace: string
}

/**
 * Where a planted bug is looked for: a scenario over seeds, in the virtual world or on a PostgreSQL where the seed picks
 * whose statement is next, or generated histories of packets and ledgers alone (`sim/packets`), of which each seed stands
 * for some.
 */
export type Search = { scenario: string; world?: 'interleave' } | { search: 'packets' }

/** A planted bug: small edits of the node, after which something that must hold does not. */
export interface Mutant {
  name: string
  /** What is wrong then, in one sentence. */
  breaks: string
  edits: readonly Edit[]
  /** Properties of which one is expected to be violated: the start of its name (`sim/invariants`, a scenario's `always`). */
  expects: readonly string[]
  /** Where it shows, the likeliest first. */
  searches: readonly Search[]
  /** Why nothing finds it, where that is known. */
  unreached?: string
}

/** What was done until a planted bug showed. */
export interface Finding {
  search: string
  seed: number
  property: string
  message: string
  /** The reproducer, for a reader: what was done until it showed, and on what. */
  reproducer: string[]
  /** How many actions of actors and faults it has. */
  actions: number
  /** Time of the world until then. */
  worldMs: number
}

/** What came of one planted bug. */
export interface MutantResult {
  name: string
  breaks: string
  found: Finding | undefined
  /** The property found is one of those expected. */
  isExpected: boolean
  /** Runs and simulated time of all of them. */
  runs: number
  worldMs: number
  wallMs: number
  /** Where no search could be run. */
  problem?: string
}

/** A planted bug's text is not found exactly once, or what results is no TypeScript. */
export class MutantError extends Error {
  override name = 'MutantError'
}

export function searchName(search: Search): string {
  if (!('scenario' in search)) return search.search
  return search.world === undefined ? search.scenario : `${search.scenario} (${search.world})`
}

/** What was violated, and how: a message may begin with the property's name already. */
export function describeViolation({ property, message }: Finding): string {
  return message.startsWith(`${property}: `) ? message : `${property}: ${message}`
}
