import type { Database } from '../runtime/index.ts'
import type { MigrationSet } from './checks.ts'

/** Why a service did not start, in one line for its operator: what was wrong, where, what to do. */
export class StartError extends Error {
  override name = 'StartError'
}

/**
 * For a start that leaves the schema alone (ENABLE_MANUAL_MIGRATIONS).
 *
 * @throws StartError where migrations are missing, with the command that applies them
 */
export async function requireMigrations(
  service: 'backend' | 'auth',
  database: Pick<Database, 'listMigrations'>,
  sets: readonly MigrationSet[]
): Promise<void> {
  const missing: string[] = []
  for (const { name: set, migrations } of sets) {
    for (const { name, appliedAt } of await database.listMigrations(set, migrations)) {
      if (appliedAt === undefined) missing.push(`${set}/${name}`)
    }
  }
  if (missing.length === 0) return
  const which = missing.length === 1 ? missing[0] : `${missing[0]} and ${missing.length - 1} more`
  throw new StartError(
    `ENABLE_MANUAL_MIGRATIONS is true and the database lacks migrations (${which}): run npm run ${service} -- --migrate, then start again`
  )
}
