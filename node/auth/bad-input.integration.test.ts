import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { IDP_SECRET, startTestAuth } from './testing.ts'
import type { AuthHarness, JsonAnswer } from './testing.ts'
import {
  createGrantActors,
  IDENTIFIER,
  INCOMING,
  INTERACT,
  INTERACT_WITHOUT_FINISH,
  OUTGOING,
  pathOf,
  QUOTE,
  refusalOf
} from './testing-grants.ts'
import type { GrantActors, GrantAnswer, InteractiveGrant } from './testing-grants.ts'

// What strangers may do that no honest client does: with tokens, continuations and interactions. Signatures and bodies
// have files of their own.

const UNKNOWN_ID = '44444444-4444-4444-8444-444444444444'
const OTHER_TENANT = {
  id: '22222222-2222-4222-8222-222222222222',
  apiSecret: 'other secret',
  idpConsentUrl: 'https://idp.other/',
  idpSecret: 'secret of another identity provider'
}

let harness: AuthHarness
let actors: GrantActors
beforeAll(async () => {
  harness = await startTestAuth(inject('postgresUrl'))
  actors = createGrantActors(harness)
  await harness.send('serviceApi', 'POST', '/tenant', { body: OTHER_TENANT })
})
afterAll(() => harness.close())

const manage = (method: 'POST' | 'DELETE', path: string, token: string) =>
  harness.signed({ method, path, token })
const inactive = { active: false }
const statementsOf = async (request: () => Promise<JsonAnswer>): Promise<[JsonAnswer, number]> => {
  const before = harness.auth.statementCount()
  const answer = await request()
  return [answer, harness.auth.statementCount() - before]
}

/** That requests are answered alike to the byte, and cost the same statements: none tells what exists. */
async function expectAlike(requests: (() => Promise<JsonAnswer>)[]): Promise<void> {
  const answered = []
  for (const request of requests) {
    const [{ status, body }, statements] = await statementsOf(request)
    answered.push({ status, body: body.toString(), statements })
  }
  for (const answer of answered) expect(answer).toEqual(answered[0])
}

describe('an access token', () => {
  it('that is unknown, revoked or was rotated away cannot be told apart, nor used', async () => {
    const [revoked, rotated, living] = [await actors.issue(), await actors.issue(), await actors.issue()]
    await manage('DELETE', revoked.managePath, revoked.token)
    await manage('POST', rotated.managePath, rotated.token)
    const ways = [
      { managePath: `/token/${UNKNOWN_ID}`, token: living.token },
      { managePath: living.managePath, token: 'A'.repeat(20) },
      { managePath: living.managePath, token: rotated.token },
      revoked,
      rotated
    ]
    for (const method of ['POST', 'DELETE'] as const) {
      await expectAlike(
        ways.map(
          ({ managePath, token }) =>
            () =>
              manage(method, managePath, token)
        )
      )
    }
    await expectAlike(
      ['A'.repeat(20), revoked.token, rotated.token].map((token) => () => actors.introspect(token))
    )
    expect((await actors.introspect(living.token, [INCOMING])).json()).toMatchObject({ active: true })
  })

  it('that expired is worth nothing, and unknown when it is deleted', async () => {
    const { token } = await actors.issue()
    harness.shift(600_000)
    try {
      expect((await actors.introspect(token, [INCOMING])).json()).toEqual(inactive)
    } finally {
      harness.shift(-600_000)
    }
  })

  it('of a deleted tenant is gone, and so is what its grant could become', async () => {
    const id = '33333333-3333-4333-8333-333333333333'
    await harness.send('serviceApi', 'POST', '/tenant', { body: { ...OTHER_TENANT, id } })
    const issued = (await actors.ask([INCOMING], {}, { tenantId: id })).json<GrantAnswer>()
    const { value, manage: managed } = issued.access_token!
    const pending = (
      await actors.ask([OUTGOING], { interact: INTERACT_WITHOUT_FINISH }, { tenantId: id })
    ).json<GrantAnswer>()
    const [, , interaction, nonce] = new URL(pending.interact!.redirect).pathname.split('/')
    const grant = {
      id: interaction!,
      nonce: nonce!,
      continuePath: pathOf(pending.continue.uri),
      token: pending.continue.access_token.value
    }
    const deleted = await harness.send('serviceApi', 'DELETE', `/tenant/${id}`, {
      body: { deletedAt: '2026-01-01T00:00:00Z' }
    })
    expect(deleted.status).toBe(204)
    expect((await actors.introspect(value)).json()).toEqual(inactive)
    const gone = [401, 'invalid_client', 'invalid access token']
    expect(refusalOf(await manage('POST', pathOf(managed), value))).toEqual(gone)
    expect(refusalOf(await manage('DELETE', pathOf(managed), value))).toEqual(gone)
    expect(refusalOf(await actors.continue(grant))).toEqual([401, 'invalid_continuation', 'invalid grant'])
    expect((await actors.decide(grant, 'accept', OTHER_TENANT.idpSecret)).status).toBe(404)
    expect((await actors.browse(grant)).started.status).toBe(400)
  })

  it('is managed by its own client and nobody else', async () => {
    const { token, managePath } = await actors.issue()
    for (const method of ['POST', 'DELETE'] as const) {
      const answer = await harness.signed({ method, path: managePath, token, by: harness.otherClient })
      expect(refusalOf(answer)).toEqual([400, 'invalid_client', 'could not determine client'])
    }
    expect((await actors.introspect(token)).json()).toMatchObject({ active: true })
  })

  it('gives no access but its own', async () => {
    const { token } = await actors.issue([{ ...INCOMING, identifier: IDENTIFIER }])
    for (const access of [
      { ...INCOMING, actions: ['complete'] },
      { ...INCOMING, actions: ['read', 'list'] },
      { ...INCOMING, actions: ['read-all'] },
      { ...INCOMING, identifier: `${IDENTIFIER}/` },
      { ...INCOMING, limits: { receiver: 'https://wallet.example/incoming-payments/1' } },
      QUOTE,
      OUTGOING
    ]) {
      expect((await actors.introspect(token, [access])).json()).toMatchObject({ active: true, access: [] })
    }
  })
})

