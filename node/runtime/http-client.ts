import { isIP } from 'node:net'
import { Agent } from 'undici'
import type { buildConnector, Dispatcher } from 'undici'
import type { Clock } from './clock.ts'
import type { Network } from './network.ts'
import { secureClient } from './tls.ts'

export interface HttpClientOptions {
  /** Connections kept per origin. */
  maxConnectionsPerOrigin?: number
  /** Time until the connection stands. */
  connectTimeoutMs?: number
  /** False: refuses loopback, private and link-local addresses (for URLs that third parties chose). */
  allowPrivateAddresses?: boolean
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  url: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** From the call to the end of the answer's body. */
  timeoutMs?: number
  /** A longer answer is an error. */
  maxResponseBytes?: number
  /** The status is all that counts: what is wrong with the body, or late of it, is no error, and `body` is empty. */
  isBodyIgnored?: boolean
}

export interface HttpResponse {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: Buffer
}

/** Raised when no answer came: `code` is the system's (ECONNREFUSED…), or one of ours. */
export class HttpClientError extends Error {
  override name = 'HttpClientError'
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface HttpClient {
  /**
   * One request, one answer. Follows no redirect, repeats nothing.
   *
   * @throws HttpClientError when no whole answer came in time
   */
  request(request: HttpRequest): Promise<HttpResponse>
  /** The pool below, for callers on a hot path. */
  readonly dispatcher: Dispatcher
  close(): Promise<void>
}

export const DEFAULT_REQUEST_TIMEOUT_MS = 5_000
export const DEFAULT_MAX_RESPONSE_BYTES = 1_048_576

/** An HTTP client on the network's door: undici does the protocol and the pooling. */
export function createHttpClient(
  { network, clock }: { network: Network; clock: Clock },
  options: HttpClientOptions = {}
): HttpClient {
  const { maxConnectionsPerOrigin = 64, connectTimeoutMs = 5_000, allowPrivateAddresses = true } = options
  const dispatcher = new Agent({
    connect: networkConnector(network, clock, { connectTimeoutMs, allowPrivateAddresses }),
    connections: maxConnectionsPerOrigin,
    pipelining: 1,
    // Deadlines are the caller's, by the runtime's clock.
    headersTimeout: 0,
    bodyTimeout: 0
  })

  async function request(args: HttpRequest): Promise<HttpResponse> {
    const { timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS, maxResponseBytes = DEFAULT_MAX_RESPONSE_BYTES } = args
    const abort = new AbortController()
    const deadline = clock.setTimer(timeoutMs, () =>
      abort.abort(new HttpClientError('ETIMEDOUT', `no answer from ${args.url} within ${timeoutMs} ms`))
    )
    try {
      const url = new URL(args.url)
      const response = await dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: args.method,
        headers: args.headers,
        body: args.body,
        signal: abort.signal
      })
      const { statusCode: status, headers } = response
      const read = readBody(response.body as AsyncIterable<Buffer>, maxResponseBytes, args.url)
      // Read all the same, as far as it goes: a connection whose answer was read can serve again.
      if (args.isBodyIgnored) return await read.then(noBody, noBody)
      return { status, headers, body: await read }

      function noBody(): HttpResponse {
        return { status, headers, body: Buffer.alloc(0) }
      }
    } catch (error) {
      throw toHttpClientError(error, args)
    } finally {
      deadline.cancel()
    }
  }

  return { request, dispatcher, close: () => dispatcher.destroy() }
}

