import { createHash, generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { toJwk } from '../../http-signatures/index.ts'
import { CONSENT_URL, IDP_SECRET, OPERATOR_ID, startTestAuth } from '../testing.ts'
import type { AuthHarness, JsonAnswer } from '../testing.ts'

const IDENTIFIER = 'https://wallet.example/alice'
const incoming = { type: 'incoming-payment', actions: ['create', 'read'] }
const quote = { type: 'quote', actions: ['create', 'read'] }
const outgoing = {
  type: 'outgoing-payment',
  actions: ['create', 'read'],
  identifier: IDENTIFIER,
  limits: {
    debitAmount: { value: '500', assetCode: 'USD', assetScale: 2 },
    interval: 'R12/2019-08-24T14:15:22Z/P1M'
  }
}
const interact = {
  start: ['redirect'],
  finish: { method: 'redirect', uri: 'https://shop.example/back?order=1%202', nonce: 'client nonce' }
}

interface GrantAnswer {
  access_token?: { value: string; manage: string; expires_in: number; access: object[] }
  continue: { access_token: { value: string }; uri: string; wait?: number }
  interact?: { redirect: string; finish: string }
  subject?: object
}

const codeOf = (answer: JsonAnswer) => answer.json<{ error: { code?: string; description: string } }>().error
const pathOf = (url: string) => new URL(url).pathname + new URL(url).search

describe('grants', () => {
  let harness: AuthHarness
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
  })
  afterAll(() => harness.close())

  const ask = (access: object[] | undefined, more: object = {}) =>
    harness.signed({
      method: 'POST',
      path: `/${OPERATOR_ID}`,
      body: { client: harness.client.walletAddress, ...(access && { access_token: { access } }), ...more }
    })

  /** An interactive grant, with where its parts are. */
  async function askInteractively(finish: object = interact) {
    const answer = (await ask([outgoing], { interact: finish })).json<GrantAnswer>()
    const [, , id, nonce] = new URL(answer.interact!.redirect).pathname.split('/')
    const { uri, access_token } = answer.continue
    return { answer, id: id!, nonce: nonce!, continuePath: pathOf(uri), token: access_token.value }
  }

  const decide = (id: string, nonce: string, choice: 'accept' | 'reject') =>
    harness.send('interaction', 'POST', `/grant/${id}/${nonce}/${choice}`, {
      headers: { 'x-idp-secret': IDP_SECRET }
    })

  /** Starts and finishes in one browser. */
  async function browse(id: string, nonce: string, between: () => Promise<unknown>) {
    const started = await harness.send('auth', 'GET', `/interact/${id}/${nonce}`)
    const cookies = started.headers['set-cookie'] as string[] | string
    const cookie = [cookies]
      .flat()
      .map((line) => line.split(';')[0])
      .join('; ')
    await between()
    const finished = await harness.send('auth', 'GET', `/interact/${id}/${nonce}/finish`, {
      headers: { cookie }
    })
    return { started, finished, cookie }
  }

  async function approve() {
    const grant = await askInteractively()
    const { finished } = await browse(grant.id, grant.nonce, () => decide(grant.id, grant.nonce, 'accept'))
    const interactRef = new URL(finished.headers.location as string).searchParams.get('interact_ref')!
    return { ...grant, interactRef }
  }

  describe('a grant request', () => {
    it('answers an access token where nobody must be asked', async () => {
      const answer = await ask([incoming, { ...quote, identifier: 'dropped' }])
      expect(answer.status).toBe(200)
      expect(answer.headers['cache-control']).toBe('no-store')
      const body = answer.json<GrantAnswer>()
      expect(body).toEqual({
        access_token: {
          value: expect.stringMatching(/^[0-9A-F]{20}$/) as string,
          manage: expect.stringMatching(`^${harness.config.AUTH_SERVER_URL}/token/[0-9a-f-]{36}$`) as string,
          expires_in: 600,
          access: [incoming, quote]
        },
        continue: {
          access_token: { value: expect.stringMatching(/^[0-9A-F]{20}$/) as string },
          uri: expect.stringMatching(`^${harness.config.AUTH_SERVER_URL}/continue/[0-9a-f-]{36}$`) as string
        }
      })
    })

    it('answers where to send the browser where an account holder must be asked', async () => {
      const answer = await ask([outgoing], {
        interact,
        subject: { sub_ids: [{ id: IDENTIFIER, format: 'uri' }] }
      })
      expect(answer.status).toBe(200)
      const body = answer.json<GrantAnswer>()
      expect(body.continue.wait).toBe(0)
      const redirect = new URL(body.interact!.redirect)
      expect(redirect.pathname).toMatch(/^\/interact\/[0-9a-f-]{36}\/[0-9A-F]{16}$/)
      expect(redirect.search).toContain('clientName=Shop%20%26%20S%C3%B6hne')
      expect(redirect.searchParams.get('clientUri')).toBe(harness.client.walletAddress)
      expect(body.interact!.finish).toBe(redirect.pathname.split('/')[3])
    })

    it.each<[string, () => Promise<JsonAnswer>, number, string | undefined, string]>([
      [
        'an unsigned request',
        () =>
          harness.signed({
            method: 'POST',
            path: `/${OPERATOR_ID}`,
            body: { client: harness.client.walletAddress, access_token: { access: [quote] } },
            by: null
          }),
        401,
        'invalid_client',
        'invalid signature headers'
      ],
      [
        'a malformed signature',
        () =>
          harness.signed({
            method: 'POST',
            path: `/${OPERATOR_ID}`,
            body: { client: harness.client.walletAddress, access_token: { access: [quote] } },
            by: null,
            headers: { signature: 'x', 'signature-input': '((' }
          }),
        401,
        'invalid_client',
        'invalid signature headers'
      ],
      [
        'a signature without keyid',
        () =>
          harness.signed({
            method: 'POST',
            path: `/${OPERATOR_ID}`,
            body: { client: harness.client.walletAddress, access_token: { access: [quote] } },
            by: null,
            headers: { signature: 'sig1=:AQID:', 'signature-input': 'sig1=("@method");created=1' }
          }),
        401,
        'invalid_client',
        'invalid signature input'
      ],
      [
        'a client nobody serves',
        () => ask([quote], { client: 'https://127.0.0.1:1/nobody' }),
        400,
        'invalid_client',
        'could not determine client'
      ],
      [
        'a key the client does not have',
        () =>
          harness.signed({
            method: 'POST',
            path: `/${OPERATOR_ID}`,
            body: { client: harness.client.walletAddress, access_token: { access: [quote] } },
            by: harness.otherClient
          }),
        400,
        'invalid_client',
        'could not determine client'
      ],
      [
        'the signature of another key',
        () =>
          harness.signed({
            method: 'POST',
            path: `/${OPERATOR_ID}`,
            body: { client: harness.client.walletAddress, access_token: { access: [quote] } },
            by: { ...harness.client, privateKey: harness.otherClient.privateKey }
          }),
        401,
        'invalid_client',
        'invalid signature'
      ],
      [
        'a tenant nobody knows',
        () =>
          harness.signed({
            method: 'POST',
            path: '/44444444-4444-4444-8444-444444444444',
            body: { client: harness.client.walletAddress, access_token: { access: [quote] } }
          }),
        404,
        'invalid_request',
        'Not Found'
      ],
      [
        'a tenant id that is none',
        () =>
          harness.signed({
            method: 'POST',
            path: `/tenant'--`,
            body: { client: harness.client.walletAddress, access_token: { access: [quote] } }
          }),
        404,
        'invalid_request',
        'Not Found'
      ],
      ['no access at all', () => ask([]), 400, 'invalid_request', 'subject or access_token required'],
      [
        'list-all without identifier',
        () => ask([{ type: 'incoming-payment', actions: ['list-all'] }], { interact }),
        400,
        'invalid_request',
        'access identifier required'
      ],
      [
        'two amounts',
        () =>
          ask([{ ...outgoing, limits: { ...outgoing.limits, receiveAmount: outgoing.limits.debitAmount } }], {
            interact
          }),
        400,
        'invalid_request',
        'only one access amount allowed'
      ],
      [
        'an amount above 64 bits',
        () =>
          ask(
            [
              {
                ...outgoing,
                limits: { debitAmount: { value: '18446744073709551616', assetCode: 'USD', assetScale: 2 } }
              }
            ],
            { interact }
          ),
        400,
        'invalid_request',
        'access amount value must be an unsigned 64-bit integer'
      ],
      [
        'an interval that is none',
        () => ask([{ ...outgoing, limits: { interval: 'monthly' } }], { interact }),
        400,
        'invalid_request',
        'access interval must be an ISO 8601 repeating interval'
      ],
      [
        'a subject that is no URL',
        () => ask(undefined, { interact, subject: { sub_ids: [{ id: 'alice', format: 'uri' }] } }),
        400,
        'invalid_request',
        'subject id must be a valid https url'
      ],
      [
        'an interactive grant without interact',
        () => ask([outgoing]),
        400,
        'invalid_request',
        "missing required request field 'interact'"
      ],
      [
        'a finish URI that runs code',
        () =>
          ask([outgoing], {
            interact: { ...interact, finish: { ...interact.finish, uri: 'javascript:alert(1)' } }
          }),
        400,
        'invalid_request',
        'the finish uri is not one to redirect to'
      ],
      [
        'an interactive client without name',
        () =>
          harness.signed({
            method: 'POST',
            path: `/${OPERATOR_ID}`,
            body: {
              client: { walletAddress: harness.namelessClient.walletAddress },
              access_token: { access: [outgoing] },
              interact
            },
            by: harness.namelessClient
          }),
        400,
        'invalid_client',
        "missing required request field 'client'"
      ],
      [
        'a body that the document refuses',
        () => ask([{ type: 'incoming-payment', actions: ['fly'] }]),
        400,
        undefined,
        'Received error validating OpenAPI request: body.access_token.access.0.actions.0 must be equal to one of the allowed values'
      ],
      [
        'no client',
        () =>
          harness.signed({
            method: 'POST',
            path: `/${OPERATOR_ID}`,
            body: { access_token: { access: [quote] } }
          }),
        400,
        undefined,
        "Received error validating OpenAPI request: body must have required property 'client'"
      ],
      [
        'a client that takes no JSON',
        () =>
          harness.signed({
            method: 'POST',
            path: `/${OPERATOR_ID}`,
            body: { client: harness.client.walletAddress, access_token: { access: [quote] } },
            headers: { accept: 'text/html' }
          }),
        406,
        undefined,
        'Received error validating OpenAPI request: Must accept application/json'
      ],
      [
        'malformed JSON',
        () => harness.send('auth', 'POST', `/${OPERATOR_ID}`, { body: '{' }),
        400,
        'invalid_request',
        'the body is not valid JSON'
      ],
      [
        'a body that is too long',
        () => harness.send('auth', 'POST', `/${OPERATOR_ID}`, { body: JSON.stringify('x'.repeat(70_000)) }),
        413,
        'invalid_request',
        'the body is longer than 65536 bytes'
      ],
      [
        'another content type',
        () =>
          harness.send('auth', 'POST', `/${OPERATOR_ID}`, {
            body: 'a=b',
            headers: { 'content-type': 'application/x-www-form-urlencoded' }
          }),
        415,
        'invalid_request',
        'the content type of the body must be application/json'
      ]
    ])('refuses %s', async (_, request, status, code, description) => {
      const answer = await request()
      expect(codeOf(answer)).toEqual({ ...(code && { code }), description })
      expect(answer.status).toBe(status)
    })

    it('refuses a body that was changed on the way', async () => {
      const body = { client: harness.client.walletAddress, access_token: { access: [quote] } }
      const { signRequest } = await import('../../http-signatures/index.ts')
      const url = harness.url('auth', `/${OPERATOR_ID}`)
      const headers = signRequest({
        method: 'POST',
        url,
        body: JSON.stringify(body),
        keyId: harness.client.keyId,
        privateKey: harness.client.privateKey,
        nowMs: harness.runtime.clock.nowMs()
      })
      const changed = JSON.stringify(body).replace('read', 'reaD').replace('reaD', 'read') + ' '
      const answer = await harness.http.request({
        method: 'POST',
        url,
        headers: { ...headers, 'content-length': String(changed.length) },
        body: changed
      })
      expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([
        401,
        { error: { code: 'invalid_client', description: 'invalid signature' } }
      ])
    })

    it('knows a client by its key alone, for what needs no consent', async () => {
      const { privateKey } = generateKeyPairSync('ed25519')
      const jwk = toJwk(privateKey, 'own-key')
      const by = { walletAddress: '', keyId: 'own-key', privateKey }
      const request = (body: object) =>
        harness.signed({ method: 'POST', path: `/${OPERATOR_ID}`, by, body: { client: { jwk }, ...body } })
      const granted = await request({ access_token: { access: [incoming] } })
      expect(granted.status).toBe(200)
      const token = granted.json<GrantAnswer>().access_token!.value
      const info = await harness.send('introspection', 'POST', '/', {
        body: { access_token: token, access: [incoming] }
      })
      expect(info.json()).toMatchObject({ active: true, client: { jwk }, access: [incoming] })
      expect(codeOf(await request({ access_token: { access: [outgoing] }, interact }))).toEqual({
        code: 'invalid_client',
        description: 'JWK client identifier cannot be used for interactive grants'
      })
    })

    it('keeps the doors of tenants apart', async () => {
      const id = '55555555-5555-4555-8555-555555555555'
      const service = (method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object) =>
        harness.send('serviceApi', method, path, { body })
      expect((await service('POST', '/tenant', { id, apiSecret: 's' })).status).toBe(204)
      const request = () =>
        harness.signed({
          method: 'POST',
          path: `/${id}`,
          body: { client: harness.client.walletAddress, access_token: { access: [outgoing] }, interact }
        })
      expect(codeOf(await request())).toEqual({ code: 'invalid_request', description: 'invalid tenant' })
      expect(
        (await service('PATCH', `/tenant/${id}`, { idpConsentUrl: 'https://other.example/', idpSecret: 'x' }))
          .status
      ).toBe(204)
      expect((await request()).status).toBe(200)
      expect((await service('DELETE', `/tenant/${id}`, { deletedAt: new Date().toISOString() })).status).toBe(
        204
      )
      expect((await request()).status).toBe(404)
    })
  })

  describe('an interaction', () => {
    it('leads the browser to the identity provider and back with a hash', async () => {
      const { id, nonce } = await askInteractively()
      const details = await harness.send('interaction', 'GET', `/grant/${id}/${nonce}`, {
        headers: { 'x-idp-secret': IDP_SECRET }
      })
      expect(details.json()).toEqual({
        grantId: expect.any(String) as string,
        access: [outgoing],
        state: 'PENDING'
      })
      const { started, finished } = await browse(id, nonce, () => decide(id, nonce, 'accept'))
      expect(started.status).toBe(302)
      const consent = new URL(started.headers.location as string)
      expect(consent.href.startsWith(`${CONSENT_URL}&`)).toBe(true)
      expect(Object.fromEntries(consent.searchParams)).toEqual({
        theme: 'dark',
        interactId: id,
        nonce,
        clientName: 'Shop & Söhne',
        clientUri: harness.client.walletAddress
      })
      const cookie = [started.headers['set-cookie']].flat().find((line) => line!.startsWith('sessionId='))!
      expect(cookie).toMatch(/; path=\/; expires=.*; httponly$/i)

      expect(finished.status).toBe(302)
      const back = new URL(finished.headers.location as string)
      expect(back.searchParams.get('order')).toBe('1 2')
      const interactRef = back.searchParams.get('interact_ref')!
      const hash = createHash('sha256')
        .update(`client nonce\n${nonce}\n${interactRef}\n${harness.config.AUTH_SERVER_URL}/${OPERATOR_ID}`)
        .digest('base64')
      expect(back.searchParams.get('hash')).toBe(hash)
      expect(back.search).toContain(`hash=${encodeURIComponent(hash)}`)
    })

    it('takes the name to show from the client, not from the address', async () => {
      const { id, nonce } = await askInteractively()
      const started = await harness.send(
        'auth',
        'GET',
        `/interact/${id}/${nonce}?clientName=Your%20Bank&clientUri=https://bank.example`
      )
      expect(new URL(started.headers.location as string).searchParams.get('clientName')).toBe('Shop & Söhne')
    })

    it('ends rejected when the account holder declines', async () => {
      const { id, nonce, continuePath, token } = await askInteractively()
      const { finished } = await browse(id, nonce, () => decide(id, nonce, 'reject'))
      expect(finished.headers.location).toBe('https://shop.example/back?order=1%202&result=grant_rejected')
      expect(codeOf(await decide(id, nonce, 'accept'))).toEqual({
        code: 'user_denied',
        description: 'user denied interaction'
      })
      const { rows } = await sql(`SELECT ref FROM interactions WHERE id = '${id}'`)
      const continued = await harness.signed({
        method: 'POST',
        path: continuePath,
        token,
        body: { interact_ref: rows[0]!.ref }
      })
      expect([continued.status, codeOf(continued)]).toEqual([
        404,
        { code: 'invalid_continuation', description: 'grant not found' }
      ])
    })

    it('answers by status where the client has no address', async () => {
      for (const choice of ['accept', 'reject'] as const) {
        const { id, nonce } = await askInteractively({ start: ['redirect'] })
        const { finished } = await browse(id, nonce, () => decide(id, nonce, choice))
        expect(finished.status).toBe(202)
      }
      const { id, nonce } = await askInteractively({ start: ['redirect'] })
      const { finished } = await browse(id, nonce, async () => undefined)
      expect([finished.status, codeOf(finished)]).toEqual([
        401,
        { code: 'invalid_interaction', description: 'interaction is not active' }
      ])
    })

    it('tells the client when the browser comes back undecided', async () => {
      const { id, nonce } = await askInteractively()
      const { finished } = await browse(id, nonce, async () => undefined)
      expect(finished.headers.location).toBe('https://shop.example/back?order=1%202&result=grant_invalid')
    })

    it('answers a browser that finishes twice the same way', async () => {
      const { id, nonce } = await askInteractively()
      const { finished, cookie } = await browse(id, nonce, () => decide(id, nonce, 'accept'))
      const again = await harness.send('auth', 'GET', `/interact/${id}/${nonce}/finish`, {
        headers: { cookie }
      })
      expect(again.headers.location).toBe(finished.headers.location)
    })

    it('keeps several interactions of one browser apart', async () => {
      const [one, two] = [await askInteractively(), await askInteractively()]
      const { cookie } = await browse(one.id, one.nonce, async () => undefined)
      const foreign = await harness.send('auth', 'GET', `/interact/${two.id}/${two.nonce}/finish`, {
        headers: { cookie }
      })
      expect([foreign.status, codeOf(foreign).description]).toEqual([401, 'invalid session'])
      await harness.send('auth', 'GET', `/interact/${two.id}/${two.nonce}`, { headers: { cookie } })
      for (const { id, nonce } of [one, two]) {
        await decide(id, nonce, 'accept')
        const finished = await harness.send('auth', 'GET', `/interact/${id}/${nonce}/finish`, {
          headers: { cookie }
        })
        expect(finished.headers.location).toContain('interact_ref=')
      }
    })

    it.each<[string, (parts: { id: string; nonce: string }) => Promise<JsonAnswer>, number, string, string]>([
      [
        'a start that nobody knows',
        ({ nonce }) => harness.send('auth', 'GET', `/interact/44444444-4444-4444-8444-444444444444/${nonce}`),
        400,
        'unknown_interaction',
        'unknown interaction'
      ],
      [
        'a start with another nonce',
        ({ id }) => harness.send('auth', 'GET', `/interact/${id}/0000000000000000`),
        400,
        'unknown_interaction',
        'unknown interaction'
      ],
      [
        'an id that is none',
        () => harness.send('auth', 'GET', `/interact/x/y`),
        400,
        'unknown_interaction',
        'unknown interaction'
      ],
      [
        'a finish that nobody knows',
        ({ id }) => harness.send('auth', 'GET', `/interact/${id}/0000000000000000/finish`),
        404,
        'unknown_interaction',
        'unknown interaction'
      ],
      [
        'a finish without session',
        ({ id, nonce }) => harness.send('auth', 'GET', `/interact/${id}/${nonce}/finish`),
        401,
        'invalid_request',
        'invalid session'
      ],
      [
        'a finish with a forged session',
        ({ id, nonce }) =>
          harness.send('auth', 'GET', `/interact/${id}/${nonce}/finish`, {
            headers: { cookie: 'sessionId=x; sessionId.sig=y' }
          }),
        401,
        'invalid_request',
        'invalid session'
      ],
      [
        'details with a wrong secret',
        ({ id, nonce }) =>
          harness.send('interaction', 'GET', `/grant/${id}/${nonce}`, {
            headers: { 'x-idp-secret': IDP_SECRET.replace('i', 'j') }
          }),
        401,
        'invalid_request',
        'invalid x-idp-secret'
      ],
      [
        'details with a secret of another length',
        ({ id, nonce }) =>
          harness.send('interaction', 'GET', `/grant/${id}/${nonce}`, { headers: { 'x-idp-secret': 'x' } }),
        401,
        'invalid_request',
        'invalid x-idp-secret'
      ],
      [
        'details without secret',
        ({ id, nonce }) => harness.send('interaction', 'GET', `/grant/${id}/${nonce}`),
        401,
        'invalid_request',
        'invalid x-idp-secret'
      ],
      [
        'details that nobody knows',
        ({ nonce }) => harness.send('interaction', 'GET', `/grant/x/${nonce}`),
        404,
        'unknown_interaction',
        'unknown interaction'
      ],
      [
        'a decision with a wrong secret',
        ({ id, nonce }) =>
          harness.send('interaction', 'POST', `/grant/${id}/${nonce}/accept`, {
            headers: { 'x-idp-secret': '' }
          }),
        401,
        'invalid_interaction',
        'invalid x-idp-secret'
      ],
      [
        'another choice',
        ({ id, nonce }) =>
          harness.send('interaction', 'POST', `/grant/${id}/${nonce}/maybe`, {
            headers: { 'x-idp-secret': IDP_SECRET }
          }),
        400,
        'invalid_request',
        'the choice must be accept or reject'
      ],
      [
        'a second decision',
        async ({ id, nonce }) => (await decide(id, nonce, 'accept'), decide(id, nonce, 'reject')),
        400,
        'invalid_interaction',
        'invalid interaction'
      ]
    ])('refuses %s', async (_, request, status, code, description) => {
      const answer = await request(await askInteractively())
      expect([answer.status, codeOf(answer)]).toEqual([status, { code, description }])
    })

    it('tells the client of interactions that are over', async () => {
      const decided = await askInteractively()
      await decide(decided.id, decided.nonce, 'accept')
      const restarted = await harness.send('auth', 'GET', `/interact/${decided.id}/${decided.nonce}`)
      expect(restarted.headers.location).toBe(
        'https://shop.example/back?order=1%202&result=invalid_interaction&message=invalid%20interaction'
      )

      const silent = await askInteractively({ start: ['redirect'] })
      await decide(silent.id, silent.nonce, 'accept')
      const refused = await harness.send('auth', 'GET', `/interact/${silent.id}/${silent.nonce}`)
      expect([refused.status, codeOf(refused).code]).toEqual([403, 'invalid_interaction'])

      const revoked = await askInteractively()
      const { finished } = await browse(revoked.id, revoked.nonce, async () => {
        await decide(revoked.id, revoked.nonce, 'accept')
        await harness.signed({ method: 'DELETE', path: revoked.continuePath, token: revoked.token })
      })
      expect(finished.headers.location).toContain('result=unknown_interaction&message=unknown%20interaction')
      const details = await harness.send('interaction', 'GET', `/grant/${revoked.id}/${revoked.nonce}`, {
        headers: { 'x-idp-secret': IDP_SECRET }
      })
      expect(details.status).toBe(404)
    })

    it('expires', async () => {
      const late = await askInteractively()
      const silent = await askInteractively({ start: ['redirect'] })
      harness.shift(600_001)
      try {
        expect((await decide(late.id, late.nonce, 'accept')).status).toBe(400)
        const finished = await harness.send('auth', 'GET', `/interact/${late.id}/${late.nonce}/finish`)
        expect(finished.headers.location).toContain(
          'result=invalid_interaction&message=interaction%20expired'
        )
        const refused = await harness.send('auth', 'GET', `/interact/${silent.id}/${silent.nonce}/finish`)
        expect([refused.status, codeOf(refused)]).toEqual([
          401,
          { code: 'invalid_interaction', description: 'interaction expired' }
        ])
      } finally {
        harness.shift(-600_001)
      }
    })
  })

  describe('a continuation', () => {
    it('gives the access token and the subject after the interaction, once', async () => {
      const asked = (
        await ask([outgoing], { interact, subject: { sub_ids: [{ id: IDENTIFIER, format: 'uri' }] } })
      ).json<GrantAnswer>()
      const [, , id, nonce] = new URL(asked.interact!.redirect).pathname.split('/') as [
        string,
        string,
        string,
        string
      ]
      const { finished } = await browse(id, nonce, () => decide(id, nonce, 'accept'))
      const interact_ref = new URL(finished.headers.location as string).searchParams.get('interact_ref')
      const request = () =>
        harness.signed({
          method: 'POST',
          path: pathOf(asked.continue.uri),
          token: asked.continue.access_token.value,
          body: { interact_ref }
        })
      const answers = await Promise.all([request(), request(), request()])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401])
      const body = answers.find(({ status }) => status === 200)!.json<GrantAnswer>()
      expect(body.access_token!.access).toEqual([outgoing])
      expect(body.subject).toEqual({ sub_ids: [{ id: IDENTIFIER, format: 'uri' }] })
      expect(body.continue.uri).toBe(asked.continue.uri)
      expect(codeOf(await request())).toEqual({
        code: 'request_denied',
        description: 'grant interaction not approved'
      })
      const { rows } = await sql(
        `SELECT count(*) FROM "accessTokens" t JOIN interactions i ON i."grantId" = t."grantId" WHERE i.id = '${id}'`
      )
      expect(rows[0]!.count).toBe(1n)
    })

    it('gives the subject alone where nothing else was asked for', async () => {
      const asked = (
        await ask(undefined, { interact, subject: { sub_ids: [{ id: IDENTIFIER, format: 'uri' }] } })
      ).json<GrantAnswer>()
      const [, , id, nonce] = new URL(asked.interact!.redirect).pathname.split('/') as [
        string,
        string,
        string,
        string
      ]
      const { finished } = await browse(id, nonce, () => decide(id, nonce, 'accept'))
      const interact_ref = new URL(finished.headers.location as string).searchParams.get('interact_ref')
      const body = (
        await harness.signed({
          method: 'POST',
          path: pathOf(asked.continue.uri),
          token: asked.continue.access_token.value,
          body: { interact_ref }
        })
      ).json<GrantAnswer>()
      expect([body.access_token, body.subject]).toEqual([
        undefined,
        { sub_ids: [{ id: IDENTIFIER, format: 'uri' }] }
      ])
    })

    it('can be polled until it is approved', async () => {
      const { id, nonce, continuePath, token } = await askInteractively({ start: ['redirect'] })
      const poll = () => harness.signed({ method: 'POST', path: continuePath, token })
      const pending = await poll()
      expect([pending.status, pending.json<GrantAnswer>().continue.wait]).toEqual([200, 0])
      await browse(id, nonce, () => decide(id, nonce, 'accept'))
      const answers = await Promise.all([poll(), poll()])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 401])
      expect(codeOf(await poll())).toEqual({
        code: 'request_denied',
        description: 'grant cannot be continued'
      })
    })

    it.each<[string, () => Promise<JsonAnswer>, number, string, string]>([
      [
        'no token',
        async () => harness.signed({ method: 'POST', path: (await askInteractively()).continuePath }),
        401,
        'invalid_continuation',
        'missing continuation information'
      ],
      [
        'another token',
        async () =>
          harness.signed({
            method: 'POST',
            path: (await askInteractively()).continuePath,
            token: 'A'.repeat(20)
          }),
        401,
        'invalid_continuation',
        'invalid grant'
      ],
      [
        'an id nobody knows',
        () =>
          harness.signed({
            method: 'POST',
            path: '/continue/44444444-4444-4444-8444-444444444444',
            token: 'A'
          }),
        401,
        'invalid_continuation',
        'invalid grant'
      ],
      [
        'an id that is none',
        () => harness.signed({ method: 'POST', path: '/continue/x', token: 'A' }),
        401,
        'invalid_continuation',
        'invalid grant'
      ],
      [
        'another client',
        async () => {
          const { continuePath, token } = await askInteractively()
          return harness.signed({ method: 'POST', path: continuePath, token, by: harness.otherClient })
        },
        400,
        'invalid_client',
        'could not determine client'
      ],
      [
        'no signature',
        async () => {
          const { continuePath, token } = await askInteractively()
          return harness.signed({ method: 'POST', path: continuePath, token, by: null })
        },
        401,
        'invalid_client',
        'invalid signature headers'
      ],
      [
        'polling where the browser comes back',
        async () => {
          const { continuePath, token } = await askInteractively()
          return harness.signed({ method: 'POST', path: continuePath, token })
        },
        401,
        'request_denied',
        'grant cannot be polled'
      ],
      [
        'a body without reference',
        async () => {
          const { continuePath, token } = await askInteractively()
          return harness.signed({ method: 'POST', path: continuePath, token, body: {} })
        },
        401,
        'invalid_request',
        'missing interaction reference'
      ],
      [
        'a reference nobody knows',
        async () => {
          const { continuePath, token } = await askInteractively()
          return harness.signed({ method: 'POST', path: continuePath, token, body: { interact_ref: 'x' } })
        },
        404,
        'invalid_continuation',
        'grant not found'
      ],
      [
        'the reference of another grant',
        async () => {
          const [one, two] = [await approve(), await approve()]
          return harness.signed({
            method: 'POST',
            path: one.continuePath,
            token: one.token,
            body: { interact_ref: two.interactRef }
          })
        },
        404,
        'invalid_continuation',
        'grant not found'
      ],
      [
        'a reference before the decision',
        async () => {
          const { id, continuePath, token } = await askInteractively()
          const { rows } = await sql(`SELECT ref FROM interactions WHERE id = '${id}'`)
          return harness.signed({
            method: 'POST',
            path: continuePath,
            token,
            body: { interact_ref: rows[0]!.ref }
          })
        },
        401,
        'request_denied',
        'grant interaction not approved'
      ],
      [
        'cancelling without token',
        async () => harness.signed({ method: 'DELETE', path: (await askInteractively()).continuePath }),
        401,
        'invalid_request',
        'invalid continuation information'
      ],
      [
        'cancelling a rejected grant',
        async () => {
          const { id, nonce, continuePath, token } = await askInteractively()
          await browse(id, nonce, () => decide(id, nonce, 'reject'))
          return harness.signed({ method: 'DELETE', path: continuePath, token })
        },
        404,
        'invalid_request',
        'invalid grant'
      ]
    ])('refuses %s', async (_, request, status, code, description) => {
      const answer = await request()
      expect([answer.status, codeOf(answer)]).toEqual([status, { code, description }])
    })

    it('ends with the grant, and so do its tokens', async () => {
      const granted = (await ask([incoming])).json<GrantAnswer>()
      const path = pathOf(granted.continue.uri)
      const token = granted.continue.access_token.value
      const cancelled = await harness.signed({ method: 'DELETE', path, token })
      expect([cancelled.status, cancelled.body.length]).toEqual([204, 0])
      const info = await harness.send('introspection', 'POST', '/', {
        body: { access_token: granted.access_token!.value }
      })
      expect(info.json()).toEqual({ active: false })
      expect(codeOf(await harness.signed({ method: 'POST', path, token }))).toEqual({
        code: 'invalid_continuation',
        description: 'invalid grant'
      })
      const rotated = await harness.signed({
        method: 'POST',
        path: pathOf(granted.access_token!.manage),
        token: granted.access_token!.value
      })
      expect(codeOf(rotated)).toEqual({ code: 'invalid_client', description: 'invalid access token' })
    })
  })

  it('describes itself', async () => {
    expect((await harness.send('auth', 'GET', '/discovery')).json()).toEqual({
      grant_request_endpoint: '/',
      interaction_start_modes_supported: ['redirect'],
      interaction_finish_modes_supported: ['redirect']
    })
    for (const door of ['admin', 'auth', 'introspection', 'interaction', 'serviceApi'] as const) {
      expect((await harness.send(door, 'GET', '/healthz')).status).toBe(200)
      expect((await harness.send(door, 'GET', '/nothing/here/at/all')).status).toBe(404)
    }
  })

  async function sql(statement: string): Promise<{ rows: Record<string, unknown>[] }> {
    const database = harness.runtime.openDatabase({ url: harness.config.AUTH_DATABASE_URL })
    try {
      return await database.knex.raw<{ rows: Record<string, unknown>[] }>(statement)
    } finally {
      await database.close()
    }
  }
})

