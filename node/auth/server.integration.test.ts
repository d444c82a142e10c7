import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { expectRestarting, onTheWire } from '../http-api/pipelined.test-support.ts'
import { signRequest, toJwk } from '../http-signatures/index.ts'
import { createMemoryCache } from '../runtime/index.ts'
import type { Cache } from '../runtime/index.ts'
import { createAuth } from './auth.ts'
import { fail } from './errors.ts'
import { InvalidAnswerError, loadAuthServerDocument, validated } from './open-payments-document.ts'
import { OPERATOR_ID, startTestAuth } from './testing.ts'
import type { AuthHarness } from './testing.ts'
import {
  createGrantActors,
  IDENTIFIER,
  INCOMING,
  INTERACT,
  INTERACT_WITHOUT_FINISH,
  QUOTE,
  refusalOf
} from './testing-grants.ts'
import type { GrantActors, GrantAnswer } from './testing-grants.ts'

describe('the authorization server', () => {
  let harness: AuthHarness
  let actors: GrantActors
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
    actors = createGrantActors(harness)
  })
  afterAll(() => harness.close())

  it('tells what it can do', async () => {
    const answer = await harness.send('auth', 'GET', '/discovery')
    expect([answer.status, answer.json()]).toEqual([
      200,
      {
        grant_request_endpoint: '/',
        interaction_start_modes_supported: ['redirect'],
        interaction_finish_modes_supported: ['redirect']
      }
    ])
  })

  it('answers browsers of other origins, on each door of HTTP', async () => {
    const headers = {
      origin: 'https://shop.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'signature, signature-input'
    }
    for (const door of ['auth', 'interaction', 'introspection', 'serviceApi'] as const) {
      const answer = await harness.send(door, 'GET', '/healthz', { headers: { origin: headers.origin } })
      expect(answer.headers['access-control-allow-origin']).toBe('https://shop.example')
    }
    const preflight = await harness.http.request({
      method: 'OPTIONS' as 'GET',
      url: harness.url('auth', `/${OPERATOR_ID}`),
      headers
    })
    expect([preflight.status, preflight.headers['access-control-allow-headers']]).toEqual([
      204,
      'signature, signature-input'
    ])
  })

  it('gives ids and references that nobody guesses', async () => {
    const version4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
    const grant = await actors.approve()
    const { managePath } = await actors.issue()
    for (const id of [
      grant.id,
      grant.interactRef,
      grant.continuePath.split('/')[2],
      managePath.split('/')[2]
    ]) {
      expect(id).toMatch(version4)
    }
  })

  it('brings the operator’s tenant up to date at each start', async () => {
    const changed = {
      ...harness.config,
      AUTH_PORT: 0,
      ADMIN_API_SECRET: 'another admin secret',
      IDENTITY_SERVER_URL: 'https://idp.example/moved',
      IDENTITY_SERVER_SECRET: 'another secret'
    }
    const next = createAuth(changed, harness.runtime)
    try {
      await next.start()
      const sql = 'SELECT "apiSecret", "idpConsentUrl", "idpSecret" FROM tenants WHERE id = ?'
      expect(await harness.sql(sql, [OPERATOR_ID])).toEqual([
        {
          apiSecret: 'another admin secret',
          idpConsentUrl: 'https://idp.example/moved',
          idpSecret: 'another secret'
        }
      ])
      const grant = await actors.askInteractively()
      expect((await actors.details(grant)).status).toBe(401)
      expect((await actors.details(grant, 'another secret')).status).toBe(200)
    } finally {
      await next.stop(0)
    }
  })

  it('asks account holders about what the operator says', async () => {
    const asking = await startTestAuth(inject('postgresUrl'), {
      INCOMING_PAYMENT_INTERACTION: 'true',
      QUOTE_INTERACTION: 'true',
      LIST_ALL_ACCESS_INTERACTION: 'false'
    })
    try {
      const its = createGrantActors(asking)
      const withoutIdentifier = [400, 'invalid_request', 'access identifier required']
      expect(refusalOf(await its.ask([INCOMING], { interact: INTERACT }))).toEqual(withoutIdentifier)
      // A quote has no identifier, so that none can be asked for where quotes need consent.
      expect(refusalOf(await its.ask([QUOTE], { interact: INTERACT }))).toEqual(withoutIdentifier)
      const asked = await its.ask([{ ...INCOMING, identifier: IDENTIFIER }], { interact: INTERACT })
      expect(asked.json<GrantAnswer>().interact).toBeDefined()
      const listing = { type: 'incoming-payment', actions: ['list-all'], identifier: IDENTIFIER }
      expect((await its.ask([listing], { interact: INTERACT })).json<GrantAnswer>().interact).toBeDefined()
    } finally {
      await asking.close()
    }
    const lenient = await startTestAuth(inject('postgresUrl'), { LIST_ALL_ACCESS_INTERACTION: 'false' })
    try {
      const listing = { type: 'incoming-payment', actions: ['list-all'] }
      const granted = (await createGrantActors(lenient).ask([listing])).json<GrantAnswer>()
      expect(granted.access_token!.access).toEqual([listing])
    } finally {
      await lenient.close()
    }
  })

  it('shows the operator no client where the client is a key', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const by = { walletAddress: '', keyId: 'own-key', privateKey }
    const granted = await actors.ask([INCOMING], { client: { jwk: toJwk(privateKey, 'own-key') } }, { by })
    const continueId = granted.json<GrantAnswer>().continue.uri.split('/').at(-1)
    expect(await harness.sql('SELECT client FROM grants WHERE "continueId" = ?', [continueId])).toEqual([
      { client: null }
    ])
  })
})

