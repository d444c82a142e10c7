import type { KeyObject } from 'node:crypto'
import { signRequest } from '../../http-signatures/index.ts'
import type { Clock, HttpClient, HttpResponse } from '../../runtime/index.ts'

/** An answer of another node's Open Payments or authorization server is not longer than this. */
export const MAX_ANSWER_BYTES = 262_144
/** From a request's start to the end of its answer. */
export const REQUEST_TIMEOUT_MS = 10_000

/** Raised when the other node gave no usable answer: nothing is known of what it did, and it may be asked again. */
export class RemoteUnavailableError extends Error {
  override name = 'RemoteUnavailableError'
}

export interface JsonAnswer {
  status: number
  /** The parsed body; undefined where there is none or it is not JSON. */
  body: unknown
}

/** Requests to other nodes, signed with this instance's key where they are due to be (RFC 9421). */
export interface SignedHttp {
  /** @throws RemoteUnavailableError when no whole answer came */
  request(request: {
    method: 'GET' | 'POST'
    url: string
    accessToken?: string
    body?: Record<string, unknown>
  }): Promise<JsonAnswer>
}

export function createSignedHttp({
  http,
  clock,
  scheme,
  keyId,
  privateKey
}: {
  /** Guards against private addresses where it should: the URLs are those of third parties. */
  http: HttpClient
  clock: Clock
  /** With `http` every URL is called as http, whatever it says (local networks). */
  scheme: 'http' | 'https'
  keyId: string
  privateKey: KeyObject
}): SignedHttp {
  return {
    async request({ method, url, accessToken, body }) {
      const target = new URL(url)
      if (scheme === 'http') target.protocol = 'http:'
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers: Record<string, string> = {
        accept: 'application/json',
        ...(accessToken !== undefined && { authorization: `GNAP ${accessToken}` }),
        ...(text !== undefined && { 'content-type': 'application/json' })
      }
      // As the Open Payments clients do: what writes or carries a token is signed, public reads are not.
      const signed =
        method === 'POST' || accessToken !== undefined
          ? signRequest({
              method,
              url: target.href,
              headers,
              ...(text !== undefined && { body: text }),
              keyId,
              privateKey,
              nowMs: clock.nowMs()
            })
          : headers
      let answer: HttpResponse
      try {
        answer = await http.request({
          method,
          url: target.href,
          headers: signed,
          ...(text !== undefined && { body: text }),
          timeoutMs: REQUEST_TIMEOUT_MS,
          maxResponseBytes: MAX_ANSWER_BYTES
        })
      } catch (error) {
        throw new RemoteUnavailableError(`${method} ${target.href}: ${(error as Error).message}`, {
          cause: error
        })
      }
      return { status: answer.status, body: parseJson(answer.body) }
    }
  }
}

function parseJson(body: Buffer): unknown {
  if (body.length === 0) return undefined
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    return undefined // the schema then says what is missing
  }
}
