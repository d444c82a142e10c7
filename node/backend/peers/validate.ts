import { ADDRESS_SCHEMES, isValidAddress, parseBtpUri } from '../../ilp/index.ts'
import { failure } from '../model.ts'
import type { Failure } from '../model.ts'
import type { PeerChanges, PeerFailure } from './model.ts'

/** Routes and tokens of one peer at most: they are held in memory by every process. */
export const MAX_ROUTES_PER_PEER = 1_000
export const MAX_TOKENS_PER_PEER = 100
/** A token stands in an index, and in a header of every packet. */
export const MAX_TOKEN_BYTES = 2_048

/** What is wrong with the given fields of a peer; undefined when nothing is. */
export function checkPeerInput(
  input: Pick<PeerChanges, 'staticIlpAddress' | 'routes' | 'http'>
): Failure<PeerFailure> | undefined {
  const { staticIlpAddress, routes = [], http } = input
  if (staticIlpAddress !== undefined && !isValidAddress(staticIlpAddress)) {
    return failure('InvalidStaticIlpAddress', `"${staticIlpAddress}" is not a valid ILP address`)
  }
  const wrongRoute = routes.find((route) => !isValidRoute(route))
  if (wrongRoute !== undefined) {
    return failure('InvalidStaticIlpAddress', `route "${wrongRoute}" is not a prefix of ILP addresses`)
  }
  if (routes.length > MAX_ROUTES_PER_PEER) {
    return failure('InvalidStaticIlpAddress', `a peer has at most ${MAX_ROUTES_PER_PEER} routes`)
  }
  if (http === undefined) return undefined
  if (!isHttpUrl(http.outgoing.endpoint) && parseBtpUri(http.outgoing.endpoint) === undefined) {
    return failure(
      'InvalidHTTPEndpoint',
      `"${http.outgoing.endpoint}" is neither an http(s) nor a btp+ws(s) URL`
    )
  }
  if (hasCredentials(http.outgoing.endpoint)) {
    return failure('InvalidHTTPEndpoint', 'an http(s) endpoint carries no credentials: authToken does')
  }
  const tokens = http.incoming?.authTokens ?? []
  if ([http.outgoing.authToken, ...tokens].some((token) => Buffer.byteLength(token) > MAX_TOKEN_BYTES)) {
    return failure('InvalidHTTPEndpoint', `a token has at most ${MAX_TOKEN_BYTES} bytes`)
  }
  if (!HEADER_VALUE.test(http.outgoing.authToken)) {
    return failure('InvalidHTTPEndpoint', 'the outgoing authToken has characters that no header carries')
  }
  if (tokens.some((token) => token.trim() === '')) {
    return failure('InvalidHTTPEndpoint', 'an incoming token is empty')
  }
  if (tokens.length > MAX_TOKENS_PER_PEER) {
    return failure('InvalidHTTPEndpoint', `a peer has at most ${MAX_TOKENS_PER_PEER} incoming tokens`)
  }
  return undefined
}

/** An ILP address, or a scheme alone: the default route to everything of that scheme. */
function isValidRoute(route: string): boolean {
  return isValidAddress(route) || (ADDRESS_SCHEMES as readonly string[]).includes(route)
}

/** What a header's value may hold (RFC 9110, 5.5). */
const HEADER_VALUE = /^[\x21-\x7e]+(?:[\x20\t]+[\x21-\x7e]+)*$|^$/

function hasCredentials(endpoint: string): boolean {
  if (!isHttpUrl(endpoint)) return false
  const { username, password } = new URL(endpoint)
  return username !== '' || password !== ''
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
}
