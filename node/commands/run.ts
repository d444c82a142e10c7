import { ConfigurationError, findSimilarNames } from '../runtime/index.ts'
import type { Clock, Database, Environment } from '../runtime/index.ts'
import { runCheck } from './checks.ts'
import type { MigrationSet } from './checks.ts'
import { describeFinding, fault, ok, warning } from './findings.ts'
import type { Check, Finding } from './findings.ts'

/** Writes a piece of the output. */
export type Write = (text: string) => void

/**
 * Says of everything that a start needs whether it is there, and starts nothing.
 *
 * @param load reads the configuration; throws ConfigurationError with a line per variable
 * @param checksOf what else is looked at once the configuration can be read, by what it is about
 * @returns the exit status: 0, or 2 where a fault was found
 */
export async function runChecks<Config>(
  { clock, write, json }: { clock: Pick<Clock, 'setTimer'>; write: Write; json: boolean },
  environment: Environment,
  variables: readonly string[],
  load: (environment: Environment) => Config,
  checksOf: (config: Config) => Record<string, Check>
): Promise<0 | 2> {
  const counts = { ok: 0, warning: 0, fault: 0 }
  function tell(finding: Finding): void {
    counts[finding.level] += 1
    write(json ? `${JSON.stringify({ event: 'finding', ...finding })}\n` : describeFinding(finding))
  }

  const set = Object.keys(environment).filter((name) => environment[name])
  for (const { name, meant } of findSimilarNames(set, variables)) {
    tell(warning(name, `nothing reads it: was ${meant} meant?`))
  }
  const config = readConfig(environment, load, tell)
  if (config !== undefined) {
    tell(ok('configuration', `${set.filter((name) => variables.includes(name)).length} variables are set`))
    for (const [subject, check] of Object.entries(checksOf(config.value))) {
      for (const finding of await runCheck(clock, subject, check)) tell(finding)
    }
  }

  const isWell = counts.fault === 0
  if (json) {
    const { fault: faults, warning: warnings } = counts
    write(`${JSON.stringify({ event: 'summary', ok: isWell, faults, warnings })}\n`)
  } else {
    write(`${counts.fault} faults, ${counts.warning} warnings\n`)
  }
  return isWell ? 0 : 2
}

function readConfig<Config>(
  environment: Environment,
  load: (environment: Environment) => Config,
  tell: (finding: Finding) => void
): { value: Config } | undefined {
  try {
    return { value: load(environment) }
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error
    for (const line of error.message.split('\n')) {
      const [, name = 'configuration', rest = line] = /^(\w+) (.*)$/.exec(line) ?? []
      tell(fault(name, rest))
    }
    return undefined
  }
}

/**
 * Brings the database up to date, or says what that would do, and prints the state of every migration.
 *
 * @throws what the database says when it cannot be reached
 */
export async function runMigrations(
  database: Database,
  sets: readonly MigrationSet[],
  { write, json, dryRun }: { write: Write; json: boolean; dryRun: boolean }
): Promise<void> {
  let applied = 0
  let missing = 0
  for (const { name: set, migrations } of sets) {
    const before = await database.listMigrations(set, migrations)
    if (!dryRun) await database.migrate(set, migrations)
    const wasThere = new Set(before.filter(({ appliedAt }) => appliedAt).map(({ name }) => name))
    for (const { name, appliedAt, isKnown } of await database.listMigrations(set, migrations)) {
      const state = stateOf({ isThere: appliedAt !== undefined, wasThere: wasThere.has(name), isKnown })
      if (state === 'applied now') applied += 1
      if (state === 'to be applied') missing += 1
      write(
        json
          ? `${JSON.stringify({ event: 'migration', set, name, state, appliedAt: appliedAt?.toISOString() })}\n`
          : `${set}/${name}: ${state}${appliedAt === undefined ? '' : ` (${appliedAt.toISOString()})`}\n`
      )
    }
  }
  if (json) write(`${JSON.stringify({ event: 'summary', ok: true, applied, missing })}\n`)
  else write(dryRun ? `${missing} to be applied\n` : `${applied} applied now\n`)
}

function stateOf(migration: { isThere: boolean; wasThere: boolean; isKnown: boolean }): string {
  if (!migration.isKnown) return 'of a newer version'
  if (!migration.isThere) return 'to be applied'
  return migration.wasThere ? 'applied' : 'applied now'
}
