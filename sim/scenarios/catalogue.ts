import { readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { ScenarioError } from './scenario.ts'
import type { Scenario } from './scenario.ts'

/** A directory of scenarios, one file each: `NAME.scenario.ts`. */
export interface Catalogue {
  /** Names of all scenarios, in order. */
  names(): string[]
  file(name: string): string
}

const ENDING = '.scenario.ts'

/** @param directory default: the project's own, `scenarios/` */
export function createCatalogue(directory = path.resolve(import.meta.dirname, '../../scenarios')): Catalogue {
  return {
    names: () =>
      readdirSync(directory)
        .filter((file) => file.endsWith(ENDING))
        .map((file) => file.slice(0, -ENDING.length))
        .sort(),
    file: (name) => path.join(directory, name + ENDING)
  }
}

/**
 * Imports a scenario.
 *
 * @throws ScenarioError, or what the file itself throws
 */
export async function loadScenario(file: string): Promise<Scenario> {
  const { default: found } = (await import(pathToFileURL(file).href)) as { default?: Partial<Scenario> }
  if (typeof found?.run !== 'function' || found.topology === undefined)
    throw new ScenarioError(`${file} has no scenario as its default export; see scenarios/README.md`)
  return found as Scenario
}
