import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import {
  DIGEST_LIES,
  digestOf,
  honestAttempt,
  SIGNATURE_LIES,
  signatureOf,
  without
} from '../http-signatures/handmade.test-support.ts'
import type { Attempt } from '../http-signatures/handmade.test-support.ts'
import { toJwk } from '../http-signatures/index.ts'
import { OPERATOR_ID, startTestAuth } from './testing.ts'
import type { AuthHarness, JsonAnswer } from './testing.ts'
import { createGrantActors, INCOMING, INTERACT_WITHOUT_FINISH, refusalOf } from './testing-grants.ts'
import type { GrantActors, GrantAnswer } from './testing-grants.ts'

// Each operation that needs a signature, with every signature that must not do (RFC 9421, RFC 9530).

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
    const { keyId, privateKey } = harness.client
    return honestAttempt(await operations[operation]!(), {
      keyId,
      privateKey,
      nowMs: harness.runtime.clock.nowMs()
    })
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

  const headers = [401, 'invalid_client', 'invalid signature headers']
  const wrong = [401, 'invalid_client', 'invalid signature']
  const noClient = [400, 'invalid_client', 'could not determine client']
  const refusals: Record<string, unknown[]> = {
    'no signature': headers,
    'a signature without its input': headers,
    'a signature that is no structured field': headers,
    'no key id': [401, 'invalid_client', 'invalid signature input'],
    'the key of another': noClient
  }

  describe.each(Object.keys(operations))('of %s', (operation) => {
    it('is accepted where it holds', async () => {
      expect((await send(await attemptOf(operation))).status).toBeLessThan(300)
    })

    it.each(Object.keys(SIGNATURE_LIES))('is refused: %s', async (lie) => {
      const honest = await attemptOf(operation)
      const told = SIGNATURE_LIES[lie]!(honest, {
        ...harness.otherClient,
        nowMs: harness.runtime.clock.nowMs()
      })
      const [attempt, signature] = Array.isArray(told) ? told : [told, signatureOf(told)]
      const before = await everything()
      expect(refusalOf(await send(attempt, signature))).toEqual(refusals[lie] ?? wrong)
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

  it.each(Object.keys(DIGEST_LIES))('of a body is refused: %s', async (lie) => {
    const honest = await attemptOf('a grant request')
    const before = await everything()
    const attempt = DIGEST_LIES[lie]!(honest, honest.body!.replace('"read"', '"read-all"'))
    expect(refusalOf(await send(attempt))).toEqual(wrong)
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
