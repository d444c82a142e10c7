import knexModule from 'knex'
import type { Knex } from 'knex'
import pg from 'pg'
import { clockDifferenceMs } from './clock-difference.ts'
import type { Clock, Timer } from './clock.ts'
import { runLean } from './lean-runner.ts'
import type { Logger } from './logger.ts'
import type { Network } from './network.ts'
import { PreparingClient } from './prepared-client.ts'
import { createStatementPipeline } from './statement-pipeline.ts'
import type { StatementPipeline } from './statement-pipeline.ts'
import { WatchedClient } from './watched-client.ts'
import type { WatchedConfig } from './watched-client.ts'

export interface Migration {
  name: string
  /** SQL of one or more statements. Never calls a clock or a generator of ids: time and ids are parameters. */
  up: string
}

export interface MigrationState {
  name: string
  /** Absent: it is still to be applied. */
  appliedAt?: Date
  /** False: a newer version of the service applied it. */
  isKnown: boolean
}

export interface Database {
  /** The query builder on the pool. */
  readonly knex: Knex
  /** Runs `work` in one transaction. Never await anything but the database inside it (rule 4). */
  transaction<T>(work: (trx: Knex.Transaction) => Promise<T>): Promise<T>
  /**
   * Calls `handler` for each notification on `channel`, in order. `onGap` is called when notifications may
   * have been missed (the listening connection was lost and stands again).
   */
  listen(
    channel: string,
    handler: (payload: string) => void,
    onGap?: () => void
  ): Promise<() => Promise<void>>
  /** Brings the schema up to date; safe when several processes start at once. `set` names the migrations' table. */
  migrate(set: string, migrations: readonly Migration[]): Promise<void>
  /** What of a set was applied, and what would be. Changes nothing. */
  listMigrations(set: string, migrations: readonly Migration[]): Promise<MigrationState[]>
  /** Our clock minus the database's, in milliseconds, as far as it is certain (`clock-difference.ts`). */
  clockDifferenceMs(): Promise<number>
  /** Rejects when the database does not answer. */
  ping(): Promise<void>
  /** A connection of its own, for statements that follow each other closely. Closed with the database. */
  openPipeline(): StatementPipeline
  /** Statements sent since the start, for tests and metrics. */
  statementCount(): number
  close(): Promise<void>
}

export interface DatabaseOptions {
  url: string
  /** Connections of the pool, the listening one not counted. */
  maxConnections?: number
  /** A statement that takes longer is cancelled by the server. Default: 30 s. */
  statementTimeoutMs?: number
  /** The same for statements of a pipeline: they are short, and packets wait for them. Default: 10 s, or less. */
  pipelineTimeoutMs?: number
  /**
   * A connection that has not answered this long after the server would have cancelled the statement counts as lost
   * and is closed: whether the statement ran is unknown. Default: 5 s.
   */
  answerMarginMs?: number
}

const DEFAULT_STATEMENT_TIMEOUT_MS = 30_000
const DEFAULT_PIPELINE_TIMEOUT_MS = 10_000
const DEFAULT_ANSWER_MARGIN_MS = 5_000
const RECONNECT_DELAY_MS = 500
/** Where nothing is asked, nobody waits for an answer: the system asks whether the other side is there. */
const KEEP_ALIVE_DELAY_MS = 10_000

/** Amounts are bigint: int8 and numeric without a fraction never pass through a float. */
const INT8 = 20
const NUMERIC = 1700
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (oid === INT8) return (text: string) => BigInt(text)
    if (oid === NUMERIC) return (text: string) => (text.includes('.') ? text : BigInt(text))
    return pg.types.getTypeParser(oid, format as 'text')
  }) as never
}

