import type { Dispatcher } from 'undici'
import { MAX_REPLY_BYTES } from '../../../ilp/index.ts'
import type { Clock, HttpClient } from '../../../runtime/index.ts'
import type { Peer } from '../../peers/model.ts'
import type { Transport, TransportOutcome } from '../transport.ts'

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
    send(peer, bytes, giveUpAtMs) {
      return new Promise((resolve) => {
        const exchange = createExchange((outcome) => {
          giveUp.cancel()
          resolve(outcome)
        })
        const giveUp = clock.setTimer(giveUpAtMs - clock.nowMs(), exchange.giveUp)
        try {
          const { origin, path, headers } = endpointOf(peer)
          httpClient.dispatcher.dispatch(
            { origin, path, headers, method: 'POST', body: bytes, headersTimeout: 0, bodyTimeout: 0 },
            exchange.handler
          )
        } catch (error) {
          exchange.handler.onResponseError!(undefined as never, error as Error)
        }
      })
    },
    close: () => httpClient.close()
  }
}

/**
 *   queued ──connection ready──▶ written ──headers──▶ answering ──end──▶ ended
 *      └── error: notSent           └── error: lost       └── error, too long: lost
 */
function createExchange(onEnd: (outcome: TransportOutcome) => void): {
  handler: Dispatcher.DispatchHandler
  giveUp: () => void
} {
  let controller: Dispatcher.DispatchController | undefined
  let isWritten = false
  let isEnded = false
  let status = 0
  let length = 0
  const chunks: Buffer[] = []

  function end(outcome: TransportOutcome): void {
    if (isEnded) return
    isEnded = true
    onEnd(outcome)
  }

  function fail(code: 'T00' | 'T01', reason: string): void {
    end({ kind: isWritten ? 'lost' : 'notSent', code, reason })
  }

  return {
    handler: {
      onRequestStart(current) {
        // undici may put a request back into its queue when a connection breaks; ours never goes out again.
        if (isWritten || isEnded) {
          current.abort(new Error('a Prepare is sent once'))
          return
        }
        controller = current
        isWritten = true
      },
      onResponseStart(_controller, statusCode) {
        status = statusCode
      },
      onResponseData(current, chunk) {
        length += chunk.length
        if (length > MAX_REPLY_BYTES) {
          fail('T00', `the peer's answer is longer than ${MAX_REPLY_BYTES} bytes`)
          current.abort(new Error('the answer is too long'))
          return
        }
        chunks.push(chunk)
      },
      onResponseEnd() {
        end(status === 200 ? { kind: 'answer', bytes: Buffer.concat(chunks) } : refusal(status))
      },
      onResponseError(_controller, error) {
        fail('T01', `the peer could not be reached: ${describe(error)}`)
      }
    },
    giveUp() {
      fail('T01', 'the peer did not answer in time')
      controller?.abort(new Error('no answer in time'))
    }
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
