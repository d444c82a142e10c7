import pg from 'pg'
import type { Clock, Timer } from './clock.ts'
import type { Socket } from './network.ts'

/** What a connection goes by that must not wait for an answer for ever. */
export interface AnswerLimit {
  clock: Pick<Clock, 'setTimer'>
  /** How long the server may be silent while something is asked of it. */
  answerTimeoutMs: number
}

export type WatchedConfig = pg.ClientConfig & { answers: AnswerLimit }

/** The silence is looked at this many times until its limit. */
const LOOKS = 4

/** What is asked got no answer in time: it may have run, or may still. */
export class DatabaseSilentError extends Error {
  override name = 'DatabaseSilentError'
}

/**
 * A connection that is closed when the server says nothing for too long: where a network swallows what is sent, the
 * system would find out after a quarter of an hour.
 *
 *   idle ──asked──▶ waiting ──all is answered──▶ idle
 *                    │ │ ▲
 *                    │ └─┘ an answer: the silence begins anew
 *                    └──silent for the limit, and up to a quarter more──▶ closed: what was asked rejects
 *
 * One timer looks now and then, however many statements there are. It counts its looks and not the time: a process
 * that was stopped reads what came meanwhile before its next look.
 */
export class WatchedClient extends pg.Client {
  readonly #answers: AnswerLimit
  #timer: Timer | undefined
  #isWaiting = false
  #isEnding = false
  #silentLooks = 0

  constructor(config: WatchedConfig) {
    super(config)
    this.#answers = config.answers
    this.on('drain', () => {
      this.#isWaiting = false
    })
    this.once('end', () => {
      this.#isWaiting = false
      this.#timer?.cancel()
      this.#timer = undefined
    })
  }

  /** For a connection that is asked anew before all is answered: something was answered. */
  answered(): void {
    this.#silentLooks = 0
  }

  // The overloads are those of pg; what passes through unchanged needs none of them.
  override query(...args: never[]): never {
    this.#asked()
    return (super.query as (...all: never[]) => never)(...args)
  }

  /** A farewell is answered by the server's end of the connection. */
  override end(...args: never[]): never {
    this.#isEnding = true
    this.#asked()
    return (super.end as (...all: never[]) => never)(...args)
  }

  #asked(): void {
    if (!this.#isWaiting) {
      this.#isWaiting = true
      this.#silentLooks = 0
    }
    if (this.#timer === undefined) this.#arm()
  }

  #arm(): void {
    const { clock, answerTimeoutMs } = this.#answers
    this.#timer = clock.setTimer(answerTimeoutMs / LOOKS, () => this.#look())
  }

  #look(): void {
    this.#timer = undefined
    if (!this.#isWaiting) return
    this.#silentLooks += 1
    // The first interval was perhaps not a whole one.
    if (this.#silentLooks <= LOOKS) this.#arm()
    else this.#close()
  }

  #close(): void {
    this.#isWaiting = false
    const { stream } = (this as unknown as { connection: { stream: Socket } }).connection
    if (this.#isEnding) stream.destroy()
    else
      stream.destroy(
        new DatabaseSilentError(
          `the database did not answer for ${this.#answers.answerTimeoutMs} ms: its connection was closed, ` +
            'and what was under way may have run'
        )
      )
  }
}
