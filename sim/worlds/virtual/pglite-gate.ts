import type { Duplex } from 'node:stream'
import { EngineError, executeOnEngine, prepareOnEngine, queryEngine } from './pglite-engine.ts'
import type { SqlEngine } from './pglite-engine.ts'
import { cancelSecret, openSession } from './pglite-session.ts'
import type { Session, Unit } from './pglite-session.ts'
import {
  backendMessages,
  cString,
  errorResponse,
  message,
  readyForQuery,
  sqlOf,
  SYNC
} from './pglite-wire.ts'
import { createStatementBook } from './pglite-statements.ts'

/** A query that will never run: its turn comes after a transaction that waits for something else. */
export interface GateDeadlock {
  /** Who holds the gate, and the statement that opened its transaction. */
  holder: { peer: string; database: string; openedBy: string; socket: Duplex }
  waiting: { peer: string; database: string; sql: string }[]
}

export type CommitListener = (database: string, executed: readonly string[]) => void

export interface PgliteGate {
  /** Serves a client's connection. `peer` names it in error messages. */
  accept(socket: Duplex, peer: string): void
  /** The holder that is idle in its transaction while others wait for the gate, if it is so now. */
  deadlock(): GateDeadlock | undefined
  /**
   * Tells of each unit after which its session is outside of a transaction: what it changed is committed. `executed` is
   * the SQL that ran since the time before.
   */
  observe(listener: CommitListener): void
  /**
   * Runs SQL of the laboratory's own and gives its rows as text. Only from within `observe`: nobody's transaction is open.
   * It is parsed and planned once per database: ask with few texts, often.
   *
   * @throws EngineError with the server's message
   */
  inspect(sql: string): (string | null)[][]
  /**
   * Makes a database of a schema that holds what a service's migrations make. Does nothing where there is no such schema
   * left, the database exists, or a transaction is open: it is made empty, then, when it is first used.
   */
  adopt(database: string, kind: string): void
  /** Statements (units of the protocol) executed. */
  unitCount(): number
  sessionCount(): number
}

export interface PgliteGateOptions {
  engine: SqlEngine
  /** Schemas by what they hold, for `adopt`. */
  prepared?: Readonly<Record<string, readonly string[]>>
  /** Called with each unit as it is executed: the order that the database sees. */
  onUnit?: (session: { id: number; database: string }, bytes: Buffer, sql: string) => void
}

/**
 * State of the one session below that clients of their own sessions would not share, and that cannot be kept apart:
 * refused instead of leaking from one service into another.
 */