async function readBody(body: AsyncIterable<Buffer>, maxBytes: number, url: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) {
      throw new HttpClientError('EMSGSIZE', `the answer from ${url} is longer than ${maxBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function toHttpClientError(error: unknown, { method, url }: HttpRequest): HttpClientError {
  if (error instanceof HttpClientError) return error
  const cause = error as { code?: string; message?: string; name?: string; cause?: unknown }
  if (cause.cause instanceof HttpClientError) return cause.cause
  return new HttpClientError(cause.code ?? 'EHTTP', `${method} ${url}: ${cause.message ?? 'failed'}`, {
    cause: error
  })
}

/** undici's `connect` on our network. TLS is spoken over the same door where the origin is `https:`. */
function networkConnector(
  network: Network,
  clock: Clock,
  { connectTimeoutMs, allowPrivateAddresses }: { connectTimeoutMs: number; allowPrivateAddresses: boolean }
): buildConnector.connector {
  return (options, callback) => {
    const port = options.port ? Number(options.port) : options.protocol === 'https:' ? 443 : 80
    const host = options.hostname.replace(/^\[|\]$/g, '')
    void guardedHost(network, host, allowPrivateAddresses).then(
      (target) => open(target),
      (error: Error) => callback(error, null)
    )

    function open(target: string): void {
      const socket = network.connect({ host: target, port })
      const secure = options.protocol === 'https:' && network.speaksTls
      const stream = secure ? secureClient(socket, host, { alpnProtocols: ['http/1.1'] }) : socket
      const timeout = clock.setTimer(connectTimeoutMs, () =>
        stream.destroy(
          new HttpClientError(
            'ETIMEDOUT',
            `${host}:${port} did not accept a connection in ${connectTimeoutMs} ms`
          )
        )
      )
      const onError = (error: Error) => {
        timeout.cancel()
        callback(error, null)
      }
      stream.once('error', onError)
      stream.once(secure ? 'secureConnect' : 'connect', () => {
        timeout.cancel()
        stream.off('error', onError)
        callback(null, stream as never)
      })
    }
  }
}

/**
 * The address to connect to: the host as it is, or one of its addresses after all were checked.
 *
 * @throws HttpClientError with code EPRIVATE, or ENOTFOUND
 */
export async function guardedHost(
  network: Network,
  host: string,
  allowPrivateAddresses: boolean
): Promise<string> {
  if (allowPrivateAddresses) return host
  const addresses = isIP(host) ? [host] : await network.resolve(host)
  const refused = addresses.find(isPrivateAddress)
  if (refused !== undefined) {
    throw new HttpClientError(
      'EPRIVATE',
      `${host} is a private address (${refused}); ALLOW_PRIVATE_ADDRESSES=true permits it`
    )
  }
  const [address] = addresses
  if (address === undefined) throw new HttpClientError('ENOTFOUND', `${host} has no address`)
  return address
}

/**
 * Whether an address is none of the public internet. IPv4: loopback, private, link-local, shared, multicast and
 * unspecified ones (RFC 6890). IPv6: all but global unicast, 2000::/3 (RFC 4291), and there 6to4 and Teredo
 * (RFC 3056, RFC 4380) where they lead to a private IPv4 address. IPv4 written as IPv6 (`::ffff:a.b.c.d`, however
 * it is spelled) is that IPv4 address. What is no address is not public.
 */
export function isPrivateAddress(address: string): boolean {
  if (isIP(address) === 4) return isPrivateIpv4(address.split('.').map(Number))
  const groups = ipv6Groups(address)
  if (groups === undefined) return true
  const ipv4At = (index: number) =>
    groups.slice(index, index + 2).flatMap((group) => [group >> 8, group & 0xff])
  const [first = 0, second = 0] = groups
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return isPrivateIpv4(ipv4At(6))
  if (first >> 13 !== 1) return true
  if (first === 0x2002) return isPrivateIpv4(ipv4At(1))
  // Teredo: its server's address, and its client's with every bit turned round.
  if (first === 0x2001 && second === 0) {
    return isPrivateIpv4(ipv4At(2)) || isPrivateIpv4(ipv4At(6).map((byte) => byte ^ 0xff))
  }
  return false
}

/** The eight groups of an IPv6 address; undefined for what is none. */
function ipv6Groups(address: string): number[] | undefined {
  if (isIP(address) !== 6 || address.includes('%')) return undefined
  // The URL parser writes each address in one way: hexadecimal, and at most one run of zeros left out.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const read = (text: string) => (text === '' ? [] : text.split(':').map((group) => parseInt(group, 16)))
  const [before, after] = [read(head), read(tail ?? '')]
  return [...before, ...new Array<number>(8 - before.length - after.length).fill(0), ...after]
}

function isPrivateIpv4([a = 0, b = 0]: number[]): boolean {
  return (
    a === 0 ||
    a === 10 ||
    a === 127 ||
    a >= 224 ||
    (a === 100 && b >= 64 && b <= 127) ||
    (a === 169 && b === 254) ||
    (a === 172 && b >= 16 && b <= 31) ||
    (a === 192 && (b === 168 || b === 0)) ||
    (a === 198 && (b === 18 || b === 19))
  )
}