describe('the wait period', () => {
  let harness: AuthHarness
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'), { WAIT_SECONDS: '5' })
  })
  afterAll(() => harness.close())

  it('holds between a request and its continuation, and between polls', async () => {
    const body = {
      client: harness.client.walletAddress,
      access_token: { access: [outgoing] },
      interact: { start: ['redirect'] }
    }
    const asked = (
      await harness.signed({ method: 'POST', path: `/${OPERATOR_ID}`, body })
    ).json<GrantAnswer>()
    expect(asked.continue.wait).toBe(5)
    const poll = (more: object = {}) =>
      harness.signed({
        method: 'POST',
        path: pathOf(asked.continue.uri),
        token: asked.continue.access_token.value,
        ...more
      })
    const tooFast = { code: 'too_fast', description: 'polled grant faster than "wait" period' }
    const early = await poll()
    expect([early.status, codeOf(early)]).toEqual([400, tooFast])
    harness.shift(5_000)
    const both = await Promise.all([poll(), poll()])
    expect(both.map(({ status }) => status).sort()).toEqual([200, 400])
    expect(codeOf(await poll())).toEqual(tooFast)
    const [row] = await harnessRows(harness, 'SELECT ref FROM interactions')
    expect(codeOf(await poll({ body: { interact_ref: row!.ref } }))).toEqual({
      code: 'too_fast',
      description: 'continued grant faster than "wait" period'
    })
    harness.shift(5_000)
    expect((await poll()).status).toBe(200)
  })
})

async function harnessRows(harness: AuthHarness, statement: string): Promise<Record<string, unknown>[]> {
  const database = harness.runtime.openDatabase({ url: harness.config.AUTH_DATABASE_URL })
  const { rows } = await database.knex.raw<{ rows: Record<string, unknown>[] }>(statement)
  await database.close()
  return rows
}
