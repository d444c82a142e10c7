import type { Duplex } from 'node:stream'
import { executeOnEngine, prepareOnEngine, queryEngine } from '../virtual/pglite-engine.ts'
import type { SqlEngine } from '../virtual/pglite-engine.ts'
import type { CommitListener, PgliteGate } from '../virtual/pglite-gate.ts'
import { openSession } from '../virtual/pglite-session.ts'
import type { Session, Unit } from '../virtual/pglite-session.ts'
import { backendMessages, cString, errorResponse, message, sqlOf } from '../virtual/pglite-wire.ts'
import type { FrontendMessage } from '../virtual/pglite-wire.ts'
import type { GateParts } from '../virtual/world.ts'
import { ServerRefusedError } from './engine.ts'
import type { ServerEngine } from './engine.ts'
import type { SessionAnswer } from './messages.ts'

/**
 * How long everything that is ready waits, in the world's time, before one of it is picked: longer than an answer takes to
 * its client and the client's next statement back, so that whoever can be there is.
 */
export const WINDOW_MS = 5

const SERVER_CLOCK = 'clock_timestamp()'

/** Sessions of the laboratory's own. */
const INSPECTOR = -2
const ADMINISTRATOR = -3

export interface ServerGateOptions {
  engine: ServerEngine
  nowMs(): number
  /** Calls after some of the world's time. */
  after(delayMs: number, callback: () => void): void
  /** A number from 0 to `count` - 1, of the seed. */
  pick(count: number): number
  /** The server's database that this world has for itself, made of one that holds what services' migrations make. */
  database: { name: string; template: string }
  /** Schemas of that one by what they hold, for `adopt`. */
  prepared: Readonly<Record<string, readonly string[]>>
  /** Called with each unit as it is sent: the order that the server sees. */
  onUnit?: (session: { id: number; database: string }, bytes: Buffer) => void
  /** Called where a session waits for a lock of another. */
  onWait?: (session: { id: number; database: string }) => void
}

export interface ServerGate extends PgliteGate {
  /** Units that had to wait for a lock of another session. */
  waitCount(): number
  /** The end: the world's database is gone. */
  end(): void
}

/**
 * A gate before a real PostgreSQL: each client has a session of its own there, and transactions are open side by side.
 * The seed picks which of the units that are ready is sent next; one is sent at a time, and the world stands still until
 * it is answered or waits for a lock.
 *
 *   ready ──picked──▶ sent ──answered──▶ (the client hears of it)
 *                      └──waits for a lock──▶ waiting ──another's commit or end──▶ answered
 *
 * Databases of the world are schemas of one real one, as in the virtual world, so that the same SQL inspects both.
 */
