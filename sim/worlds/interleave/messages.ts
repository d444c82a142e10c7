import type { MessagePort } from 'node:worker_threads'

/** What the world's thread asks of the thread that speaks to the server, one after the other. */
export type Ask =
  /** Connects, to a database of the server's, with settings of the session. */
  | { ask: 'open'; session: number; database: string; settings: Record<string, string> }
  /** Sends messages of a client that end with a Sync or are a Query, and waits until everything stands still again. */
  | { ask: 'run'; session: number; bytes: Uint8Array }
  /** Cancels what a session waits for. */
  | { ask: 'cancel'; session: number }
  /** Ends connections at once, as a reset does. */
  | { ask: 'close'; sessions: number[] }

export interface Answer {
  /** Of every session that has something to say, by number: those that got a lock meanwhile are among them. */
  sessions: SessionAnswer[]
  /** The server refused: its message. */
  refused?: string
}

export interface SessionAnswer {
  session: number
  /** Messages of the server, whole. Numbers of processes in notifications are those of sessions. */
  bytes: Uint8Array
  /** The server is ready for its next statement. */
  ready: boolean
  /** The server ended the connection. */
  ended: boolean
}

/** What the thread is started with. */
export interface ThreadData {
  port: number
  /** One int32: becomes 1 when an answer lies in `answers`. */
  signal: SharedArrayBuffer
  answers: MessagePort
}
