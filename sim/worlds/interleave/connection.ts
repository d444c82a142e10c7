import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { hideDatabaseName } from './database-name.ts'
import { backendMessages, cString, int32, message, PROTOCOL_VERSION_3 } from '../virtual/pglite-wire.ts'

/** A session at the real server, as the thread beside the world keeps it. */
export interface Connection {
  readonly session: number
  /** The server's own number for it. */
  readonly processId: number
  /** It was sent something that the server has not answered completely. */
  readonly busy: boolean
  readonly ended: boolean
  /** Whether it is in a transaction, as the server said last: I, T or E. */
  readonly status: string
  /** It has said LISTEN at some time. */
  readonly listens: boolean
  send(bytes: Uint8Array): void
  /** Makes the server tell of notifications that it has for this session, and waits for them. It must be idle. */
  poke(): Promise<void>
  /** What came since the last time. */
  take(): { bytes: Buffer; ended: boolean }
  end(): void
}

export class RefusedError extends Error {
  override name = 'RefusedError'
}

const DEADLOCK_DETECTED = '40P01'
const EMPTY_QUERY = message('Q', '\0')

/**
 * Connects as the superuser, who needs no password at a server of ours.
 *
 * @param options.changed is called whenever something came
 * @throws RefusedError with the server's message
 */
export function openConnection(
  port: number,
  {
    session,
    database,
    settings,
    sessionOf,
    changed
  }: {
    session: number
    database: string
    settings: Record<string, string>
    /** The session of a process of the server. */
    sessionOf: (processId: number) => number | undefined
    changed: () => void
  }
): Promise<Connection> {
  const socket: Socket = connect({ port, host: '127.0.0.1', noDelay: true })
  let buffered: Buffer = Buffer.alloc(0)
  let came: Buffer[] = []
  let processId = 0
  let status = 'I'
  let isUp = false
  let busy = false
  let ended = false
  let listens = false
  let poked: (() => void) | undefined

  const connection: Connection = {
    session,
    get processId() {
      return processId
    },
    get busy() {
      return busy
    },
    get ended() {
      return ended
    },
    get status() {
      return status
    },
    get listens() {
      return listens
    },
    send(bytes) {
      busy = true
      socket.write(bytes)
    },
    poke() {
      socket.write(EMPTY_QUERY)
      return new Promise((resolve) => (poked = resolve))
    },
    take() {
      const bytes = Buffer.concat(came)
      came = []
      return { bytes, ended }
    },
    end: () => void socket.destroy()
  }

  return new Promise((resolve, reject) => {
    function receive(type: string, bytes: Buffer): void {
      if (!isUp) return startup(type, bytes)
      if (type === 'A') return void came.push(renumbered(bytes))
      if (type === 'Z') {
        status = String.fromCharCode(bytes[5]!)
        if (poked) {
          poked()
          poked = undefined
          return
        }
        busy = false
      }
      if (type === 'I' && poked) return
      if (type === 'C' && cString(bytes, 5).text === 'LISTEN') listens = true
      came.push(shown(type, bytes))
    }

    function shown(type: string, bytes: Buffer): Buffer {
      if (type === 'T') return withoutTables(bytes)
      if (type === 'E' && fieldOf(bytes, 'C') === DEADLOCK_DETECTED) return withoutProcesses(bytes)
      return hideDatabaseName(bytes, database)
    }

    function startup(type: string, bytes: Buffer): void {
      if (type === 'K') processId = bytes.readInt32BE(5)
      if (type === 'E') reject(new RefusedError(fieldOf(bytes, 'M') ?? 'no reason given'))
      if (type !== 'Z') return
      isUp = true
      resolve(connection)
    }

    function renumbered(bytes: Buffer): Buffer {
      const own = Buffer.from(bytes)
      own.writeInt32BE(sessionOf(bytes.readInt32BE(5)) ?? 0, 5)
      return own
    }

    socket.on('connect', () => {
      const parameters = Object.entries({ user: 'postgres', database, ...settings })
      const body = Buffer.concat([
        int32(PROTOCOL_VERSION_3),
        Buffer.from(`${parameters.map(([name, value]) => `${name}\0${value}\0`).join('')}\0`)
      ])
      socket.write(Buffer.concat([int32(body.length + 4), body]))
    })
    socket.on('data', (chunk: Buffer) => {
      buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
      let at = 0
      for (const { type, start, end } of backendMessages(buffered)) {
        if (end > buffered.length) break
        receive(type, Buffer.from(buffered.subarray(start, end)))
        at = end
      }
      buffered = buffered.subarray(at)
      changed()
    })
    const close = (error?: Error) => {
      ended = true
      busy = false
      poked?.()
      reject(new RefusedError(error?.message ?? 'the server ended the connection'))
      changed()
    }
    socket.on('error', close)
    socket.on('close', () => close())
  })
}

/**
 * RowDescription without the numbers of the tables that columns come from: they differ from server to server, and say
 * nothing that a client here looks at.
 */
function withoutTables(bytes: Buffer): Buffer {
  const count = bytes.readInt16BE(5)
  let at = 7
  for (let column = 0; column < count; column += 1) {
    at = cString(bytes, at).next
    bytes.writeInt32BE(0, at)
    at += 18
  }
  return bytes
}

/** An error of a deadlock without its details, which name processes and transactions of this server. */
function withoutProcesses(bytes: Buffer): Buffer {
  const told = ['S', 'V', 'C', 'M'].map((name) => `${name}${fieldOf(bytes, name) ?? ''}\0`)
  return message('E', `${told.join('')}\0`)
}

/** A field of an ErrorResponse. */
function fieldOf(bytes: Buffer, name: string): string | undefined {
  for (let at = 5; at < bytes.length && bytes[at] !== 0;) {
    const { text, next } = cString(bytes, at)
    if (text.startsWith(name)) return text.slice(1)
    at = next
  }
  return undefined
}