const SHARED_STATE =
  /\bpg_(try_)?advisory_lock(_shared)?\s*\(|^\s*(DISCARD|PREPARE|DEALLOCATE|LOAD)\b|\bCREATE\s+(LOCAL\s+|GLOBAL\s+)?TEMP(ORARY)?\b|^\s*COPY\b[\s\S]*\bFROM\s+STDIN\b|\bWITH\s+HOLD\b|\bpg_sleep/i
/** Statements after which the session's settings may differ. */
const CHANGES_SETTINGS = /\bset_config\s*\(|(^|;)\s*(RE)?SET\b/i
/** Tags of commands after which tables may have other columns. */
const CHANGES_SHAPE = /^(CREATE|ALTER|DROP|DO|SELECT INTO)\b/
const LISTENS = /(?:^|;)\s*(UNLISTEN|LISTEN)\s+(\*|"(?:[^"]|"")+"|[a-z_][\w$]*)/gi

/**
 * A PostgreSQL server for many databases on one session of PGlite. Each database is a schema. The session belongs to
 * one client at a time:
 *
 *   free ──unit of A──▶ A's ──ReadyForQuery I──▶ free: the next unit in order of arrival
 *                        │ T or E, or a Flush                ▲
 *                        ▼                                   │
 *                    held by A: only A's units run ──ReadyForQuery I, or A's connection ends (ROLLBACK)
 *
 * Whenever it changes hands, the new owner's `search_path` and settings are restored. Without that, and without
 * holding, one service's insert lands in another's schema and vanishes with another's rollback.
 */
export function createPgliteGate({ engine, prepared = {}, onUnit }: PgliteGateOptions): PgliteGate {
  const sessions = new Set<Session>()
  const schemas = new Set<string>()
  const engineChannels = new Set<string>()
  let nextId = 1
  let units = 0
  let current: Session | undefined
  let holder: Session | undefined
  let waiting: Session[] = []
  let pumping = false
  const observers: CommitListener[] = []
  const statements = createStatementBook()
  const inspections = new Map<string, string>()
  const preparedLeft = new Map(Object.entries(prepared).map(([kind, names]) => [kind, [...names]]))

  function accept(socket: Duplex, peer: string): void {
    const session = openSession(nextId++, socket, peer, {
      ready(ready) {
        if (!waiting.includes(ready)) waiting.push(ready)
        pump()
      },
      cancel,
      end
    })
    sessions.add(session)
  }

  /** Runs units until none is ready, or the holder of the gate has none. */
  function pump(): void {
    if (pumping) return
    pumping = true
    try {
      for (let session = nextSession(); session; session = nextSession()) {
        const unit = session.units.shift()!
        if (session.units.length === 0) waiting = waiting.filter((other) => other !== session)
        else waiting.push(...waiting.splice(waiting.indexOf(session), 1))
        run(session, unit)
      }
    } finally {
      pumping = false
    }
  }

  function nextSession(): Session | undefined {
    return holder ? (holder.units.length > 0 ? holder : undefined) : waiting[0]
  }

  function run(session: Session, unit: Unit): void {
    const refused = refusal(unit)
    try {
      if (refused === undefined) takeOver(session)
    } catch (error) {
      if (!(error instanceof EngineError)) throw error
      session.socket.end(errorResponse('FATAL', '22023', error.message))
      return end(session)
    }
    if (refused !== undefined) return refuseUnit(session, unit, refused)
    units += 1
    onUnit?.(session, Buffer.concat(unit.messages.map(({ bytes }) => bytes)), unit.sql)
    const evict = holder === undefined ? statements.evict() : undefined
    if (evict) engine.execute(evict)
    const translated = statements.translate(session, unit)
    const answer = engine.execute(Buffer.concat(translated.messages))
    const before = session.status
    const { forwarded, notifications, status, tags, parsed, failed } = readAnswer(answer, translated.restored)
    statements.answered(session, translated, parsed)
    if (observers.length > 0) session.executed.push(...statements.executedBy(session, unit))
    if (tags.some((tag) => CHANGES_SHAPE.test(tag))) session.changesShape = true
    if (session.changesShape) shapeChanged(session, (status ?? session.status) === 'I')
    if (status !== undefined) session.status = status
    if (before === 'I' && session.status !== 'I') session.openedBy = unit.sql
    holder = session.status !== 'I' || !unit.complete ? session : undefined
    if (forwarded.length > 0) session.socket.write(forwarded)
    if (CHANGES_SETTINGS.test(unit.sql)) session.touchedSettings = true
    if (tags.includes('LISTEN') || tags.includes('UNLISTEN')) noteChannels(session, unit)
    const lastListen = Math.max(tags.lastIndexOf('LISTEN'), tags.lastIndexOf('UNLISTEN'))
    if (session.status === 'I') {
      applyChannels(session, failed || tags.lastIndexOf('ROLLBACK') > lastListen)
      if (session.touchedSettings) readSettings(session)
    }
    for (const notification of notifications) deliver(session, notification)
    if (holder === undefined) {
      const executed = session.executed.splice(0)
      for (const observer of observers) observer(session.database, executed)
    }
  }

  // ---- Who the session belongs to

  /** Gives the engine's session to `session`: its schema and settings hold from here on. */
  function takeOver(session: Session): void {
    if (current === session) return
    // Within a transaction or a conversation that goes on nobody else runs, so the session is idle here.
    const wasOtherDatabase = current?.database !== session.database
    const hadSettings = current === undefined || current.settings.length > 0
    current = undefined
    if (!schemas.has(session.database)) {
      queryEngine(engine, `CREATE SCHEMA IF NOT EXISTS ${quoted(session.database)}`)
      schemas.add(session.database)
    }
    if (hadSettings) queryEngine(engine, 'RESET ALL')
    if (hadSettings || wasOtherDatabase) queryEngine(engine, `SET search_path TO ${quoted(session.database)}`)
    if (session.settings.length > 0) {
      const calls = session.settings.map(
        ([name, value]) => `set_config(${literal(name)}, ${literal(value)}, false)`
      )
      queryEngine(engine, `SELECT ${calls.join(', ')}`)
    }
    current = session
  }

  /** After a SET: what the session changed is what the server says it changed. */
  function readSettings(session: Session): void {
    const rows = queryEngine(
      engine,
      `SELECT name, setting FROM pg_settings WHERE source = 'session' ORDER BY name`
    )
    session.settings = rows.map(([name, value]) => [name!, value ?? ''] as [string, string])
    session.touchedSettings = false
    const own = session.settings.find(([name]) => name === 'search_path')
    if (own?.[1] === session.database || own?.[1] === quoted(session.database)) {
      session.settings = session.settings.filter((setting) => setting !== own)
    }
  }

  function end(session: Session): void {
    sessions.delete(session)
    session.closed = true
    session.units = []
    waiting = waiting.filter((other) => other !== session)
    if (holder === session) abort(session)
    holder = holder === session ? undefined : holder
    if (session.changesShape) shapeChanged(session, true)
    dropChannels(session)
    pump()
  }

  /** The end of a connection in the middle of a conversation: an implicit transaction is undone like an open one. */
  function abort(session: Session): void {
    engine.execute(Buffer.concat([message('P', '\0the connection has ended\0\0\0'), SYNC]))
    if (session.status !== 'I') queryEngine(engine, 'ROLLBACK')
    session.status = 'I'
  }

  /** A cancel request reaches only a query that waits: one that runs is done before anything else is read. */
  function cancel(processId: number, secret: number): void {
    const session = [...sessions].find(({ id }) => id === processId)
    if (!session || cancelSecret(session.id) !== secret || holder === session || session.units.length === 0)
      return
    session.units.shift()
    if (session.units.length === 0) waiting = waiting.filter((other) => other !== session)
    const text = 'canceling statement due to user request'
    session.socket.write(Buffer.concat([errorResponse('ERROR', '57014', text), readyForQuery('I')]))
  }

  // ---- Statements

  /** Within the transaction that changes it, and again when that is over: it may have been rolled back. */
  function shapeChanged(session: Session, isOver: boolean): void {
    statements.shapeChanged(session.database)
    if (isOver) session.changesShape = false
  }

  function refusal(unit: Unit): string | undefined {
    return unit.messages.map(sqlOf).find((sql) => sql !== undefined && SHARED_STATE.test(sql))
  }

  /** Answers as the server would: an error, which fails an open transaction as well. */
  function refuseUnit(session: Session, unit: Unit, sql: string): void {
    if (session.status === 'T') {
      engine.execute(Buffer.from(message('Q', `DO $$ BEGIN RAISE EXCEPTION 'refused' ; END $$\0`)))
      session.status = 'E'
    }
    const response = errorResponse(
      'ERROR',
      '0A000',
      `the virtual world's database keeps this state for all sessions together: ${sql}`,
      'Use pg_advisory_xact_lock, a table of its own, or parameters of the statement.'
    )
    session.socket.write(unit.complete ? Buffer.concat([response, readyForQuery(session.status)]) : response)
  }

  // ---- Answers and notifications

  interface Notification {
    channel: string
    rest: Buffer
  }

  /** What of the answer is the client's, and what it says. Notifications are taken out: they have their own way. */
  function readAnswer(answer: Buffer, dropParses: number) {
    const forwarded: Buffer[] = []
    const notifications: Notification[] = []
    const tags: string[] = []
    let status: 'I' | 'T' | 'E' | undefined
    let parsed = 0
    let failed = false
    for (const { type, start, end } of backendMessages(answer)) {
      const bytes = answer.subarray(start, end)
      if (type === 'A') {
        const { text, next } = cString(bytes, 9)
        notifications.push({ channel: text, rest: bytes.subarray(next) })
        continue
      }
      if (type === '1') {
        parsed += 1
        if (parsed <= dropParses) continue
      }
      if (type === 'E') failed = true
      if (type === 'C') tags.push(cString(bytes, 5).text)
      if (type === 'Z') status = String.fromCharCode(bytes[5]!) as 'I' | 'T' | 'E'
      forwarded.push(bytes)
    }
    return { forwarded: Buffer.concat(forwarded), notifications, status, tags, parsed, failed }
  }

  /** To every listener of the same database. A session in a transaction holds the gate, so all others are idle. */
  function deliver(from: Session, { channel, rest }: Notification): void {
    const processId = Buffer.alloc(4)
    processId.writeInt32BE(from.id)
    const bytes = message('A', processId, `${channel}\0`, rest)
    for (const session of sessions) {
      if (session.database === from.database && session.channels.has(channel)) session.socket.write(bytes)
    }
  }

  function noteChannels(session: Session, unit: Unit): void {
    for (const sql of unit.messages.map(sqlOf)) {
      for (const [, verb, name] of (sql ?? '').matchAll(LISTENS)) {
        const channel = name!.startsWith('"') ? name!.slice(1, -1).replaceAll('""', '"') : name!.toLowerCase()
        session.pendingChannels.push({ channel, listens: verb!.toUpperCase() === 'LISTEN' })
      }
    }
  }

  /** LISTEN and UNLISTEN take effect when their transaction commits. The engine listens as long as anybody does. */
  function applyChannels(session: Session, rolledBack: boolean): void {
    const pending = session.pendingChannels
    if (pending.length === 0) return
    session.pendingChannels = []
    for (const { channel, listens } of rolledBack ? [] : pending) {
      if (listens) {
        session.channels.add(channel)
        engineChannels.add(channel)
      } else if (channel === '*') session.channels.clear()
      else session.channels.delete(channel)
    }
    if (pending.some(({ listens }) => !listens)) listenAgain()
  }

  function dropChannels(session: Session): void {
    if (session.channels.size === 0) return
    session.channels.clear()
    if (!holder) listenAgain()
  }

  function listenAgain(): void {
    const wanted = new Set([...sessions].flatMap((session) => [...session.channels]))
    for (const channel of [...engineChannels]) {
      if (wanted.has(channel)) continue
      queryEngine(engine, `UNLISTEN ${quoted(channel)}`)
      engineChannels.delete(channel)
    }
    for (const channel of wanted) queryEngine(engine, `LISTEN ${quoted(channel)}`)
  }

  return {
    accept,
    deadlock() {
      if (!holder || holder.units.length > 0 || waiting.length === 0) return undefined
      return {
        holder: {
          peer: holder.peer,
          database: holder.database,
          openedBy: holder.openedBy,
          socket: holder.socket
        },
        waiting: waiting.map((session) => ({
          peer: session.peer,
          database: session.database,
          sql: session.units[0]?.sql ?? ''
        }))
      }
    },
    observe: (listener) => void observers.push(listener),
    inspect(sql) {
      // A plan is good for one search_path: with another it would be made anew.
      const key = `${current?.database} ${sql}`
      let name = inspections.get(key)
      if (name === undefined) {
        name = `inspection${inspections.size}`
        prepareOnEngine(engine, name, sql)
        inspections.set(key, name)
      }
      return executeOnEngine(engine, name)
    },
    adopt(database, kind) {
      if (holder || schemas.has(database)) return
      const schema = preparedLeft.get(kind)?.shift()
      if (schema === undefined) return
      queryEngine(engine, `ALTER SCHEMA ${quoted(schema)} RENAME TO ${quoted(database)}`)
      schemas.add(database)
    },
    unitCount: () => units,
    sessionCount: () => sessions.size
  }
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
