import { createHash, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

// Signatures put together by hand, line by line (RFC 9421, RFC 9530), so that nothing but the door is under test:
// those of an honest client, and each that must not do.

export type SentHeaders = Record<string, string>

/** A request as it is sent, and what of it is signed. */
export interface Attempt {
  method: string
  url: string
  headers: SentHeaders
  body?: string
  /** Differ from what is sent where the attempt lies. */
  signedMethod?: string
  signedUrl?: string
  components: string[]
  keyId: string
  privateKey: KeyObject
  createdMs: number | undefined
  nonce?: string
}

/** The attempt of an honest client: everything that must be covered is. */
export function honestAttempt(
  request: Pick<Attempt, 'method' | 'url' | 'headers' | 'body'>,
  { keyId, privateKey, nowMs }: { keyId: string; privateKey: KeyObject; nowMs: number }
): Attempt {
  const { headers, body } = request
  const components = ['@method', '@target-uri']
  if (headers.authorization !== undefined) components.push('authorization')
  if (body !== undefined) components.push('content-digest', 'content-type')
  return {
    ...request,
    headers: {
      accept: 'application/json',
      ...headers,
      ...(body !== undefined && { 'content-type': 'application/json', 'content-digest': digestOf(body) })
    },
    components,
    keyId,
    privateKey,
    createdMs: nowMs
  }
}

/** The signature fields of an attempt: RFC 9421 section 2.5. */
export function signatureOf(attempt: Attempt): SentHeaders {
  const { method, url, headers, components, keyId, createdMs, nonce, privateKey } = attempt
  const values: SentHeaders = {
    ...headers,
    '@method': attempt.signedMethod ?? method,
    '@target-uri': attempt.signedUrl ?? url
  }
  const parameters = [
    `(${components.map((name) => `"${name}"`).join(' ')})`,
    `keyid="${keyId}"`,
    ...(createdMs === undefined ? [] : [`created=${Math.floor(createdMs / 1000)}`]),
    ...(nonce === undefined ? [] : [`nonce="${nonce}"`])
  ].join(';')
  const lines = components.map((name) => `"${name}": ${values[name]}`)
  const base = [...lines, `"@signature-params": ${parameters}`].join('\n')
  return {
    'signature-input': `sig1=${parameters}`,
    signature: `sig1=:${sign(null, Buffer.from(base), privateKey).toString('base64')}:`
  }
}

export const digestOf = (body: string) => `sha-512=:${createHash('sha512').update(body).digest('base64')}:`

export const without = (attempt: Attempt, component: string): Attempt => ({
  ...attempt,
  components: attempt.components.filter((name) => name !== component)
})

/** Who lies: another client, with a key of its own. */
export interface Liar {
  keyId: string
  privateKey: KeyObject
  nowMs: number
}

type Lie = (attempt: Attempt, liar: Liar) => Attempt | [Attempt, SentHeaders]

/** Signatures that no door may take, made of an attempt that would do. */
export const SIGNATURE_LIES: Record<string, Lie> = {
  'no signature': (attempt) => [attempt, {}],
  'a signature without its input': (attempt) => [attempt, { signature: signatureOf(attempt).signature! }],
  'a signature that is no structured field': (attempt) => [
    attempt,
    { ...signatureOf(attempt), signature: 'sig1=abc' }
  ],
  'no key id': (attempt) => {
    const signature = signatureOf(attempt)
    const input = signature['signature-input']!.replace(/;keyid="[^"]*"/, '')
    return [attempt, { ...signature, 'signature-input': input }]
  },
  'the key of another': (attempt, { keyId, privateKey }) => ({ ...attempt, keyId, privateKey }),
  'another key under the same id': (attempt, { privateKey }) => ({ ...attempt, privateKey }),
  'no @method among its components': (attempt) => without(attempt, '@method'),
  'no @target-uri among its components': (attempt) => without(attempt, '@target-uri'),
  'created 61 s ago': (attempt, { nowMs }) => ({ ...attempt, createdMs: nowMs - 61_000 }),
  'created 12 s ahead': (attempt, { nowMs }) => ({ ...attempt, createdMs: nowMs + 12_000 }),
  'created at no time': (attempt) => ({ ...attempt, createdMs: undefined }),
  'made for another method': (attempt) => ({ ...attempt, signedMethod: 'PATCH' }),
  'made for another host': (attempt) => ({
    ...attempt,
    signedUrl: attempt.url.replace(new URL(attempt.url).hostname, 'another.example')
  }),
  'made for another scheme': (attempt) => ({ ...attempt, signedUrl: attempt.url.replace('http:', 'https:') }),
  'made for another path': (attempt) => ({ ...attempt, signedUrl: attempt.url.replace(/(\?|$)/, 'x$1') }),
  'made for another query': (attempt) => ({
    ...attempt,
    url: `${attempt.url}${attempt.url.includes('?') ? '&' : '?'}more=1`,
    signedUrl: attempt.url
  })
}

/** What is wrong with the digest of a body: each is refused, for a body that is not covered could be any other. */
export const DIGEST_LIES: Record<string, (attempt: Attempt, anotherBody: string) => Attempt> = {
  'no digest': (attempt) => {
    const { 'content-digest': _, ...sent } = attempt.headers
    return { ...without(attempt, 'content-digest'), headers: sent }
  },
  'a digest that is not covered': (attempt) => without(attempt, 'content-digest'),
  'the digest of another body': (attempt, body) => ({ ...attempt, body }),
  'a digest of an algorithm that is broken': (attempt) => {
    const digest = `md5=:${createHash('md5').update(attempt.body!).digest('base64')}:`
    return { ...attempt, headers: { ...attempt.headers, 'content-digest': digest } }
  },
  'one good digest and one bad': (attempt) => {
    const digest = `${digestOf(attempt.body!)}, sha-256=:AAAA:`
    return { ...attempt, headers: { ...attempt.headers, 'content-digest': digest } }
  }
}
