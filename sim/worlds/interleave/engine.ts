import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { SqlEngine } from '../virtual/pglite-engine.ts'
import type { Answer, Ask, SessionAnswer, ThreadData } from './messages.ts'

/** A real PostgreSQL as code of a world sees it: whatever is asked of it is done when the call returns. */
export interface ServerEngine {
  /** @throws ServerRefusedError */
  open(session: number, database: string, settings: Record<string, string>): void
  /**
   * Sends messages that end with a Sync, or are a Query.
   *
   * @returns what this session and others that got a lock by it are answered. A session that is not among them waits for a
   *   lock that another one has.
   */
  run(session: number, bytes: Uint8Array): SessionAnswer[]
  cancel(session: number): SessionAnswer[]
  /** Ends sessions; what they had open is rolled back. */
  close(sessions: readonly number[]): SessionAnswer[]
  /** A session of the laboratory's own, beside all others. */
  beside(session: number, database: string): SqlEngine
}

/** The server refused a connection. */
export class ServerRefusedError extends Error {
  override name = 'ServerRefusedError'
}

/** Longest that a statement may take. */
const ANSWER_LIMIT_MS = 60_000

/** Starts the thread that speaks to a server on 127.0.0.1. It lives as long as this process. */
export function createServerEngine(port: number): ServerEngine {
  const signal = new SharedArrayBuffer(4)
  const done = new Int32Array(signal)
  const { port1: mine, port2: answers } = new MessageChannel()
  const workerData: ThreadData = { port, signal, answers }
  const thread = new Worker(new URL('./thread.ts', import.meta.url), {
    workerData,
    transferList: [answers],
    execArgv: ['--disable-warning=ExperimentalWarning']
  })
  thread.unref()

  function ask(question: Ask): Answer {
    Atomics.store(done, 0, 0)
    thread.postMessage(question)
    if (Atomics.wait(done, 0, 0, ANSWER_LIMIT_MS) === 'timed-out')
      throw new Error(
        `PostgreSQL did not answer within ${ANSWER_LIMIT_MS} ms: ${JSON.stringify(question.ask)}`
      )
    const { message } = receiveMessageOnPort(mine) as { message: Answer }
    if (message.refused !== undefined) throw new ServerRefusedError(message.refused)
    return message
  }

  function open(session: number, database: string, settings: Record<string, string>): void {
    ask({ ask: 'open', session, database, settings })
  }

  return {
    open,
    run: (session, bytes) => ask({ ask: 'run', session, bytes }).sessions,
    cancel: (session) => ask({ ask: 'cancel', session }).sessions,
    close: (sessions) =>
      sessions.length === 0 ? [] : ask({ ask: 'close', sessions: [...sessions] }).sessions,
    beside(session, database) {
      open(session, database, {})
      return {
        execute(messages) {
          const [answer] = ask({ ask: 'run', session, bytes: messages }).sessions
          return Buffer.from(answer!.bytes)
        }
      }
    }
  }
}
