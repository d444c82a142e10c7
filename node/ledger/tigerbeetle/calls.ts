import type { Clock, Logger, TigerBeetleClient } from '../../runtime/index.ts'
import { LedgerUnavailableError } from '../model.ts'

/** A call that TigerBeetle has not answered after this long is given up: its outcome is unknown. */
export const DEFAULT_REQUEST_TIMEOUT_MS = 10_000
/** Calls that were given up and may still be answered. Beyond it none is sent until some are. */
export const DEFAULT_MAX_UNANSWERED_CALLS = 16

export type TigerBeetleFailure =
  /** No answer in time: the request stays with the client, which sends it until it is answered. */
  | 'TIGERBEETLE_TIMEOUT'
  /** Too many calls wait for an answer already: this one was not sent. */
  | 'TIGERBEETLE_UNREACHABLE'
  /** The cluster dropped this client's session (64 clients at most); the next call opens another. */
  | 'TIGERBEETLE_EVICTED'
  /** The server's release does not take this client's (docs/tigerbeetle.md names the pair). */
  | 'TIGERBEETLE_RELEASE'
  /** The ledger was closed, or its process killed, before the answer. */
  | 'TIGERBEETLE_CLOSED'
  /** No client could be made: an address that cannot be resolved. */
  | 'TIGERBEETLE_ADDRESS'

/** TigerBeetle did not answer. The outcome of a write is unknown: repeat it, identical, until it is known. */
export class TigerBeetleUnavailableError extends LedgerUnavailableError {
  override name = 'TigerBeetleUnavailableError'
  readonly code: TigerBeetleFailure

  constructor(code: TigerBeetleFailure, message: string, options?: ErrorOptions) {
    super(`${code}: ${message}`, options)
    this.code = code
  }
}

/** A request holds more than the server takes at a time (`--limit-request`). Nothing was sent. */
export class TooMuchDataError extends Error {
  override name = 'TooMuchDataError'
}

export interface CallOptions {
  open(): Promise<TigerBeetleClient>
  clock: Pick<Clock, 'setTimer'>
  logger?: Pick<Logger, 'warn'> | undefined
  requestTimeoutMs?: number | undefined
  maxUnansweredCalls?: number | undefined
}

/** Calls of a TigerBeetle client that end in bounded time. */
export interface Calls {
  /**
   * @throws TigerBeetleUnavailableError when the outcome is unknown
   * @throws TooMuchDataError
   */
  call<T>(use: (client: TigerBeetleClient) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/**
 * The client never gives a request up. Here every call does, after `requestTimeoutMs`:
 *
 *   asked ──answer──▶ done
 *     │ ╲
 *     │  ──no answer in time──▶ UNANSWERED (its caller knows: unknown) ──answer──▶ forgotten
 *     └──evicted──▶ the session is gone: the next call opens another client
 *
 * Requests of one client are answered in order, so a repeat never overtakes what it repeats.
 */
export function createCalls({
  open,
  clock,
  logger,
  requestTimeoutMs = DEFAULT_REQUEST_TIMEOUT_MS,
  maxUnansweredCalls = DEFAULT_MAX_UNANSWERED_CALLS
}: CallOptions): Calls {
  let opened: Promise<TigerBeetleClient> | undefined
  let unanswered = 0
  let closed = false

  async function openOnce(): Promise<TigerBeetleClient> {
    opened ??= open()
    const opening = opened
    try {
      return await opening
    } catch (error) {
      if (opened === opening) opened = undefined
      throw new TigerBeetleUnavailableError('TIGERBEETLE_ADDRESS', messageOf(error), { cause: error })
    }
  }

  /** A client whose session is gone answers nothing any more. */
  async function drop(client: TigerBeetleClient): Promise<void> {
    const current = opened
    if (current === undefined || (await current) !== client || opened !== current) return
    opened = undefined
    client.destroy()
  }

  async function ask<T>(use: (client: TigerBeetleClient) => Promise<T>): Promise<T> {
    const client = await openOnce()
    try {
      return await use(client)
    } catch (error) {
      const { code } = error as { code?: unknown }
      if (code === 'ERR_TOO_MUCH_DATA') throw new TooMuchDataError(messageOf(error), { cause: error })
      const failure = FAILURES.get(code)
      if (failure === undefined) throw error
      if (failure !== 'TIGERBEETLE_CLOSED') await drop(client)
      throw new TigerBeetleUnavailableError(failure, messageOf(error), { cause: error })
    }
  }

  return {
    async call(use) {
      if (closed) throw new Error('the ledger is closed')
      if (unanswered >= maxUnansweredCalls) {
        throw new TigerBeetleUnavailableError(
          'TIGERBEETLE_UNREACHABLE',
          `${unanswered} calls wait for an answer (limit ${maxUnansweredCalls}); this one was not sent`
        )
      }
      return new Promise((resolve, reject) => {
        let isGivenUp = false
        const timer = clock.setTimer(requestTimeoutMs, () => {
          isGivenUp = true
          unanswered += 1
          logger?.warn({ event: 'tigerbeetle_timeout', unanswered }, 'TigerBeetle does not answer')
          reject(
            new TigerBeetleUnavailableError(
              'TIGERBEETLE_TIMEOUT',
              `no answer within ${requestTimeoutMs} ms; the request stays queued and may still be applied`
            )
          )
        })
        const answered = () => {
          timer.cancel()
          if (isGivenUp) unanswered -= 1
        }
        ask(use).then(
          (result) => {
            answered()
            resolve(result)
          },
          (error: unknown) => {
            answered()
            reject(error as Error)
          }
        )
      })
    },
    async close() {
      if (closed) return
      closed = true
      // Never opened, or never to be had: nothing to close.
      const client = await opened?.catch(() => undefined)
      client?.destroy()
    }
  }
}

const FAILURES: ReadonlyMap<unknown, TigerBeetleFailure> = new Map([
  ['ERR_CLIENT_CLOSED', 'TIGERBEETLE_CLOSED'],
  ['ERR_CLIENT_EVICTED', 'TIGERBEETLE_EVICTED'],
  ['ERR_CLIENT_RELEASE_TOO_LOW', 'TIGERBEETLE_RELEASE'],
  ['ERR_CLIENT_RELEASE_TOO_HIGH', 'TIGERBEETLE_RELEASE']
])

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
