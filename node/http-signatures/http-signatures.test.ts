import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto'
import {
  createHeaders,
  generateJwk,
  validateSignature,
  validateSignatureHeaders
} from '@interledger/http-signature-utils'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock, createMemoryCache } from '../runtime/index.ts'
import {
  createContentDigest,
  createNonceGuard,
  isJwk,
  MAX_SIGNATURES,
  readSignatures,
  signRequest,
  toJwk,
  verifyContentDigest,
  verifyRequest,
  verifyRequestOnce,
  thumbprintUri
} from './index.ts'
import type { RequestHeaders, VerifyRequestOptions } from './index.ts'
import { createSignatureBase } from './signature-base.ts'
import { isInnerList, parseDictionary } from './structured-fields.ts'

const NOW_MS = Date.UTC(2026, 0, 1, 12)
const { privateKey } = generateKeyPairSync('ed25519')
const key = toJwk(privateKey, 'key-1')

const lowerCased = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))

/** A request with a signature over exactly these components. */
function signedBy(
  components: string,
  options: {
    parameters?: string
    label?: string
    body?: string
    headers?: Record<string, string>
    method?: string
    targetUri?: string
  } = {}
): VerifyRequestOptions {
  const { parameters = `;keyid="key-1";created=${NOW_MS / 1000}`, label = 'sig1', body = '' } = options
  const method = options.method ?? 'POST'
  const targetUri = options.targetUri ?? 'https://auth.example/tenant'
  const headers: RequestHeaders = lowerCased(options.headers ?? {})
  const covered = parseDictionary(`x=(${components})${parameters}`)?.get('x')
  if (covered === undefined || !isInnerList(covered)) throw new Error('the test has a typing error')
  const base = createSignatureBase({ method, targetUri, headers }, covered) ?? 'cannot be built'
  headers['signature-input'] = `${label}=(${components})${parameters}`
  headers.signature = `${label}=:${sign(null, Buffer.from(base), privateKey).toString('base64')}:`
  return { method, targetUri, headers, rawBody: Buffer.from(body), key, nowMs: NOW_MS }
}

const json = fc
  .record({ client: fc.webUrl(), amount: fc.integer(), text: fc.string() })
  .map((o) => JSON.stringify(o))
const request = fc.record({
  method: fc.constantFrom('GET', 'POST', 'DELETE'),
  url: fc.webUrl({ withQueryParameters: true }).map((url) => {
    const { origin, pathname, search } = new URL(url)
    return origin + pathname + search
  }),
  authorization: fc.option(fc.stringMatching(/^GNAP [A-F0-9]{20}$/), { nil: undefined }),
  body: fc.option(json, { nil: undefined })
})

it('names a key by its thumbprint as RFC 8037, A.3, does', () => {
  const x = '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo'
  expect(thumbprintUri({ kty: 'OKP', crv: 'Ed25519', x })).toBe(
    'urn:ietf:params:oauth:jwk-thumbprint:sha-256:kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'
  )
})

describe('between this and @interledger/http-signature-utils', () => {
  it('verifies what the library signed', async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ method, url, authorization, body }) => {
        const sent: Record<string, string> =
          authorization === undefined ? {} : { Authorization: authorization }
        const made = await createHeaders({
          request: { method, url, headers: { ...sent }, ...(body !== undefined && { body }) },
          privateKey,
          keyId: 'key-1'
        })
        const verified = verifyRequest({
          method,
          targetUri: url,
          headers: lowerCased({ ...sent, ...(made as unknown as Record<string, string>) }),
          rawBody: Buffer.from(body ?? ''),
          key: generateJwk({ privateKey, keyId: 'key-1' }) as typeof key,
          nowMs: Date.now()
        })
        expect(verified).toMatchObject({ ok: true, keyId: 'key-1', label: 'sig1' })
      }),
      { numRuns: 50 }
    )
  })

  it('signs what the library verifies', async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ method, url, authorization, body }) => {
        const headers = signRequest({
          method,
          url,
          ...(authorization !== undefined && { headers: { authorization } }),
          ...(body !== undefined && { body }),
          keyId: 'key-1',
          privateKey,
          nowMs: NOW_MS
        })
        const message = { method, url, headers, ...(body !== undefined && { body }) }
        expect(validateSignatureHeaders(message)).toBe(true)
        expect(await validateSignature(key, message)).toBe(true)
      }),
      { numRuns: 50 }
    )
  })

  it('gives the same digest', async () => {
    const body = '{"a":"ä"}'
    const made = await createHeaders({
      request: { method: 'POST', url: 'https://a.example/', headers: {}, body },
      privateKey,
      keyId: 'k'
    })
    expect(createContentDigest(body)).toBe((made as unknown as Record<string, string>)['Content-Digest'])
  })
})

