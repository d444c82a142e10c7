/**
 * Signed requests of Open Payments clients (RFC 9421, RFC 9530) in plain JavaScript, for k6: as
 * `@interledger/http-signature-utils` signs them.
 */

export interface RequestToSign {
  method: 'GET' | 'POST' | 'DELETE'
  url: string
  /** `GNAP …`, where it is sent. */
  authorization?: string
  /** JSON, as it goes over the wire: ASCII. */
  body?: string
}

/** Key and cryptography: k6 has its own. */
export interface Signer {
  keyId: string
  /** Ed25519 over the text's bytes, as base64. */
  sign(text: string): string
  /** SHA-512 of the text's bytes, as base64. */
  sha512(text: string): string
  /** Seconds since 1970. */
  nowS(): number
}

/** All headers to send: `signature` covers method, URL, `authorization` and the body, where they are. */
export function signRequest(
  { method, url, authorization, body }: RequestToSign,
  { keyId, sign, sha512, nowS }: Signer
): Record<string, string> {
  const headers: Record<string, string> = {
    ...(authorization !== undefined && { authorization }),
    ...(body !== undefined && {
      'content-digest': `sha-512=:${sha512(body)}:`,
      'content-length': String(body.length),
      'content-type': 'application/json'
    })
  }
  const names = ['@method', '@target-uri', ...Object.keys(headers)]
  const parameters = `(${names.map((name) => `"${name}"`).join(' ')});keyid="${keyId}";created=${nowS()}`
  const lines = names.map((name) => {
    const value = name === '@method' ? method : name === '@target-uri' ? url : headers[name]
    return `"${name}": ${value}`
  })
  const signature = sign([...lines, `"@signature-params": ${parameters}`].join('\n'))
  return { ...headers, 'signature-input': `sig1=${parameters}`, signature: `sig1=:${signature}:` }
}
