import { createHash } from 'node:crypto'

/** Characters of a client's nonce. */
export const MAX_NONCE_LENGTH = 1_024

/**
 * The hash that proves to the client that the browser comes from this server (RFC 9635 section 4.2.3): SHA-256
 * over the client's nonce, the server's nonce, the interaction reference and the grant endpoint, one per line, as
 * standard base64.
 */
export function createInteractionHash({
  clientNonce,
  interactionNonce,
  interactRef,
  grantEndpoint
}: {
  clientNonce: string
  interactionNonce: string
  interactRef: string
  grantEndpoint: string
}): string {
  return createHash('sha256')
    .update([clientNonce, interactionNonce, interactRef, grantEndpoint].join('\n'))
    .digest('base64')
}

/** A URI with query parameters added to those it has, percent-encoded (a space is %20, not a plus). */
export function withQuery(uri: string, parameters: Record<string, string>): string {
  const url = new URL(uri)
  const added = Object.entries(parameters)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value.toWellFormed())}`)
    .join('&')
  url.search = url.search.length > 1 ? `${url.search}&${added}` : added
  return url.href
}

/**
 * Schemes that a browser must not be sent to: they run code, read files, show other content, or are no place to come
 * back to. Those of apps are fine (RFC 9635 section 2.5.2.1), and so is http: the contract names no scheme.
 */
const REFUSED_SCHEMES = new Set([
  ...['javascript:', 'vbscript:', 'data:', 'blob:', 'about:', 'file:', 'filesystem:', 'view-source:', 'jar:'],
  ...['mailto:', 'tel:', 'sms:', 'ws:', 'wss:', 'ftp:']
])

/** Whether a client's finish URI is one to redirect a browser to: absolute, without credentials or fragment. */
export function isFinishUri(uri: string): boolean {
  // URL parsers drop white space and control characters: what was signed would not be what is used.
  if (!URL.canParse(uri) || !isPrintable(uri) || uri.includes('#')) return false
  const { protocol, username, password } = new URL(uri)
  return username === '' && password === '' && !REFUSED_SCHEMES.has(protocol)
}

/**
 * Whether a client's nonce is one to prove something with: not empty, and without the line ends that the hash puts
 * between its values (RFC 9635 section 4.2.3), nor any other control character.
 */
export function isFinishNonce(nonce: string): boolean {
  return nonce.length > 0 && nonce.length <= MAX_NONCE_LENGTH && !/\p{Cc}/u.test(nonce)
}

function isPrintable(uri: string): boolean {
  return !/[\p{Cc}\s]/u.test(uri)
}