describe('verifyRequest', () => {
  it('fails when any covered part is tampered with', () => {
    fc.assert(
      fc.property(
        request.filter(({ body, authorization }) => body !== undefined && authorization !== undefined),
        fc.constantFrom(
          'method',
          'targetUri',
          'authorization',
          'content-digest',
          'content-length',
          'content-type',
          'body',
          'signature',
          'parameters',
          'key'
        ),
        fc.nat(),
        ({ method, url, authorization, body }, part, at) => {
          const headers = signRequest({
            method,
            url,
            headers: { authorization: authorization! },
            body: body!,
            keyId: 'key-1',
            privateKey,
            nowMs: NOW_MS
          })
          const good = { method, targetUri: url, headers, rawBody: Buffer.from(body!), key, nowMs: NOW_MS }
          expect(verifyRequest(good).ok).toBe(true)
          expect(verifyRequest(tamper(good, part, at)).ok).toBe(false)
        }
      ),
      { numRuns: 300 }
    )
  })

  it.each([
    ['@method is not covered', signedBy('"@target-uri"'), 'uncovered_component'],
    ['@target-uri is not covered', signedBy('"@method"'), 'uncovered_component'],
    [
      'authorization is sent and not covered',
      signedBy('"@method" "@target-uri"', { headers: { authorization: 'GNAP A' } }),
      'uncovered_component'
    ],
    ['a body comes without digest', signedBy('"@method" "@target-uri"', { body: '{}' }), 'missing_digest'],
    [
      'the digest is not covered',
      signedBy('"@method" "@target-uri"', {
        body: '{}',
        headers: { 'content-digest': createContentDigest('{}') }
      }),
      'uncovered_component'
    ],
    [
      'the digest is of another body',
      signedBy('"@method" "@target-uri" "content-digest"', {
        body: '{ }',
        headers: { 'content-digest': createContentDigest('{}') }
      }),
      'wrong_digest'
    ],
    [
      'the digest is of an unknown algorithm',
      signedBy('"@method" "@target-uri" "content-digest"', {
        body: '{}',
        headers: { 'content-digest': 'md5=:AQID:' }
      }),
      'wrong_digest'
    ],
    [
      'created is missing',
      signedBy('"@method" "@target-uri"', { parameters: ';keyid="key-1"' }),
      'missing_created'
    ],
    [
      'it is older than 60 s',
      signedBy('"@method" "@target-uri"', { parameters: `;keyid="key-1";created=${NOW_MS / 1000 - 61}` }),
      'expired'
    ],
    [
      'it is from more than 10 s ahead',
      signedBy('"@method" "@target-uri"', { parameters: `;keyid="key-1";created=${NOW_MS / 1000 + 11}` }),
      'created_in_future'
    ],
    [
      'it has expired',
      signedBy('"@method" "@target-uri"', {
        parameters: `;keyid="key-1";created=${NOW_MS / 1000 - 5};expires=${NOW_MS / 1000}`
      }),
      'expired'
    ],
    [
      'it names another algorithm',
      signedBy('"@method" "@target-uri"', {
        parameters: `;keyid="key-1";created=${NOW_MS / 1000};alg="hmac-sha256"`
      }),
      'unsupported_algorithm'
    ],
    [
      'no key is named',
      signedBy('"@method" "@target-uri"', { parameters: `;created=${NOW_MS / 1000}` }),
      'missing_key_id'
    ],
    [
      'another key is named',
      signedBy('"@method" "@target-uri"', { parameters: `;keyid="key-2";created=${NOW_MS / 1000}` }),
      'unknown_key'
    ],
    ['a component is repeated', signedBy('"@method" "@target-uri" "@method"'), 'unsupported_component'],
    ['a covered header is missing', signedBy('"@method" "@target-uri" "x-missing"'), 'unsupported_component'],
    ['a component is not known', signedBy('"@method" "@target-uri" "@status"'), 'unsupported_component'],
    [
      'created is no integer',
      signedBy('"@method" "@target-uri"', { parameters: ';keyid="key-1";created="now"' }),
      'malformed_signature'
    ]
  ])('refuses where %s', (_, message, code) => {
    expect(verifyRequest(message)).toMatchObject({ ok: false, code })
  })

  it.each([
    ['another label', signedBy('"@method" "@target-uri"', { label: 'my-sig' })],
    [
      'parameters in another order',
      signedBy('"@target-uri" "@method"', {
        parameters: `;nonce="n";created=${NOW_MS / 1000};alg="ed25519";keyid="key-1"`
      })
    ],
    [
      'created at both ends of the window',
      signedBy('"@method" "@target-uri"', { parameters: `;keyid="key-1";created=${NOW_MS / 1000 - 60}` })
    ],
    [
      'created ahead',
      signedBy('"@method" "@target-uri"', { parameters: `;keyid="key-1";created=${NOW_MS / 1000 + 10}` })
    ],
    [
      'a SHA-256 digest',
      signedBy('"@method" "@target-uri" "content-digest"', {
        body: '{}',
        headers: { 'content-digest': `sha-256=:${createHash('sha256').update('{}').digest('base64')}:` }
      })
    ],
    [
      'further derived components',
      signedBy('"@method" "@target-uri" "@authority" "@scheme" "@path" "@query" "@request-target"')
    ],
    [
      'white space around a header',
      signedBy('"@method" "@target-uri" "x-note"', { headers: { 'x-note': '  a, \t b ' } })
    ]
  ])('accepts %s', (_, message) => {
    expect(verifyRequest(message)).toMatchObject({ ok: true })
  })

  it('combines repeated headers and finds its signature among several', () => {
    const message = signedBy('"@method" "@target-uri"')
    const { signature, 'signature-input': input } = message.headers
    const headers = {
      ...message.headers,
      signature: ['proxy=:AQID:', signature as string],
      'signature-input': [`proxy=("@authority");keyid="proxy";created=1`, input as string]
    }
    expect(verifyRequest({ ...message, headers })).toMatchObject({ ok: true, label: 'sig1' })
    expect(readSignatures(headers)).toMatchObject({
      ok: true,
      signatures: [{ keyId: 'key-1' }, { keyId: 'proxy' }]
    })
  })

  it('tries each signature that names the key, and refuses more than 8', () => {
    const message = signedBy('"@method" "@target-uri"', { label: 'mine' })
    const { signature, 'signature-input': input } = message.headers
    const withOthers = (count: number) => ({
      ...message,
      headers: {
        ...message.headers,
        signature: [...Array.from({ length: count }, (_, n) => `other${n}=:AQID:`), signature as string],
        'signature-input': [
          ...Array.from(
            { length: count },
            (_, n) => `other${n}=("@method" "@target-uri");keyid="key-1";created=${NOW_MS / 1000}`
          ),
          input as string
        ]
      }
    })
    expect(verifyRequest(withOthers(1))).toMatchObject({ ok: true, label: 'mine' })
    expect(verifyRequest(withOthers(MAX_SIGNATURES - 1))).toMatchObject({ ok: true, label: 'mine' })
    expect(verifyRequest(withOthers(MAX_SIGNATURES))).toMatchObject({
      ok: false,
      code: 'malformed_signature'
    })
  })

  it('never throws, whatever the headers', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (input, signature, digest) => {
        const headers = {
          'signature-input': `sig1=${input}`,
          signature: `sig1=${signature}`,
          'content-digest': digest
        }
        const result = verifyRequest({
          method: 'GET',
          targetUri: '/',
          headers,
          rawBody: Buffer.alloc(0),
          key,
          nowMs: NOW_MS
        })
        expect(result.ok).toBe(false)
      })
    )
  })

  it('takes no name that every object inherits for a header field', () => {
    const inherited = fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype), 'then')
    fc.assert(
      fc.property(inherited, fc.boolean(), (name, inLowerCase) => {
        const component = inLowerCase ? name.toLowerCase() : name
        const signed = signedBy(`"@method" "@target-uri" "${component}"`)
        expect(verifyRequest(signed)).toMatchObject({ ok: false })
      })
    )
    expect(verifyRequest(signedBy('"@method" "@target-uri" "constructor"'))).toMatchObject({ ok: false })
    expect(verifyRequest(signedBy('"@method" "@target-uri" "__proto__"'))).toMatchObject({ ok: false })
    const named = signedBy('"@method" "@target-uri" "constructor"', { headers: { constructor: 'a' } })
    expect(verifyRequest(named)).toMatchObject({ ok: true })
  })

  it('verifies the example of RFC 9421, B.2.6', () => {
    const rfcKey = toJwk(
      createPrivateKey(
        '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----'
      ),
      'test-key-ed25519'
    )
    expect(rfcKey.x).toBe('JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs')
    const covered = parseDictionary(
      'sig=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"'
    )!.get('sig')!
    if (!isInnerList(covered)) throw new Error('no inner list')
    const base = createSignatureBase(
      {
        method: 'POST',
        targetUri: 'https://example.com/foo?param=Value&Pet=dog',
        headers: {
          date: 'Tue, 20 Apr 2021 02:07:55 GMT',
          'content-type': 'application/json',
          'content-length': '18'
        }
      },
      covered
    )!
    const signature = sign(
      null,
      Buffer.from(base),
      createPrivateKey(
        '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF\n-----END PRIVATE KEY-----'
      )
    ).toString('base64')
    expect(signature).toBe(
      'wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=='
    )
  })
})