export function createServerGate({
  engine,
  nowMs,
  after,
  pick,
  database,
  prepared,
  onUnit,
  onWait
}: ServerGateOptions): ServerGate {
  const sessions = new Map<number, Session>()
  /** SQL of the statements that sessions prepared under a name. */
  const statements = new WeakMap<Session, Map<string, string>>()
  const databases = new Map<number, string>()
  const waiting = new Set<Session>()
  const schemas = new Set<string>()
  const observers: CommitListener[] = []
  const inspections = new Map<string, string>()
  const preparedLeft = new Map(Object.entries(prepared).map(([kind, names]) => [kind, [...names]]))
  const opened = new Set<number>()
  const administrator = engine.beside(ADMINISTRATOR, 'postgres')
  queryEngine(administrator, `CREATE DATABASE ${quoted(database.name)} TEMPLATE ${quoted(database.template)}`)
  const inspector: SqlEngine = engine.beside(INSPECTOR, database.name)
  let nextId = 1
  let units = 0
  let waits = 0
  let isScheduled = false

  function accept(socket: Duplex, peer: string): void {
    const session = openSession(nextId++, socket, peer, { ready: schedule, cancel, end })
    sessions.set(session.id, session)
  }

  function schedule(): void {
    if (isScheduled) return
    isScheduled = true
    after(WINDOW_MS, () => {
      isScheduled = false
      const ready = readySessions()
      if (ready.length === 0) return
      const session = ready[ready.length === 1 ? 0 : pick(ready.length)]!
      run(session, session.units.shift()!)
      if (readySessions().length > 0) schedule()
    })
  }

  function readySessions(): Session[] {
    return [...sessions.values()].filter((session) => session.units.length > 0 && !waiting.has(session))
  }

  function run(session: Session, unit: Unit): void {
    if (!unit.complete) return refuse(session, '0A000', 'a Flush is not understood here')
    if (!opened.has(session.id)) {
      try {
        open(session)
      } catch (error) {
        if (!(error instanceof ServerRefusedError)) throw error
        return refuse(session, '53300', error.message)
      }
    }
    units += 1
    const bytes = Buffer.concat(unit.messages.map((one) => inWorldTime(one, nowMs())))
    onUnit?.(session, bytes)
    noteExecuted(session, unit)
    waiting.add(session)
    hear(engine.run(session.id, bytes))
    if (!waiting.has(session)) return
    waits += 1
    onWait?.(session)
  }

  function open(session: Session): void {
    if (!schemas.has(session.database)) {
      queryEngine(inspector, `CREATE SCHEMA IF NOT EXISTS ${quoted(session.database)}`)
      schemas.add(session.database)
    }
    const settings = { search_path: quoted(session.database), ...Object.fromEntries(session.settings) }
    engine.open(session.id, database.name, settings)
    opened.add(session.id)
    databases.set(session.id, session.database)
  }

  function refuse(session: Session, code: string, text: string): void {
    session.socket.end(errorResponse('FATAL', code, text))
    end(session)
  }

  /** Passes on what the server said: to clients first, then to who watches what was committed. */
  function hear(answers: readonly SessionAnswer[]): void {
    const committed: Session[] = []
    for (const { session: id, bytes, ready, ended } of answers) {
      const session = sessions.get(id)
      if (!session) continue
      if (ready) waiting.delete(session)
      const answer = Buffer.from(bytes)
      const forwarded: Buffer[] = []
      for (const { type, start, end: next } of backendMessages(answer)) {
        const one = answer.subarray(start, next)
        if (type === 'A' && databases.get(one.readInt32BE(5)) !== session.database) continue
        if (type === 'Z') session.status = String.fromCharCode(one[5]!) as Session['status']
        forwarded.push(one)
        if (type === 'Z' && session.status === 'I') committed.push(session)
      }
      if (forwarded.length > 0) session.socket.write(Buffer.concat(forwarded))
      if (!ended) continue
      opened.delete(id)
      session.socket.end()
      end(session)
    }
    for (const session of committed) {
      const executed = session.executed.splice(0)
      for (const observer of observers) observer(session.database, executed)
    }
    if (readySessions().length > 0) schedule()
  }

  function end(session: Session): void {
    sessions.delete(session.id)
    waiting.delete(session)
    session.closed = true
    session.units = []
    if (opened.delete(session.id)) hear(engine.close([session.id]))
  }

  function cancel(processId: number): void {
    const session = sessions.get(processId)
    if (session && waiting.has(session)) hear(engine.cancel(processId))
  }

  /** What a unit runs: its own SQL, or that of the prepared statements that it binds. */
  function noteExecuted(session: Session, unit: Unit): void {
    if (unit.sql !== '') session.executed.push(unit.sql)
    for (const { type, bytes } of unit.messages) {
      if (type === 'P' && bytes[5] !== 0) {
        const { text, next } = cString(bytes, 5)
        const prepared = statements.get(session) ?? new Map<string, string>()
        statements.set(session, prepared.set(text, cString(bytes, next).text))
      }
      const name = type === 'B' ? cString(bytes, cString(bytes, 5).next).text : ''
      if (name !== '') session.executed.push(statements.get(session)?.get(name) ?? '')
    }
  }

  return {
    accept,
    // Whoever waits here waits at the server, which has more than one session.
    deadlock: () => undefined,
    observe: (listener) => void observers.push(listener),
    inspect(sql) {
      let name = inspections.get(sql)
      if (name === undefined) {
        name = `inspection${inspections.size}`
        prepareOnEngine(inspector, name, sql)
        inspections.set(sql, name)
      }
      return executeOnEngine(inspector, name)
    },
    adopt(adopted, kind) {
      if (schemas.has(adopted)) return
      const schema = preparedLeft.get(kind)?.shift()
      if (schema === undefined) return
      queryEngine(inspector, `ALTER SCHEMA ${quoted(schema)} RENAME TO ${quoted(adopted)}`)
      schemas.add(adopted)
    },
    unitCount: () => units,
    waitCount: () => waits,
    sessionCount: () => sessions.size,
    end() {
      sessions.clear()
      engine.close([...opened, INSPECTOR])
      queryEngine(administrator, `DROP DATABASE ${quoted(database.name)} WITH (FORCE)`)
      engine.close([ADMINISTRATOR])
    }
  }
}

/** The server's clock is this machine's: whoever asks it is told the world's time. (Rows are given their times by nodes.) */
function inWorldTime(one: FrontendMessage, nowMs: number): Buffer {
  const sql = sqlOf(one)
  if (sql === undefined || !sql.includes(SERVER_CLOCK)) return one.bytes
  const asked = sql.replaceAll(SERVER_CLOCK, `to_timestamp(${nowMs / 1_000})`)
  if (one.type === 'Q') return message('Q', `${asked}\0`)
  const name = cString(one.bytes, 5)
  const { next } = cString(one.bytes, name.next)
  return message('P', `${name.text}\0${asked}\0`, one.bytes.subarray(next))
}

/** The gate of a world: its picks are of the seed, and all that it does is in the history. */
export function interleavedGate(
  engine: ServerEngine,
  where: Pick<ServerGateOptions, 'database' | 'prepared'>,
  { nowMs, after, pick, log }: GateParts
): ServerGate {
  return createServerGate({
    ...where,
    engine,
    nowMs,
    after,
    pick,
    onUnit: ({ id, database }, bytes) => log.append('statement', `${database} session ${id}`, bytes),
    onWait: ({ id, database }) => log.append('lock', `${database} session ${id} waits`)
  })
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}