const redis = inject('redis')

describe.skipIf('missing' in redis)('two processes of the authorization server', () => {
  it('share sessions: a browser that began at one finishes at the other', async () => {
    if ('missing' in redis) throw new Error(redis.missing)
    const harness = await startTestAuth(inject('postgresUrl'), { CACHE: 'redis', REDIS_URL: redis.url })
    const other = createAuth({ ...harness.config, AUTH_PORT: 0 }, harness.runtime)
    try {
      await other.start()
      const actors = createGrantActors(harness)
      const grant = await actors.askInteractively()
      const { cookie } = await actors.browse(grant, () => actors.decide(grant, 'accept'))
      const url = `http://127.0.0.1:${other.addresses!.auth.port}/interact/${grant.id}/${grant.nonce}/finish`
      const finished = await harness.http.request({ method: 'GET', url, headers: { cookie } })
      expect(finished.headers.location).toContain('interact_ref=')
      const stranger = await harness.http.request({ method: 'GET', url, headers: {} })
      expect(stranger.status).toBe(401)
    } finally {
      await other.stop(0)
      await harness.close()
    }
  })
})

describe('an authorization server whose cache does not answer', () => {
  let broken: AuthHarness
  beforeAll(async () => {
    broken = await startTestAuth(inject('postgresUrl'), {}, { cache: brokenCache() })
  })
  afterAll(() => broken.close())

  it('says that it is unwell', async () => {
    for (const door of ['auth', 'interaction', 'introspection', 'serviceApi', 'admin'] as const) {
      expect((await broken.send(door, 'GET', '/healthz')).status).toBe(500)
    }
  })

  it('tells the client, or the browser, that a session could not be begun', async () => {
    const its = createGrantActors(broken)
    const { started } = await its.browse(await its.askInteractively())
    const { searchParams } = new URL(started.headers.location as string)
    expect([started.status, searchParams.get('result'), searchParams.get('message')]).toEqual([
      302,
      'request_denied',
      'internal server error'
    ])
    const silent = await its.browse(await its.askInteractively({ interact: INTERACT_WITHOUT_FINISH }))
    expect(refusalOf(silent.started).slice(0, 2)).toEqual([500, 'request_denied'])
  })
})

describe('answers to clients', () => {
  const request = {
    method: 'POST',
    url: '/token/x',
    params: { id: 'x' },
    query: {},
    headers: {},
    rawBody: Buffer.alloc(0),
    body: undefined
  }
  const operation = { path: '/token/{id}', method: 'post' } as const

  it('are held to the document, in every environment', async () => {
    const document = await loadAuthServerDocument()
    const wrong = async () => ({ status: 200, body: { access_token: { value: 'A' } } })
    const strict = validated(document, operation, { validateAnswers: true }, wrong)
    await expect(strict(request)).rejects.toThrow(InvalidAnswerError)
    const lenient = validated(document, operation, { validateAnswers: false }, wrong)
    expect((await lenient(request)).status).toBe(200)
    const refusing = async () => fail(404, 'invalid_rotation', 'gone')
    expect((await validated(document, operation, { validateAnswers: true }, refusing)(request)).status).toBe(
      404
    )
  })
})

describe('an authorization server that stops', () => {
  it('answers what is under way, then 503 with the reason', async () => {
    const harness = await startTestAuth(inject('postgresUrl'))
    try {
      const { walletAddress, keyId, privateKey } = harness.client
      const url = harness.url('auth', `/${OPERATOR_ID}`)
      const body = JSON.stringify({ client: walletAddress, access_token: { access: [INCOMING] } })
      const nowMs = harness.runtime.clock.nowMs()
      const headers = signRequest({ method: 'POST', url, headers: {}, body, keyId, privateKey, nowMs })
      const isUnderWay = Promise.withResolvers<void>()
      const released = Promise.withResolvers<void>()
      const answered = await harness.whileFetchingKeys(
        () =>
          expectRestarting(Number(new URL(url).port), onTheWire('POST', url, { headers, body }), {
            isUnderWay: isUnderWay.promise,
            stop: () => harness.auth.stop(),
            release: released.resolve
          }),
        () => {
          isUnderWay.resolve()
          return released.promise
        }
      )
      expect(answered).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*"access_token"/)
    } finally {
      await harness.close()
    }
  })
})

/** A cache that stopped answering. */
function brokenCache(): Cache {
  const silent = () => Promise.reject(new Error('the cache does not answer'))
  const memory = createMemoryCache({ clock: { nowMs: () => 0 } as never })
  return { ...memory, get: silent, set: silent, ping: silent }
}
