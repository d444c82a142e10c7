import { createHash } from 'node:crypto'

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

/** Schemes that a browser must not be sent to. Those of apps are fine (RFC 9635 section 2.5.2.1). */
const REFUSED_SCHEMES = new Set(['javascript:', 'data:', 'vbscript:', 'file:', 'blob:', 'about:'])

/** Whether a client's finish URI is one to redirect a browser to. */
export function isFinishUri(uri: string): boolean {
  return URL.canParse(uri) && !REFUSED_SCHEMES.has(new URL(uri).protocol)
}
