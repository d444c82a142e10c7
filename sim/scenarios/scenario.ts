import type { Fault } from '../faults/model.ts'
import type { Topology } from '../topology/model.ts'
import type { LabNetwork } from './lab-network.ts'

/**
 * Where a scenario can run: all in one process on simulated time; the same on a real PostgreSQL, where the seed picks
 * which statement is next; real processes on this machine.
 */
export const WORLDS = ['virtual', 'interleave', 'local'] as const
export type WorldName = (typeof WORLDS)[number]

/** Where runs happen: what runs in the local world runs with its servers in containers too. */
export const RUN_WORLDS = [...WORLDS, 'containers'] as const
export type RunWorld = (typeof RUN_WORLDS)[number]

/**
 * A scenario: a network, what its actors do, and what must hold. One readable file under `scenarios/`; the same file
 * runs in every world that it lists. What must hold of every network (`sim/invariants`) is checked without being said.
 */
export interface Scenario {
  title: string
  topology: Topology
  worlds: readonly WorldName[]
  /** How long answers take: in the virtual world, where it is drawn from the seed. */
  latency: LatencyRanges
  /** What goes wrong from the moment when the steps begin: drawn from the seed, or always the same. */
  faults(random: ScenarioRandom): readonly Fault[]
  /** States that runs of this scenario are meant to reach, each by the name that `sometimes` gives it. */
  reaches: readonly string[]
  run(context: ScenarioContext): Promise<void>
}

/** Lowest and highest, in milliseconds. */
export interface LatencyRanges {
  /** One way between two hosts. */
  networkMs: [number, number]
  /** From when the database executed a statement until its answer arrives: a crash may fall in between. */
  databaseMs: [number, number]
}

export const DEFAULT_LATENCY: LatencyRanges = { networkMs: [1, 2], databaseMs: [1, 3] }

export interface ScenarioContext {
  net: LabNetwork
  /** Draws from the run's seed: equal seeds, equal scenarios. */
  random: ScenarioRandom
  /**
   * States what must hold.
   *
   * @throws PropertyViolation where it does not
   */
  always(what: string, holds: boolean): void
  /** Says what an actor does that the network does not tell by itself: a line of the run's story. */
  does(what: string): void
  /** Counts that a state was reached, if it was. `what` is one of the scenario's `reaches`. */
  sometimes(what: string, reached?: boolean): void
}

export interface ScenarioRandom {
  /** A whole number in [low, high]. */
  integer(low: number, high: number): number
  pick<T>(values: readonly T[]): T
}

/** Something that must hold does not: the run found a fault of a node. */
export class PropertyViolation extends Error {
  override name = 'PropertyViolation'
  /** What was violated. */
  readonly property: string
  constructor(property: string, message: string) {
    super(`${property}: ${message}`)
    this.property = property
  }
}

/** A scenario file that describes no scenario. */
export class ScenarioError extends Error {
  override name = 'ScenarioError'
}

/**
 * Defines a scenario; what it leaves out is: no states to reach, no faults, the default latency.
 *
 * @throws ScenarioError where it lists no world
 */
export function scenario(
  definition: Omit<Scenario, 'reaches' | 'faults' | 'latency'> &
    Partial<Pick<Scenario, 'reaches' | 'faults' | 'latency'>>
): Scenario {
  if (definition.worlds.length === 0) throw new ScenarioError(`"${definition.title}" lists no world`)
  return { reaches: [], faults: () => [], latency: DEFAULT_LATENCY, ...definition }
}

export function createScenarioRandom(draw: (length: number) => Buffer): ScenarioRandom {
  const integer = (low: number, high: number) => {
    if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && low <= high && high - low < 2 ** 32)) {
      throw new RangeError(`no whole number lies in [${low}, ${high}]`)
    }
    return low + Math.floor((draw(6).readUIntBE(0, 6) / 2 ** 48) * (high - low + 1))
  }
  return { integer, pick: (values) => values[integer(0, values.length - 1)]! }
}
