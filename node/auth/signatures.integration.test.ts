import { createHash, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { toJwk } from '../http-signatures/index.ts'
import { OPERATOR_ID, startTestAuth } from './testing.ts'
import type { AuthHarness, JsonAnswer } from './testing.ts'
import { createGrantActors, INCOMING, INTERACT_WITHOUT_FINISH, refusalOf } from './testing-grants.ts'
import type { GrantActors, GrantAnswer } from './testing-grants.ts'

// Each operation that needs a signature, with every signature that must not do (RFC 9421, RFC 9530). The signatures
// are put together by hand here, line by line, so that nothing but the door is under test.

type Headers = Record<string, string>

/** A request as it is sent, and what of it is signed. */
interface Attempt {
  method: string
  url: string
  headers: Headers
  body?: string
  /** Differ from what is sent where the attempt lies. */
  signedMethod?: string
  signedUrl?: string
  signedHeaders?: Headers
  components: string[]
  keyId: string
  privateKey: KeyObject
  createdMs: number | undefined
  nonce?: string
}

/** The signature fields of an attempt: RFC 9421 section 2.5. */
function signatureOf(attempt: Attempt): Headers {
  const { method, url, headers, components, keyId, createdMs, nonce, privateKey } = attempt
  const values: Headers = {
    ...headers,
    ...attempt.signedHeaders,
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

const digestOf = (body: string) => `sha-512=:${createHash('sha512').update(body).digest('base64')}:`

describe('a signature', () => {
  let harness: AuthHarness
  let actors: GrantActors
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
    actors = createGrantActors(harness)
  })
  afterAll(() => harness.close())

  const grantBody = () =>
    JSON.stringify({ client: harness.client.walletAddress, access_token: { access: [INCOMING] } })

  /** What each operation is asked for, by a request that would be granted. */
  const operations: Record<string, () => Promise<Pick<Attempt, 'method' | 'url' | 'headers' | 'body'>>> = {
    'a grant request': async () => ({
      method: 'POST',
      url: harness.url('auth', `/${OPERATOR_ID}`),
      headers: {},
      body: grantBody()
    }),
    'a continuation': async () => {
      const grant = await actors.askInteractively({ interact: INTERACT_WITHOUT_FINISH })
      return {
        method: 'POST',
        url: harness.url('auth', grant.continuePath),
        headers: { authorization: `GNAP ${grant.token}` }
      }
    },
    'a cancellation': async () => {
      const { continue: continuation } = await actors.issue()
      return {
        method: 'DELETE',
        url: continuation.uri,
        headers: { authorization: `GNAP ${continuation.access_token.value}` }
      }
    },
    'a rotation': async () => {
      const { token, managePath } = await actors.issue()
      return {
        method: 'POST',
        url: harness.url('auth', managePath),
        headers: { authorization: `GNAP ${token}` }
      }
    },
    'a revocation': async () => {
      const { token, managePath } = await actors.issue()
      return {
        method: 'DELETE',
        url: harness.url('auth', managePath),
        headers: { authorization: `GNAP ${token}` }
      }
    }
  }

  async function attemptOf(operation: string): Promise<Attempt> {
    const { method, url, headers, body } = await operations[operation]!()
    const components = ['@method', '@target-uri']
    if (headers.authorization !== undefined) components.push('authorization')
    if (body !== undefined) components.push('content-digest', 'content-type')
    return {
      method,
      url,
      headers: {
        accept: 'application/json',
        ...headers,
        ...(body !== undefined && { 'content-type': 'application/json', 'content-digest': digestOf(body) })
      },
      ...(body !== undefined && { body }),
      components,
      keyId: harness.client.keyId,
      privateKey: harness.client.privateKey,
      createdMs: harness.runtime.clock.nowMs()
    }
  }

  async function send(attempt: Attempt, signature = signatureOf(attempt)): Promise<JsonAnswer> {
    const { method, url, headers, body } = attempt
    const answer = await harness.http.request({
      method: method as 'POST',
      url,
      headers: { ...headers, ...signature },
      ...(body !== undefined && { body })
    })
    return { ...answer, json: <Body>() => JSON.parse(answer.body.toString()) as Body }
  }

  /** Everything that a request could have changed. */
  const everything = () =>
    harness.sql(
      `SELECT count(*) AS n, count(t."revokedAt") AS revoked, max(g."updatedAt") AS changed,
         (SELECT count(*) FROM grants) AS grants
       FROM grants g LEFT JOIN "accessTokens" t ON t."grantId" = g.id`
    )

  const without = (attempt: Attempt, component: string): Attempt => ({
    ...attempt,
    components: attempt.components.filter((name) => name !== component)
  })
  const headers = [401, 'invalid_client', 'invalid signature headers']
  const wrong = [401, 'invalid_client', 'invalid signature']
  const noClient = [400, 'invalid_client', 'could not determine client']

  /** What is refused, made of a request that would do. */
  const lies: [string, (attempt: Attempt) => Attempt | [Attempt, Headers], unknown[]][] = [
    ['no signature', (attempt) => [attempt, {}], headers],
    [
      'a signature without its input',
      (attempt) => [attempt, { signature: signatureOf(attempt).signature! }],
      headers
    ],
    [
      'a signature that is no structured field',
      (attempt) => [attempt, { ...signatureOf(attempt), signature: 'sig1=abc' }],
      headers
    ],
    [
      'no key id',
      (attempt) => {
        const signature = signatureOf(attempt)
        const input = signature['signature-input']!.replace(/;keyid="[^"]*"/, '')
        return [attempt, { ...signature, 'signature-input': input }]
      },
      [401, 'invalid_client', 'invalid signature input']
    ],
    [
      'the key of another',
      (attempt) => ({
        ...attempt,
        keyId: harness.otherClient.keyId,
        privateKey: harness.otherClient.privateKey
      }),
      noClient
    ],
    [
      'another key under the same id',
      (attempt) => ({ ...attempt, privateKey: harness.otherClient.privateKey }),
      wrong
    ],
    ['no @method among its components', (attempt) => without(attempt, '@method'), wrong],
    ['no @target-uri among its components', (attempt) => without(attempt, '@target-uri'), wrong],
    [
      'created 61 s ago',
      (attempt) => ({ ...attempt, createdMs: harness.runtime.clock.nowMs() - 61_000 }),
      wrong
    ],
    [
      'created 12 s ahead',
      (attempt) => ({ ...attempt, createdMs: harness.runtime.clock.nowMs() + 12_000 }),
      wrong
    ],
    ['created at no time', (attempt) => ({ ...attempt, createdMs: undefined }), wrong],
    ['made for another method', (attempt) => ({ ...attempt, signedMethod: 'PATCH' }), wrong],
    [
      'made for another host',
      (attempt) => ({ ...attempt, signedUrl: attempt.url.replace('127.0.0.1', 'auth.example') }),
      wrong
    ],
    [
      'made for another scheme',
      (attempt) => ({ ...attempt, signedUrl: attempt.url.replace('http:', 'https:') }),
      wrong
    ],
    ['made for another path', (attempt) => ({ ...attempt, signedUrl: `${attempt.url}x` }), wrong],
    [
      'made for another query',
      (attempt) => ({ ...attempt, url: `${attempt.url}?more=1`, signedUrl: attempt.url }),
      wrong
    ]
  ]
  describe.each(Object.keys(operations))('of %s', (operation) => {
    it('is accepted where it holds', async () => {
      expect((await send(await attemptOf(operation))).status).toBeLessThan(300)
    })

    it.each(lies)('is refused: %s', async (_, lie, refusal) => {
      const told = lie(await attemptOf(operation))
      const [attempt, signature] = Array.isArray(told) ? told : [told, signatureOf(told)]
      const before = await everything()
      expect(refusalOf(await send(attempt, signature))).toEqual(refusal)
      expect(await everything()).toEqual(before)
    })

    it('is refused where its nonce was used before, once it was good', async () => {
      const attempt = { ...(await attemptOf(operation)), nonce: `${operation} nonce` }
      // A request that was refused spends no nonce: who cannot sign cannot spend those of others.
      expect((await send({ ...attempt, privateKey: harness.otherClient.privateKey })).status).toBe(401)
      expect((await send(attempt)).status).toBeLessThan(300)
      const again = { ...(await attemptOf(operation)), nonce: `${operation} nonce` }
      const before = await everything()
      expect(refusalOf(await send(again))).toEqual(wrong)
      expect(await everything()).toEqual(before)
    })

    it('is refused where the client took the key out of its key set a moment ago', async () => {
      const attempt = await attemptOf(operation)
      const before = await everything()
      harness.publishKeys(harness.client, [])
      try {
        expect(refusalOf(await send(attempt))).toEqual(noClient)
      } finally {
        harness.publishKeys(harness.client, [toJwk(harness.client.privateKey, harness.client.keyId)])
      }
      expect(await everything()).toEqual(before)
      expect((await send(attempt)).status).toBeLessThan(300)
    })
  })

  it.each(['a continuation', 'a cancellation', 'a rotation', 'a revocation'])(
    'of %s is refused where it leaves out the token that is sent',
    async (operation) => {
      expect(refusalOf(await send(without(await attemptOf(operation), 'authorization')))).toEqual(wrong)
    }
  )

  it.each<[string, (attempt: Attempt) => Attempt]>([
    [
      'no digest',
      (attempt) => {
        const { 'content-digest': _, ...sent } = attempt.headers
        return { ...without(attempt, 'content-digest'), headers: sent }
      }
    ],
    ['a digest that is not covered', (attempt) => without(attempt, 'content-digest')],
    [
      'the digest of another body',
      (attempt) => ({ ...attempt, body: attempt.body!.replace('"read"', '"read-all"') })
    ],
    [
      'a digest of an algorithm that is broken',
      (attempt) => {
        const digest = `md5=:${createHash('md5').update(attempt.body!).digest('base64')}:`
        return { ...attempt, headers: { ...attempt.headers, 'content-digest': digest } }
      }
    ],
    [
      'one good digest and one bad',
      (attempt) => {
        const digest = `${digestOf(attempt.body!)}, sha-256=:AAAA:`
        return { ...attempt, headers: { ...attempt.headers, 'content-digest': digest } }
      }
    ]
  ])('of a body is refused: %s', async (_, lie) => {
    const before = await everything()
    expect(refusalOf(await send(lie(await attemptOf('a grant request'))))).toEqual(wrong)
    expect(await everything()).toEqual(before)
  })

  it('may be repeated within a second where it has no nonce: honest clients do', async () => {
    const attempt = await attemptOf('a grant request')
    const answers = await Promise.all([send(attempt), send(attempt)])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    const [one, two] = answers.map((answer) => answer.json<GrantAnswer>().access_token!.value)
    expect(one).not.toBe(two)
  })

  it('may have any label, and stand beside others', async () => {
    const attempt = await attemptOf('a grant request')
    const { signature, 'signature-input': input } = signatureOf(attempt)
    const answer = await send(attempt, {
      signature: `proxy=:AAAA:, ${signature!.replace('sig1', 'mine')}`,
      'signature-input': `proxy=("@authority");keyid="proxy";created=1, ${input!.replace('sig1', 'mine')}`
    })
    expect(answer.status).toBe(200)
  })

  it('is over the public URL, whatever a proxy made of it', async () => {
    const proxied = await startTestAuth(inject('postgresUrl'), { AUTH_SERVER_URL: 'http://auth.example' })
    try {
      const { walletAddress, keyId, privateKey } = proxied.client
      const body = JSON.stringify({ client: walletAddress, access_token: { access: [INCOMING] } })
      const attempt = {
        ...(await attemptOf('a grant request')),
        url: proxied.url('auth', `/${OPERATOR_ID}`),
        body,
        keyId,
        privateKey
      }
      attempt.headers = { ...attempt.headers, 'content-digest': digestOf(body) }
      expect(refusalOf(await send(attempt))).toEqual(wrong)
      const answer = await send({ ...attempt, signedUrl: `http://auth.example/${OPERATOR_ID}` })
      expect(answer.json<GrantAnswer>().continue.uri).toMatch(/^http:\/\/auth\.example\/continue\//)
    } finally {
      await proxied.close()
    }
  })
})