describe('a continuation', () => {
  const silent = () => actors.askInteractively({ interact: INTERACT_WITHOUT_FINISH })
  const unknownGrant = [401, 'invalid_continuation', 'invalid grant']
  const cancel = ({ continuePath, token }: { continuePath: string; token: string }) =>
    manage('DELETE', continuePath, token)

  it('with the token of another grant, of an unknown or an ended one cannot be told apart', async () => {
    const [grant, other, ended] = [await silent(), await silent(), await silent()]
    expect((await cancel(ended)).status).toBe(204)
    const ways = [
      { ...grant, token: other.token },
      { ...grant, token: 'A'.repeat(20) },
      { ...grant, continuePath: `/continue/${UNKNOWN_ID}` },
      ended
    ]
    expect(refusalOf(await actors.continue(ways[0]!))).toEqual(unknownGrant)
    await expectAlike(ways.map((way) => () => actors.continue(way)))
    await expectAlike(ways.map((way) => () => actors.continue(way, { interact_ref: UNKNOWN_ID })))
    await expectAlike(ways.map((way) => () => cancel(way)))
    expect((await actors.continue(grant)).status).toBe(200)
  })

  it('with an access token is refused, and so is managing a token with a continuation token', async () => {
    const issued = await actors.issue()
    const continuation = {
      continuePath: pathOf(issued.continue.uri),
      token: issued.continue.access_token.value
    }
    expect(refusalOf(await actors.continue({ ...continuation, token: issued.token }))).toEqual(unknownGrant)
    expect((await manage('POST', issued.managePath, continuation.token)).status).toBe(401)
    expect((await actors.introspect(continuation.token)).json()).toEqual(inactive)
  })

  it('with a reference that is unknown or of another grant cannot be told apart', async () => {
    const grant = await actors.approve()
    const other = await actors.approve()
    await expectAlike(
      [other.interactRef, UNKNOWN_ID].map((ref) => () => actors.continue(grant, { interact_ref: ref }))
    )
    expect((await actors.continue(grant, { interact_ref: grant.interactRef })).status).toBe(200)
    expect(refusalOf(await actors.continue(grant, { interact_ref: grant.interactRef }))).toEqual([
      401,
      'request_denied',
      'grant interaction not approved'
    ])
  })

  it('is refused to another client, and to one that has no key', async () => {
    const grant = await silent()
    for (const by of [harness.otherClient, null]) {
      expect((await actors.continue(grant, undefined, by)).status).toBeGreaterThanOrEqual(400)
      const cancelled = await harness.signed({
        method: 'DELETE',
        path: grant.continuePath,
        token: grant.token,
        by
      })
      expect(cancelled.status).toBeGreaterThanOrEqual(400)
    }
    expect((await actors.continue(grant)).status).toBe(200)
  })

  it.each([
    'Bearer AAAA',
    'GNAP',
    'GNAP ',
    'GNAP A B',
    `GNAP ${'A'.repeat(513)}`,
    'gnap\tA',
    "GNAP ' OR 1=1"
  ])('takes no credential of another kind: %j', async (authorization) => {
    const { continuePath } = await silent()
    const answer = await harness.signed({ method: 'POST', path: continuePath, headers: { authorization } })
    expect(refusalOf(answer)).toEqual([401, 'invalid_continuation', 'missing continuation information'])
  })
})