describe('nonces', () => {
  it('are accepted once each; requests without one repeat freely', async () => {
    const clock = createManualClock(NOW_MS)
    const guard = createNonceGuard(createMemoryCache({ clock }))
    const withNonce = signedBy('"@method" "@target-uri"', {
      parameters: `;keyid="key-1";created=${NOW_MS / 1000};nonce="a"`
    })
    const without = signedBy('"@method" "@target-uri"')
    expect(await verifyRequestOnce(withNonce, guard)).toMatchObject({ ok: true, nonce: 'a' })
    expect(await verifyRequestOnce(withNonce, guard)).toMatchObject({ ok: false, code: 'repeated_nonce' })
    expect(await verifyRequestOnce(without, guard)).toMatchObject({ ok: true })
    expect(await verifyRequestOnce(without, guard)).toMatchObject({ ok: true })
  })
})

describe('nonces of two clients', () => {
  it('are two, though they read the same', async () => {
    const guard = createNonceGuard(createMemoryCache({ clock: createManualClock(NOW_MS) }))
    const other = toJwk(generateKeyPairSync('ed25519').privateKey, 'key-1')
    expect(await guard.isFirstUse(key, 'a')).toBe(true)
    expect(await guard.isFirstUse(other, 'a')).toBe(true)
    expect(await guard.isFirstUse(key, 'a')).toBe(false)
  })
})

