import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { signRequest, toJwk } from '../../http-signatures/index.ts'
import { OPERATOR_ID, startTestAuth } from '../testing.ts'
import type { AuthHarness, JsonAnswer } from '../testing.ts'
import {
  createGrantActors,
  IDENTIFIER,
  INCOMING,
  INTERACT,
  OUTGOING,
  QUOTE,
  refusalOf,
  SUBJECT
} from '../testing-grants.ts'
import type { GrantActors, GrantAnswer } from '../testing-grants.ts'

const UNKNOWN_ID = '44444444-4444-4444-8444-444444444444'
const openApi = (problem: string) => `Received error validating OpenAPI request: ${problem}`

describe('a grant request', () => {
  let harness: AuthHarness
  let actors: GrantActors
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
    actors = createGrantActors(harness)
  })
  afterAll(() => harness.close())

  it('answers an access token where nobody must be asked', async () => {
    const answer = await actors.ask([INCOMING, { ...QUOTE, identifier: 'dropped' }])
    expect(answer.status).toBe(200)
    expect(answer.headers['cache-control']).toBe('no-store')
    const { AUTH_SERVER_URL } = harness.config
    expect(answer.json<GrantAnswer>()).toEqual({
      access_token: {
        value: expect.stringMatching(/^[0-9A-F]{20}$/) as string,
        manage: expect.stringMatching(`^${AUTH_SERVER_URL}/token/[0-9a-f-]{36}$`) as string,
        expires_in: 600,
        access: [INCOMING, QUOTE]
      },
      continue: {
        access_token: { value: expect.stringMatching(/^[0-9A-F]{20}$/) as string },
        uri: expect.stringMatching(`^${AUTH_SERVER_URL}/continue/[0-9a-f-]{36}$`) as string
      }
    })
  })

  it('answers where to send the browser where an account holder must be asked', async () => {
    const answer = await actors.ask([OUTGOING], { interact: INTERACT, subject: SUBJECT })
    expect(answer.status).toBe(200)
    const body = answer.json<GrantAnswer>()
    expect(body.continue.wait).toBe(0)
    const redirect = new URL(body.interact!.redirect)
    expect(redirect.pathname).toMatch(/^\/interact\/[0-9a-f-]{36}\/[0-9A-F]{16}$/)
    expect(redirect.search).toContain('clientName=Shop%20%26%20S%C3%B6hne')
    expect(redirect.searchParams.get('clientUri')).toBe(harness.client.walletAddress)
    expect(body.interact!.finish).toBe(redirect.pathname.split('/')[3])
  })

  const unsigned = (headers: Record<string, string> = {}) => actors.ask([QUOTE], {}, { by: null, headers })
  const raw = (body: string, contentType = 'application/json') =>
    harness.send('auth', 'POST', `/${OPERATOR_ID}`, { body, headers: { 'content-type': contentType } })
  const withLimits = (limits: object) => actors.ask([{ ...OUTGOING, limits }], { interact: INTERACT })
  const amount = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })
  const finishAt = (uri: string) => ({ interact: { ...INTERACT, finish: { ...INTERACT.finish, uri } } })

  const finishNonce = (nonce: string) => ({
    interact: { ...INTERACT, finish: { ...INTERACT.finish, nonce } }
  })

  type Row = [string, () => Promise<JsonAnswer>, number, string | undefined, string]
  it.each<Row>([
    ['no signature', () => unsigned(), 401, 'invalid_client', 'invalid signature headers'],
    [
      'a malformed signature',
      () => unsigned({ signature: 'x', 'signature-input': '((' }),
      401,
      'invalid_client',
      'invalid signature headers'
    ],
    [
      'a signature without keyid',
      () => unsigned({ signature: 'sig1=:AQID:', 'signature-input': 'sig1=("@method");created=1' }),
      401,
      'invalid_client',
      'invalid signature input'
    ],
    [
      'a client nobody serves',
      () => actors.ask([QUOTE], { client: 'https://127.0.0.1:1/nobody' }),
      400,
      'invalid_client',
      'could not determine client'
    ],
    [
      'a key the client does not have',
      () => actors.ask([QUOTE], { client: harness.client.walletAddress }, { by: harness.otherClient }),
      400,
      'invalid_client',
      'could not determine client'
    ],
    [
      'the signature of another key',
      () =>
        actors.ask([QUOTE], {}, { by: { ...harness.client, privateKey: harness.otherClient.privateKey } }),
      401,
      'invalid_client',
      'invalid signature'
    ],
    [
      'a tenant nobody knows',
      () => actors.ask([QUOTE], {}, { tenantId: UNKNOWN_ID }),
      404,
      'invalid_request',
      'Not Found'
    ],
    [
      'a tenant id that is none',
      () => actors.ask([QUOTE], {}, { tenantId: "x'--" }),
      404,
      'invalid_request',
      'Not Found'
    ],
    ['no access at all', () => actors.ask([]), 400, 'invalid_request', 'subject or access_token required'],
    [
      'list-all without identifier',
      () => actors.ask([{ type: 'incoming-payment', actions: ['list-all'] }], { interact: INTERACT }),
      400,
      'invalid_request',
      'access identifier required'
    ],
    [
      'two amounts',
      () => withLimits({ debitAmount: amount('1'), receiveAmount: amount('1') }),
      400,
      'invalid_request',
      'only one access amount allowed'
    ],
    [
      'an amount above 64 bits',
      () => withLimits({ debitAmount: amount('18446744073709551616') }),
      400,
      'invalid_request',
      'access amount value must be an unsigned 64-bit integer'
    ],
    [
      'an interval that is none',
      () => withLimits({ interval: 'monthly' }),
      400,
      'invalid_request',
      'access interval must be an ISO 8601 repeating interval'
    ],
    [
      'a subject that is no URL',
      () =>
        actors.ask(undefined, { interact: INTERACT, subject: { sub_ids: [{ id: 'alice', format: 'uri' }] } }),
      400,
      'invalid_request',
      'subject id must be a valid https url'
    ],
    [
      'an interactive grant without interact',
      () => actors.ask([OUTGOING]),
      400,
      'invalid_request',
      "missing required request field 'interact'"
    ],
    [
      'a finish URI that runs code',
      () => actors.ask([OUTGOING], finishAt('javascript:alert(1)')),
      400,
      'invalid_request',
      'the finish uri is not one to redirect to'
    ],
    [
      'an interactive client without name',
      () => actors.ask([OUTGOING], { interact: INTERACT }, { by: harness.namelessClient }),
      400,
      'invalid_client',
      "missing required request field 'client'"
    ],
    [
      'an action that does not exist',
      () => actors.ask([{ type: 'incoming-payment', actions: ['fly'] }]),
      400,
      undefined,
      openApi('body.access_token.access.0.actions.0 must be equal to one of the allowed values')
    ],
    [
      'no client',
      () => actors.ask([QUOTE], { client: undefined }),
      400,
      undefined,
      openApi("body must have required property 'client'")
    ],
    [
      'a client that takes no JSON',
      () => actors.ask([QUOTE], {}, { headers: { accept: 'text/html' } }),
      406,
      undefined,
      openApi('Must accept application/json')
    ],
    [
      'a NUL character',
      () => actors.ask([OUTGOING], finishNonce('\0')),
      400,
      'invalid_request',
      'the body is not valid JSON'
    ],
    ['malformed JSON', () => raw('{'), 400, 'invalid_request', 'the body is not valid JSON'],
    [
      'a body that is too long',
      () => raw(JSON.stringify('x'.repeat(70_000))),
      413,
      'invalid_request',
      'the body is longer than 65536 bytes'
    ],
    [
      'another content type',
      () => raw('a=b', 'application/x-www-form-urlencoded'),
      415,
      'invalid_request',
      'the content type of the body must be application/json'
    ]
  ])('refuses %s', async (_, request, status, code, description) => {
    expect(refusalOf(await request())).toEqual([status, code, description])
  })

  it('refuses a body that was changed on the way', async () => {
    const { keyId, privateKey, walletAddress } = harness.client
    const body = JSON.stringify({ client: walletAddress, access_token: { access: [QUOTE] } })
    const url = harness.url('auth', `/${OPERATOR_ID}`)
    const nowMs = harness.runtime.clock.nowMs()
    const headers = signRequest({ method: 'POST', url, body, keyId, privateKey, nowMs })
    const changed = body.replace('"read"', '"read-all"')
    const sent = { ...headers, 'content-length': String(changed.length) }
    const answer = await harness.http.request({ method: 'POST', url, headers: sent, body: changed })
    expect([answer.status, JSON.parse(answer.body.toString())]).toEqual([
      401,
      { error: { code: 'invalid_client', description: 'invalid signature' } }
    ])
  })

  it('refuses a signature that was made for another door', async () => {
    const { keyId, privateKey, walletAddress } = harness.client
    const body = JSON.stringify({ client: walletAddress, access_token: { access: [QUOTE] } })
    const url = harness.url('auth', `/${OPERATOR_ID}`)
    const nowMs = harness.runtime.clock.nowMs()
    const headers = signRequest({
      method: 'POST',
      url: url.replace('http:', 'https:'),
      body,
      keyId,
      privateKey,
      nowMs
    })
    expect((await harness.http.request({ method: 'POST', url, headers, body })).status).toBe(401)
  })

  it('knows a client by its key alone, for what needs no consent', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const jwk = toJwk(privateKey, 'own-key')
    const by = { walletAddress: '', keyId: 'own-key', privateKey }
    const granted = await actors.ask([INCOMING], { client: { jwk } }, { by })
    expect(granted.status).toBe(200)
    const info = await actors.introspect(granted.json<GrantAnswer>().access_token!.value, [INCOMING])
    expect(info.json()).toMatchObject({ active: true, client: { jwk }, access: [INCOMING] })
    expect(refusalOf(await actors.ask([OUTGOING], { client: { jwk }, interact: INTERACT }, { by }))).toEqual([
      400,
      'invalid_client',
      'JWK client identifier cannot be used for interactive grants'
    ])
    const stranger = { ...by, keyId: 'other-key' }
    expect(refusalOf(await actors.ask([INCOMING], { client: { jwk } }, { by: stranger }))[2]).toBe(
      'could not determine client'
    )
  })

  it('follows the tenants that the backend tells of', async () => {
    const id = '55555555-5555-4555-8555-555555555555'
    const service = (method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object) =>
      harness.send('serviceApi', method, path, { body })
    const request = () => actors.ask([OUTGOING], { interact: INTERACT }, { tenantId: id })
    expect((await service('POST', '/tenant', { id, apiSecret: 's' })).status).toBe(204)
    expect(refusalOf(await request())).toEqual([400, 'invalid_request', 'invalid tenant'])
    const idp = { idpConsentUrl: 'https://other.example/', idpSecret: 'x' }
    expect((await service('PATCH', `/tenant/${id}`, idp)).status).toBe(204)
    const asked = (await request()).json<GrantAnswer>()
    const issued = (await actors.ask([INCOMING], {}, { tenantId: id })).json<GrantAnswer>()
    const [, , interaction, nonce] = new URL(asked.interact!.redirect).pathname.split('/')
    const start = () => harness.send('auth', 'GET', `/interact/${interaction}/${nonce}`)
    expect((await start()).headers.location).toContain('https://other.example/?interactId=')
    expect((await service('DELETE', `/tenant/${id}`, { deletedAt: '2026-01-01T00:00:00Z' })).status).toBe(204)
    expect((await request()).status).toBe(404)
    expect((await start()).status).toBe(400)
    expect((await actors.introspect(issued.access_token!.value)).json()).toEqual({ active: false })
  })

  it('tells others of nothing but its own words when something breaks', async () => {
    await harness.sql('ALTER TABLE subjects RENAME TO lost')
    try {
      const answer = await actors.ask([OUTGOING], { interact: INTERACT, subject: SUBJECT })
      const [status, code, description] = refusalOf(answer)
      expect([status, code]).toEqual([500, 'request_denied'])
      expect(description).toMatch(/^internal server error \([0-9a-f-]{36}\)$/)
      expect(await harness.sql('SELECT id FROM grants WHERE client = ?', [IDENTIFIER])).toEqual([])
    } finally {
      await harness.sql('ALTER TABLE lost RENAME TO subjects')
    }
  })
})