describe('an interaction', () => {
  const start = ({ id, nonce }: InteractiveGrant, query = '') =>
    harness.send('auth', 'GET', `/interact/${id}/${nonce}${query}`)
  const finish = ({ id, nonce }: InteractiveGrant, query = '', cookie = '') =>
    harness.send('auth', 'GET', `/interact/${id}/${nonce}/finish${query}`, { headers: { cookie } })
  const cookieOf = (answer: JsonAnswer) =>
    [answer.headers['set-cookie'] ?? []]
      .flat()
      .map((line) => line.split(';')[0])
      .join('; ')

  it('is finished by the browser that began it alone', async () => {
    const [grant, other] = [await actors.askInteractively(), await actors.askInteractively()]
    await start(grant)
    const session = cookieOf(await start(other))
    await actors.decide(grant, 'accept')
    const noSession = [401, 'invalid_request', 'invalid session']
    expect(refusalOf(await finish(grant, '', session))).toEqual(noSession)
    // A session whose id was changed is none, and one that is not signed neither.
    expect(refusalOf(await finish(other, '', session.replace('sessionId=', 'sessionId=0')))).toEqual(
      noSession
    )
    expect(refusalOf(await finish(other, '', session.split('; ')[0]))).toEqual(noSession)
    expect(
      await harness.sql(
        'SELECT state FROM grants WHERE id = (SELECT "grantId" FROM interactions WHERE id = ?)',
        [grant.id]
      )
    ).toEqual([{ state: 'PENDING' }])
  })

  it('that was begun must be finished while the session lasts', async () => {
    const grant = await actors.askInteractively()
    const session = cookieOf(await start(grant))
    await actors.decide(grant, 'accept')
    harness.shift(600_001)
    try {
      const answer = await finish(grant, '', session)
      expect(answer.headers.location).toContain('result=invalid_interaction&message=interaction%20expired')
      expect(answer.headers.location).not.toContain('interact_ref')
    } finally {
      harness.shift(-600_001)
    }
  })

  it('leads nowhere but to the identity provider and the client, whatever its URL says', async () => {
    const evil =
      '?uri=https://evil.example/&finishUri=https://evil.example/&redirect_uri=https://evil.example/&result=x'
    const grant = await actors.askInteractively()
    const started = await start(grant, evil)
    const consent = new URL(started.headers.location as string)
    expect(consent.origin).toBe('https://idp.example')
    expect(consent.href).not.toContain('evil')
    await actors.decide(grant, 'accept')
    const finished = await finish(grant, evil, cookieOf(started))
    const back = new URL(finished.headers.location as string)
    expect(back.origin + back.pathname).toBe('https://shop.example/back')
    expect([...back.searchParams.keys()]).toEqual(['order', 'hash', 'interact_ref'])
    for (const path of ['//evil.example', '/\\evil.example', '/interact/https://evil.example/finish']) {
      const answer = await harness.send('auth', 'GET', path)
      expect([answer.status >= 400, answer.headers.location]).toEqual([true, undefined])
    }
  })

  it.each([
    'javascript:alert(1)',
    'data:text/html,alert(1)',
    'vbscript:x',
    'view-source:https://shop.example/',
    'https://bank.example@shop.example/',
    'https://shop.example/#fragment',
    'file:///etc/passwd',
    `https://shop.example/${'x'.repeat(2_048)}`
  ])('never sends a browser to %s', async (uri) => {
    const interact = { ...INTERACT, finish: { ...INTERACT.finish, uri } }
    expect(refusalOf(await actors.ask([OUTGOING], { interact }))).toEqual([
      400,
      'invalid_request',
      'the finish uri is not one to redirect to'
    ])
  })

  it.each(['', 'a\nb', 'a\r\nb', 'x\t'])('never proves itself by the nonce %j', async (nonce) => {
    const interact = { ...INTERACT, finish: { ...INTERACT.finish, nonce } }
    expect(refusalOf(await actors.ask([OUTGOING], { interact }))).toEqual([
      400,
      'invalid_request',
      'the finish nonce must have 1 to 1024 characters, none of them control characters'
    ])
  })

  it('that is unknown or asked with another nonce cannot be told apart', async () => {
    const grant = await actors.askInteractively()
    const ways = [
      { ...grant, nonce: 'X' },
      { ...grant, id: UNKNOWN_ID }
    ]
    await expectAlike(ways.map((way) => () => start(way)))
    await expectAlike(ways.map((way) => () => finish(way)))
    await expectAlike(ways.map((way) => () => actors.details(way, 'wrong secret')))
    await expectAlike(ways.map((way) => () => actors.decide(way, 'accept', 'wrong secret')))
  })

  it.each([
    ['of another tenant', OTHER_TENANT.idpSecret],
    ['that differs in the last character', `${IDP_SECRET.slice(0, -1)}x`],
    ['that is shorter', IDP_SECRET.slice(0, -1)],
    ['that is longer', `${IDP_SECRET}x`],
    ['that is empty', '']
  ])("is told and decided by its tenant's identity provider alone: a secret %s", async (_, secret) => {
    const grant = await actors.askInteractively()
    expect(refusalOf(await actors.details(grant, secret))).toEqual([
      401,
      'invalid_request',
      'invalid x-idp-secret'
    ])
    expect(refusalOf(await actors.decide(grant, 'accept', secret))).toEqual([
      401,
      'invalid_interaction',
      'invalid x-idp-secret'
    ])
    expect((await actors.details(grant)).json()).toMatchObject({ state: 'PENDING' })
  })
})