describe('keys and digests', () => {
  it.each([
    ['another curve', { ...key, crv: 'Ed448' }],
    ['another algorithm', { ...key, alg: 'RS256' }],
    ['another use', { ...key, use: 'enc' }],
    ['a short key', { ...key, x: 'AQID' }],
    ['no id', { ...key, kid: '' }],
    ['null', null]
  ])('refuses a JWK with %s', (_, value) => {
    expect(isJwk(value)).toBe(false)
  })

  it('needs every known digest to be right', () => {
    const right = createContentDigest('x')
    const wrong = `sha-256=:${createHash('sha256').update('y').digest('base64')}:`
    expect(verifyContentDigest(right, Buffer.from('x'))).toBe(true)
    expect(verifyContentDigest(`${right}, ${wrong}`, Buffer.from('x'))).toBe(false)
    expect(verifyContentDigest(`${right}, md5=:AQ==:`, Buffer.from('x'))).toBe(true)
    expect(verifyContentDigest('', Buffer.from('x'))).toBe(false)
  })
})

/** The request with one of its parts changed. */
function tamper(good: VerifyRequestOptions, part: string, at: number): VerifyRequestOptions {
  const change = (text: string) => {
    const index = at % text.length
    return text.slice(0, index) + (text[index] === 'z' ? 'y' : 'z') + text.slice(index + 1)
  }
  const headers = { ...good.headers } as Record<string, string>
  switch (part) {
    case 'method':
      return { ...good, method: good.method === 'GET' ? 'PUT' : 'GET' }
    case 'targetUri':
      return { ...good, targetUri: `${good.targetUri}x` }
    case 'body':
      return { ...good, rawBody: Buffer.from(change(good.rawBody.toString())) }
    case 'key':
      return { ...good, key: toJwk(generateKeyPairSync('ed25519').privateKey, 'key-1') }
    case 'signature': {
      const bytes = Buffer.from(headers.signature!.slice('sig1=:'.length, -1), 'base64')
      bytes[at % bytes.length]! ^= 1
      headers.signature = `sig1=:${bytes.toString('base64')}:`
      return { ...good, headers }
    }
    case 'parameters':
      headers['signature-input'] = headers['signature-input']!.replace(
        /created=(\d+)/,
        (_, s: string) => `created=${Number(s) + 1}`
      )
      return { ...good, headers }
    default:
      headers[part] = change(headers[part]!)
      return { ...good, headers }
  }
}