/** PostgreSQL through knex and pg, on the network's door. */
export function openDatabase(
  { network, clock, logger }: { network: Network; clock: Clock; logger: Logger },
  options: DatabaseOptions
): Database {
  const { url, maxConnections = 10, statementTimeoutMs = DEFAULT_STATEMENT_TIMEOUT_MS } = options
  const { answerMarginMs = DEFAULT_ANSWER_MARGIN_MS } = options
  const { pipelineTimeoutMs = Math.min(statementTimeoutMs, DEFAULT_PIPELINE_TIMEOUT_MS) } = options
  let statements = 0
  const connection = (timeoutMs: number): WatchedConfig => ({
    connectionString: url,
    stream: () => network.socket() as never,
    types,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_DELAY_MS,
    statement_timeout: timeoutMs,
    connectionTimeoutMillis: 10_000,
    answers: { clock, answerTimeoutMs: timeoutMs + answerMarginMs }
  })
  const knex = knexModule({
    client: 'pg',
    connection: (() => connection(statementTimeoutMs)) as never,
    // Connections are opened when first needed and not checked by a timer: an idle service sends nothing.
    pool: { min: 0, max: maxConnections, idleTimeoutMillis: 300_000, acquireTimeoutMillis: 30_000 },
    // Callers get every failure as an error; what the pool says of itself goes to our log, not to standard output.
    log: {
      warn: (message) => logger.debug({ from: 'knex' }, String(message)),
      error: (message) => logger.debug({ from: 'knex' }, String(message)),
      deprecate: (method) => logger.debug({ from: 'knex' }, `${method} is deprecated`),
      debug: (message) => logger.debug({ from: 'knex' }, String(message))
    }
  })
  const dialect = knex.client as { driver: typeof pg }
  dialect.driver = { ...pg, Client: PreparingClient } as typeof pg
  const countStatement = () => {
    statements += 1
  }
  knex.on('query', countStatement)
  runLean(knex, countStatement)
  const pipelines: StatementPipeline[] = []
  const listener = createListener({ clock, logger }, () => connection(statementTimeoutMs))

  return {
    knex,
    transaction: (work) => knex.transaction(work),
    listen: listener.listen,
    migrate: (set, migrations) => migrate(knex, set, migrations, clock),
    listMigrations: (set, migrations) => listMigrations(knex, set, migrations),
    clockDifferenceMs: () =>
      clockDifferenceMs(clock, async () => {
        const { rows } = await knex.raw<{ rows: [{ ms: string }] }>(
          'SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::text AS ms'
        )
        return Number(rows[0].ms)
      }),
    async ping() {
      await knex.raw('SELECT 1')
    },
    openPipeline() {
      const pipeline = createStatementPipeline(() => connection(pipelineTimeoutMs), {
        logger,
        onQuery: () => {
          statements += 1
        }
      })
      pipelines.push(pipeline)
      return pipeline
    },
    statementCount: () => statements + listener.statementCount(),
    async close() {
      await listener.close()
      for (const pipeline of pipelines) await pipeline.close()
      await knex.destroy()
    }
  }
}

/**
 * Applies what is missing in one transaction under an advisory lock. (knex's own migrator keeps its lock in a
 * row: a process killed while it held it would stop every later start, and one that waits gives up at once.)
 */
async function migrate(
  knex: Knex,
  set: string,
  migrations: readonly Migration[],
  clock: Clock
): Promise<void> {
  const table = `${set}_migrations`
  await knex.transaction(async (trx) => {
    await trx.raw('SELECT pg_advisory_xact_lock(hashtextextended(?, 0))', [table])
    await trx.raw('CREATE TABLE IF NOT EXISTS ?? (name text PRIMARY KEY, "appliedAt" timestamptz NOT NULL)', [
      table
    ])
    const applied = new Set((await trx(table).select('name')).map(({ name }: { name: string }) => name))
    for (const { name, up } of migrations) {
      if (applied.has(name)) continue
      // A question mark would be taken for a parameter.
      await trx.raw(up.replaceAll('?', '\\?'))
      await trx(table).insert({ name, appliedAt: new Date(clock.nowMs()) })
    }
  })
}

