import type { Cache, Clock, Database, HttpClient, Logger, Migration, Network } from '../runtime/index.ts'
import { CHECK_TIMEOUT_MS, describeError, fault, ok, warning } from './findings.ts'
import type { Check, Finding } from './findings.ts'

/** A process whose clock differs more from the database's does not start: leases would mean nothing. */
export const MAX_CLOCK_DIFFERENCE_MS = 5_000
/** SQL of this node runs on PostgreSQL from here on. */
const MIN_POSTGRES_VERSION = 15

export interface MigrationSet {
  name: string
  migrations: readonly Migration[]
}

/** Runs a check in bounded time; what it throws is a fault about `subject`. */
export async function runCheck(
  { setTimer }: Pick<Clock, 'setTimer'>,
  subject: string,
  check: Check
): Promise<Finding[]> {
  let timer: { cancel(): void } | undefined
  const late = new Promise<Finding>((resolve) => {
    timer = setTimer(CHECK_TIMEOUT_MS, () =>
      resolve(
        fault(subject, `no answer within ${CHECK_TIMEOUT_MS / 1_000} s: start it, or set another address`)
      )
    )
  })
  try {
    return [await Promise.race([check(), late])].flat()
  } catch (error) {
    return [fault(subject, describeError(error))]
  } finally {
    timer?.cancel()
  }
}

/** The database answers, is new enough, has our time, and its schema is known. */
export async function checkDatabase(
  variable: string,
  database: Database,
  { sets, areManual }: { sets: readonly MigrationSet[]; areManual: boolean }
): Promise<Finding[]> {
  let version: string
  try {
    const { rows } = await database.knex.raw<{ rows: [{ server_version: string }] }>('SHOW server_version')
    version = rows[0].server_version
  } catch (error) {
    return [
      fault(variable, `PostgreSQL cannot be used (${describeError(error)}): start it, or set ${variable}`)
    ]
  }
  const findings = [
    parseInt(version, 10) >= MIN_POSTGRES_VERSION
      ? ok(variable, `PostgreSQL ${version} answers`)
      : fault(
          variable,
          `PostgreSQL ${version} is too old: version ${MIN_POSTGRES_VERSION} or later is needed`
        )
  ]
  const differenceMs = Math.round(await database.clockDifferenceMs())
  findings.push(
    Math.abs(differenceMs) <= MAX_CLOCK_DIFFERENCE_MS
      ? ok('clock', `${differenceMs} ms from the database's`)
      : fault(
          'clock',
          `${differenceMs} ms from the database's, at most ${MAX_CLOCK_DIFFERENCE_MS} ms are allowed: set both by NTP`
        )
  )
  for (const { name, migrations } of sets) {
    findings.push(await checkMigrations(database, name, migrations, areManual))
  }
  return findings
}

async function checkMigrations(
  database: Database,
  set: string,
  migrations: readonly Migration[],
  areManual: boolean
): Promise<Finding> {
  const subject = `migrations of ${set}`
  const states = await database.listMigrations(set, migrations)
  const newer = states.filter(({ isKnown }) => !isKnown)
  const missing = states.filter(({ appliedAt }) => appliedAt === undefined)
  if (newer.length > 0) {
    const names = newer.map(({ name }) => name).join(', ')
    return warning(subject, `a newer version has changed this database (${names}): start that version again`)
  }
  if (missing.length === 0) return ok(subject, `all ${states.length} are applied`)
  if (!areManual) return ok(subject, `${missing.length} of ${states.length} will be applied at the start`)
  return fault(
    subject,
    `${missing.length} of ${states.length} are not applied and ENABLE_MANUAL_MIGRATIONS is true: run it with --migrate`
  )
}

/** Values of NODE_ENV that have an effect (docs/operations.md). */
const NODE_ENVS = ['development', 'test', 'autopeer', 'production']

/** What the operator should hear of a NODE_ENV that has no effect: any is allowed, as in Rafiki, also `prod`. */
function strangeNodeEnv(value: string): string | undefined {
  if (NODE_ENVS.includes(value)) return undefined
  return `"${value}" is none of ${NODE_ENVS.join(', ')}: nothing follows from it, and production's restrictions are off`
}

/** NODE_ENV is one that has an effect. */
export function checkNodeEnv(value: string): Finding[] {
  const strange = strangeNodeEnv(value)
  return strange === undefined ? [] : [warning('NODE_ENV', strange)]
}

/** Tells the operator at a start what a check would. */
export function warnOfNodeEnv(value: string, logger: Pick<Logger, 'warn'>): void {
  const strange = strangeNodeEnv(value)
  if (strange !== undefined) logger.warn({ event: 'unknown_node_env' }, `NODE_ENV: ${strange}`)
}

/** The cache answers. `CACHE=memory` is said. */
export async function checkCache(cache: Cache, isMemory: boolean): Promise<Finding> {
  if (isMemory) return warning('CACHE', 'memory: one process of this service only, and nothing outlives it')
  try {
    await cache.ping()
    return ok('REDIS_URL', 'Redis answers')
  } catch (error) {
    return fault('REDIS_URL', `Redis cannot be used (${describeError(error)}): start it, or set REDIS_URL`)
  }
}

/** The ports that a start opens are free. */
export async function checkPorts(
  network: Network,
  host: string,
  ports: Record<string, number>
): Promise<Finding[]> {
  const findings: Finding[] = []
  for (const [variable, port] of Object.entries(ports)) {
    try {
      const listener = await network.listen({ host, port }, (socket) => socket.destroy())
      await listener.close()
      findings.push(ok(variable, port === 0 ? 'any free port' : `${host}:${port} is free`))
    } catch (error) {
      const { code } = error as { code?: string }
      findings.push(
        fault(
          variable,
          code === 'EADDRINUSE'
            ? `${host}:${port} is in use: stop what listens there, or choose another port`
            : `${host}:${port} cannot be opened (${code ?? describeError(error)}): see also BIND_HOST`
        )
      )
    }
  }
  return findings
}

/** Another service of the node answers `/healthz` at the origin of `url`. */
export async function checkService(http: HttpClient, variable: string, url: string): Promise<Finding> {
  const health = new URL('/healthz', url).href
  try {
    const { status } = await http.request({ method: 'GET', url: health, timeoutMs: 5_000 })
    if (status === 200) return ok(variable, `${health} answers`)
    return fault(variable, `${health} answers ${status}: look at the log of that service, or set ${variable}`)
  } catch (error) {
    return fault(
      variable,
      `${health} does not answer (${describeError(error)}): start it, or set ${variable}`
    )
  }
}
