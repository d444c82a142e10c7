import type { Dispatcher } from 'undici'
import { MAX_REPLY_BYTES } from '../../../ilp/index.ts'
import type { Clock, HttpClient } from '../../../runtime/index.ts'
import type { Peer } from '../../peers/model.ts'
import { createDeadlines } from '../deadlines.ts'
import type { Deadline } from '../deadlines.ts'
import type { ExchangeTimes, Transport, TransportOutcome } from '../transport.ts'

/**
 * Connections per peer, which is also the number of packets that travel to it at once: an HTTP/1.1 connection
 * carries one at a time. Others wait for a free connection, until their expiry.
 */
export const DEFAULT_MAX_CONNECTIONS_PER_PEER = 256

interface Endpoint {
  /** What the rest was made from: a peer may be changed while it is in use. */
  source: Peer['http']['outgoing']
  origin: string
  path: string
  headers: Record<string, string>
}

/**
 * ILP over HTTP, the sending side (RFC 35, Send ILP Prepare; the reply is in the answer, as deployed).
 *
 * A Prepare is written to at most one connection: when that one breaks, nobody knows what the peer did, and
 * the outcome is `lost`.
 */
export function createHttpTransport(dependencies: {
  /** A client of the connector's own, with DEFAULT_MAX_CONNECTIONS_PER_PEER connections per origin. */
  httpClient: HttpClient
  clock: Clock
}): Transport {
  const { httpClient, clock } = dependencies
  const endpoints = new WeakMap<Peer, Endpoint>()
  const deadlines = createDeadlines(clock)

  function endpointOf(peer: Peer): Endpoint {
    const { outgoing } = peer.http
    let endpoint = endpoints.get(peer)
    if (endpoint?.source.endpoint !== outgoing.endpoint || endpoint.source.authToken !== outgoing.authToken) {
      const url = new URL(outgoing.endpoint)
      endpoint = {
        source: { ...outgoing },
        origin: url.origin,
        path: url.pathname + url.search,
        headers: {
          authorization: `Bearer ${outgoing.authToken}`,
          'content-type': 'application/octet-stream',
          accept: 'application/octet-stream'
        }
      }
      endpoints.set(peer, endpoint)
    }
    return endpoint
  }

  return {
    send(peer, bytes, times) {
      return new Promise((resolve) => {
        const exchange = new Exchange(clock, times, resolve)
        exchange.deadline = deadlines.at(times.giveUpAtMs, () => exchange.giveUp())
        try {
          const { origin, path, headers } = endpointOf(peer)
          httpClient.dispatcher.dispatch({ origin, path, headers, method: 'POST', body: bytes }, exchange)
        } catch (error) {
          exchange.onResponseError(undefined, error as Error)
        }
      })
    },
    close: () => httpClient.close()
  }
}

/**
 *   queued ──connection ready──▶ written ──headers──▶ answering ──end──▶ ended
 *      └── error, expired: notSent  └── error: lost       └── error, too long: lost
 */
class Exchange implements Dispatcher.DispatchHandler {
  deadline: Deadline | undefined
  readonly #clock: Pick<Clock, 'nowMs'>
  readonly #expiresAtMs: number
  readonly #onEnd: (outcome: TransportOutcome) => void
  #controller: Dispatcher.DispatchController | undefined
  #isEnded = false
  #status = 0
  #length = 0
  #chunks: Buffer[] = []

  constructor(
    clock: Pick<Clock, 'nowMs'>,
    { expiresAtMs }: ExchangeTimes,
    onEnd: (outcome: TransportOutcome) => void
  ) {
    this.#clock = clock
    this.#expiresAtMs = expiresAtMs
    this.#onEnd = onEnd
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // undici may put a request back into its queue when a connection breaks; ours never goes out again.
    if (this.#controller !== undefined || this.#isEnded) {
      controller.abort(new Error('a Prepare is sent once'))
      return
    }
    if (this.#expiresAtMs <= this.#clock.nowMs()) {
      this.#end({ kind: 'notSent', code: 'R00', reason: 'no connection to the peer in time' })
      controller.abort(new Error('the Prepare expired while it waited'))
      return
    }
    this.#controller = controller
  }

  onResponseStart(_controller: Dispatcher.DispatchController, statusCode: number): void {
    this.#status = statusCode
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#length += chunk.length
    if (this.#length > MAX_REPLY_BYTES) {
      this.#fail('T00', `the peer's answer is longer than ${MAX_REPLY_BYTES} bytes`)
      controller.abort(new Error('the answer is too long'))
      return
    }
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#status !== 200) return this.#end(refusal(this.#status))
    const [first] = this.#chunks
    const bytes = this.#chunks.length === 1 ? first! : Buffer.concat(this.#chunks)
    this.#end({ kind: 'answer', bytes })
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.#fail('T01', `the peer could not be reached: ${describe(error)}`)
  }

  giveUp(): void {
    this.#fail('T01', 'the peer did not answer in time')
    this.#controller?.abort(new Error('no answer in time'))
  }

  #fail(code: 'T00' | 'T01', reason: string): void {
    this.#end({ kind: this.#controller === undefined ? 'notSent' : 'lost', code, reason })
  }

  #end(outcome: TransportOutcome): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.deadline?.cancel()
    this.#onEnd(outcome)
  }
}

/**
 * Statuses other than 200 (RFC 35, Error Handling). A client error, 503 and redirections say that the request
 * was not taken; after other server errors the packet may have been executed.
 */
function refusal(status: number): TransportOutcome {
  const reason = `the peer answered with HTTP status ${status}`
  if (status === 429) return { kind: 'notSent', code: 'T02', reason }
  if (status === 503) return { kind: 'notSent', code: 'T00', reason }
  if (status >= 300 && status < 500) return { kind: 'notSent', code: 'T01', reason }
  return { kind: 'lost', code: 'T00', reason }
}

function describe(error: Error & { code?: string }): string {
  return error.code ?? error.message
}