async function listMigrations(
  knex: Knex,
  set: string,
  migrations: readonly Migration[]
): Promise<MigrationState[]> {
  const table = `${set}_migrations`
  const rows: { name: string; appliedAt: Date }[] = (await knex.schema.hasTable(table))
    ? await knex(table).select('name', 'appliedAt').orderBy('appliedAt').orderBy('name')
    : []
  const applied = new Map(rows.map(({ name, appliedAt }) => [name, appliedAt]))
  const known = new Set(migrations.map(({ name }) => name))
  return [
    ...migrations.map(({ name }) => {
      const appliedAt = applied.get(name)
      return { name, isKnown: true, ...(appliedAt !== undefined && { appliedAt }) }
    }),
    ...rows.filter(({ name }) => !known.has(name)).map((row) => ({ ...row, isKnown: false }))
  ]
}

interface Subscription {
  handler: (payload: string) => void
  onGap: (() => void) | undefined
}

/** The one connection that LISTENs. It is opened with the first subscription and opened again when lost. */
function createListener(
  { clock, logger }: { clock: Clock; logger: Logger },
  connection: () => WatchedConfig
) {
  const channels = new Map<string, Set<Subscription>>()
  let client: Promise<WatchedClient> | undefined
  let retry: Timer | undefined
  let closed = false
  let statements = 0
  let sending: Promise<unknown> = Promise.resolve()

  async function connect(): Promise<WatchedClient> {
    const connecting = new WatchedClient({ ...connection(), statement_timeout: 0 })
    connecting.on('notification', ({ channel, payload }) => {
      for (const { handler } of channels.get(channel) ?? []) handler(payload ?? '')
    })
    connecting.on('error', (error) => lost(error))
    connecting.on('end', () => lost(undefined))
    await connecting.connect()
    for (const channel of channels.keys()) await send(connecting, `LISTEN ${quote(channel)}`)
    return connecting

    function lost(error: Error | undefined): void {
      if (closed || retry || client === undefined) return
      client = undefined
      logger.warn({ err: error }, 'the listening connection to the database was lost')
      scheduleReconnect()
    }
  }

  function scheduleReconnect(): void {
    retry = clock.setTimer(RECONNECT_DELAY_MS, () => {
      retry = undefined
      if (closed) return
      client = connect()
      client.then(
        () => {
          for (const subscriptions of channels.values()) for (const { onGap } of subscriptions) onGap?.()
        },
        (error: unknown) => {
          client = undefined
          logger.warn({ err: error }, 'the listening connection to the database could not be opened')
          if (!closed) scheduleReconnect()
        }
      )
    })
  }

  /** One statement at a time: a pg client does not queue. */
  function send(to: WatchedClient, sql: string): Promise<unknown> {
    statements += 1
    const sent = sending.then(() => to.query(...([sql] as never[])))
    sending = sent.then(
      () => undefined,
      () => undefined // whoever sent it gets the failure
    )
    return sent
  }

  return {
    async listen(channel: string, handler: (payload: string) => void, onGap?: () => void) {
      const subscription: Subscription = { handler, onGap }
      const existing = channels.get(channel)
      if (existing) existing.add(subscription)
      else channels.set(channel, new Set([subscription]))
      if (client === undefined && retry === undefined) {
        client = connect()
        await client.catch((error: unknown) => {
          client = undefined
          throw error
        })
      } else if (client !== undefined && !existing) {
        await send(await client, `LISTEN ${quote(channel)}`)
      }
      return async () => {
        const subscriptions = channels.get(channel)
        subscriptions?.delete(subscription)
        if (subscriptions?.size !== 0) return
        channels.delete(channel)
        if (client !== undefined && !closed) await send(await client, `UNLISTEN ${quote(channel)}`)
      }
    },
    statementCount: () => statements,
    async close() {
      closed = true
      retry?.cancel()
      const open = client
      client = undefined
      if (open === undefined) return
      await open.then(
        (connected) => connected.end(),
        (error: unknown) => logger.debug({ err: error }, 'the listening connection was never open')
      )
    }
  }
}

function quote(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
