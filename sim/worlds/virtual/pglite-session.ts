import type { Duplex } from 'node:stream'
import {
  CANCEL_REQUEST,
  createMessageReader,
  GSS_REQUEST,
  int32,
  message,
  PROTOCOL_VERSION_3,
  ProtocolError,
  readyForQuery,
  errorResponse,
  SSL_REQUEST,
  sqlOf,
  startupParameters
} from './pglite-wire.ts'
import type { KnownStatement } from './pglite-statements.ts'
import type { FrontendMessage } from './pglite-wire.ts'

/** Messages that are answered together: up to a Sync, a Flush or a simple Query. */
export interface Unit {
  readonly messages: readonly FrontendMessage[]
  /** False after a Flush: the rest of the same conversation is still to come. */
  readonly complete: boolean
  /** What it says, for error messages. */
  readonly sql: string
}

/** One client's connection to the database server, seen from the gate. */
export interface Session {
  readonly id: number
  /** Who connects, for error messages. */
  readonly peer: string
  readonly socket: Duplex
  database: string
  /** Settings that the client made for its session: name and value. */
  settings: [string, string][]
  /** A statement may have changed them since they were read. */
  touchedSettings: boolean
  /** Channels that it LISTENs on; changes of a transaction take effect when it commits. */
  channels: Set<string>
  pendingChannels: { channel: string; listens: boolean }[]
  /** Its prepared statements by their names; the last one without a name has the name "". */
  statements: Map<string, KnownStatement>
  /** It ran something in its transaction that may change tables. */
  changesShape: boolean
  /** SQL that ran since it was last outside of a transaction. */
  executed: string[]
  units: Unit[]
  status: 'I' | 'T' | 'E'
  /** The statement that opened its transaction. */
  openedBy: string
  closed: boolean
}

export interface SessionEvents {
  ready(session: Session): void
  cancel(processId: number, secret: number): void
  end(session: Session): void
}

/** What the server tells every client about itself. */
const REPORTED_PARAMETERS = {
  server_version: '18.6',
  server_encoding: 'UTF8',
  client_encoding: 'UTF8',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  integer_datetimes: 'on',
  standard_conforming_strings: 'on',
  is_superuser: 'on'
}

/** Parameters of a startup message that are no settings of the session. */
const NOT_SETTINGS = new Set(['user', 'database', 'options', 'replication', 'client_encoding'])
/** Within a statement of the virtual world no time passes: limits on its length have no meaning. */
const TIMEOUTS =
  /^(statement_timeout|lock_timeout|idle_in_transaction_session_timeout|idle_session_timeout|transaction_timeout)$/

/** The secret of a session's cancel key. Nobody here is kept out by it. */
export function cancelSecret(id: number): number {
  return id * 7919
}

/**
 * Reads one client: answers its startup, cuts what it sends into units.
 *
 *   startup ──ok──▶ ready ──unit──▶ ready … ──Terminate, end, error──▶ closed
 */
export function openSession(id: number, socket: Duplex, peer: string, events: SessionEvents): Session {
  const reader = createMessageReader()
  let collected: FrontendMessage[] = []
  let started = false
  const session: Session = {
    id,
    peer,
    socket,
    database: '',
    settings: [],
    touchedSettings: false,
    channels: new Set(),
    pendingChannels: [],
    statements: new Map(),
    changesShape: false,
    executed: [],
    units: [],
    status: 'I',
    openedBy: '',
    closed: false
  }

  socket.on('data', (bytes: Buffer) => {
    try {
      reader.push(bytes)
      for (let next = reader.next(); next && !session.closed; next = reader.next()) {
        if (started) take(next)
        else startup(next)
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      socket.end(errorResponse('FATAL', '08P01', error.message))
      close()
    }
  })
  socket.on('end', close)
  socket.on('close', close)
  socket.on('error', close) // a reset is an end like any other: the transaction rolls back
  return session

  function close(): void {
    if (session.closed) return
    session.closed = true
    session.units = []
    events.end(session)
  }

  function startup({ bytes }: FrontendMessage): void {
    const code = bytes.readInt32BE(4)
    if (code === SSL_REQUEST || code === GSS_REQUEST) {
      reader.expectStartup()
      return void socket.write('N')
    }
    if (code === CANCEL_REQUEST) {
      events.cancel(bytes.readInt32BE(8), bytes.readInt32BE(12))
      socket.end()
      return close()
    }
    if (code !== PROTOCOL_VERSION_3) throw new ProtocolError(`protocol version ${code} is not spoken here`)
    started = true
    const parameters = startupParameters(bytes)
    session.database = parameters.get('database') ?? parameters.get('user') ?? 'postgres'
    session.settings = [...parameters].filter(([name]) => !NOT_SETTINGS.has(name) && !TIMEOUTS.test(name))
    session.settings.push(...optionSettings(parameters.get('options') ?? ''))
    socket.write(
      Buffer.concat([
        message('R', int32(0)),
        ...Object.entries(REPORTED_PARAMETERS).map(([name, value]) => message('S', `${name}\0${value}\0`)),
        message('K', int32(id), int32(cancelSecret(id))),
        readyForQuery('I')
      ])
    )
  }

  function take(next: FrontendMessage): void {
    if (next.type === 'X') {
      socket.end()
      return close()
    }
    collected.push(next)
    if (next.type !== 'Q' && next.type !== 'S' && next.type !== 'H' && next.type !== 'F') return
    const sql = collected.map(sqlOf).filter((text) => text !== undefined)
    session.units.push({ messages: collected, complete: next.type !== 'H', sql: sql.join('; ') })
    collected = []
    events.ready(session)
  }
}

/** `-c name=value` and `--name=value` of the startup parameter `options`. */
function optionSettings(options: string): [string, string][] {
  const words = options.match(/(?:\\.|[^\s\\])+/g)?.map((word) => word.replace(/\\(.)/g, '$1')) ?? []
  const settings: [string, string][] = []
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index]!
    const text =
      word === '-c' ? words[(index += 1)] : word.startsWith('--') ? word.slice(2) : word.replace(/^-c/, '')
    const [name, value] = (text ?? '').split(/=(.*)/s)
    if (name && value !== undefined && !TIMEOUTS.test(name)) settings.push([name.replaceAll('-', '_'), value])
  }
  return settings
}
