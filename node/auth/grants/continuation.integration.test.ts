import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { OPERATOR_ID, startTestAuth } from '../testing.ts'
import type { AuthHarness, JsonAnswer } from '../testing.ts'
import {
  createGrantActors,
  INTERACT_WITHOUT_FINISH,
  OUTGOING,
  pathOf,
  refusalOf,
  SUBJECT
} from '../testing-grants.ts'
import type { GrantActors, GrantAnswer } from '../testing-grants.ts'

const statuses = (answers: JsonAnswer[]) => answers.map(({ status }) => status).sort()

describe('a continuation', () => {
  let harness: AuthHarness
  let actors: GrantActors
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
    actors = createGrantActors(harness)
  })
  afterAll(() => harness.close())

  const silent = () => actors.askInteractively({ interact: INTERACT_WITHOUT_FINISH })

  it('gives the access token and the subject after the interaction, once', async () => {
    const grant = await actors.approve({ more: { subject: SUBJECT } })
    const request = () => actors.continue(grant, { interact_ref: grant.interactRef })
    const answers = await Promise.all([request(), request(), request()])
    expect(statuses(answers)).toEqual([200, 401, 401])
    const body = answers.find(({ status }) => status === 200)!.json<GrantAnswer>()
    expect(body.access_token!.access).toEqual([OUTGOING])
    expect(body.subject).toEqual(SUBJECT)
    expect(pathOf(body.continue.uri)).toBe(grant.continuePath)
    expect(refusalOf(await request())).toEqual([401, 'request_denied', 'grant interaction not approved'])
    const tokens = await harness.sql(
      'SELECT t.id FROM "accessTokens" t JOIN interactions i ON i."grantId" = t."grantId" WHERE i.id = ?',
      [grant.id]
    )
    expect(tokens).toHaveLength(1)
  })

  it('gives the subject alone where nothing else was asked for', async () => {
    const grant = await actors.approve({ access: [], more: { subject: SUBJECT } })
    const body = (await actors.continue(grant, { interact_ref: grant.interactRef })).json<GrantAnswer>()
    expect([body.access_token, body.subject]).toEqual([undefined, SUBJECT])
  })

  it('can be polled until it is approved', async () => {
    const grant = await silent()
    const pending = await actors.continue(grant)
    expect([pending.status, pending.json<GrantAnswer>().continue.wait]).toEqual([200, 0])
    await actors.browse(grant, () => actors.decide(grant, 'accept'))
    expect(statuses(await Promise.all([actors.continue(grant), actors.continue(grant)]))).toEqual([200, 401])
    expect(refusalOf(await actors.continue(grant))).toEqual([
      401,
      'request_denied',
      'grant cannot be continued'
    ])
  })

  it('needs the browser to come back: the decision alone changes nothing', async () => {
    const grant = await silent()
    await actors.decide(grant, 'accept')
    expect((await actors.continue(grant)).json<GrantAnswer>().access_token).toBeUndefined()
  })

  const unknown = { continuePath: '/continue/44444444-4444-4444-8444-444444444444', token: 'A' }
  const cancel = ({ continuePath, token }: { continuePath: string; token?: string }) =>
    harness.signed({ method: 'DELETE', path: continuePath, ...(token !== undefined && { token }) })

  type Row = [string, () => Promise<JsonAnswer>, number, string, string]
  it.each<Row>([
    [
      'no token',
      async () => actors.continue({ continuePath: (await silent()).continuePath }),
      401,
      'invalid_continuation',
      'missing continuation information'
    ],
    [
      'another token',
      async () => actors.continue({ ...(await silent()), token: 'A'.repeat(20) }),
      401,
      'invalid_continuation',
      'invalid grant'
    ],
    ['an id nobody knows', () => actors.continue(unknown), 401, 'invalid_continuation', 'invalid grant'],
    [
      'an id that is none',
      () => actors.continue({ continuePath: '/continue/x', token: 'A' }),
      401,
      'invalid_continuation',
      'invalid grant'
    ],
    [
      'another client',
      async () => actors.continue(await silent(), undefined, harness.otherClient),
      400,
      'invalid_client',
      'could not determine client'
    ],
    [
      'no signature',
      async () => actors.continue(await silent(), undefined, null),
      401,
      'invalid_client',
      'invalid signature headers'
    ],
    [
      'polling where the browser comes back',
      async () => actors.continue(await actors.askInteractively()),
      401,
      'request_denied',
      'grant cannot be polled'
    ],
    [
      'a body without reference',
      async () => actors.continue(await actors.askInteractively(), {}),
      401,
      'invalid_request',
      'missing interaction reference'
    ],
    [
      'a reference nobody knows',
      async () => actors.continue(await actors.askInteractively(), { interact_ref: 'x' }),
      404,
      'invalid_continuation',
      'grant not found'
    ],
    [
      'the reference of another grant',
      async () => {
        const { interactRef } = await actors.approve()
        return actors.continue(await actors.approve(), { interact_ref: interactRef })
      },
      404,
      'invalid_continuation',
      'grant not found'
    ],
    [
      'a reference before the decision',
      async () => {
        const grant = await actors.askInteractively()
        const [row] = await harness.sql('SELECT ref FROM interactions WHERE id = ?', [grant.id])
        return actors.continue(grant, { interact_ref: row!.ref })
      },
      401,
      'request_denied',
      'grant interaction not approved'
    ],
    [
      'cancelling without token',
      async () => cancel({ continuePath: (await silent()).continuePath }),
      401,
      'invalid_request',
      'invalid continuation information'
    ],
    ['cancelling what nobody knows', () => cancel(unknown), 401, 'invalid_continuation', 'invalid grant'],
    [
      'cancelling a rejected grant',
      async () => {
        const grant = await actors.askInteractively()
        await actors.browse(grant, () => actors.decide(grant, 'reject'))
        return cancel(grant)
      },
      404,
      'invalid_request',
      'invalid grant'
    ]
  ])('refuses %s', async (_, request, status, code, description) => {
    expect(refusalOf(await request())).toEqual([status, code, description])
  })

  it('ends with the grant, and so do its tokens', async () => {
    const granted = await actors.issue()
    const grant = { continuePath: pathOf(granted.continue.uri), token: granted.continue.access_token.value }
    const cancelled = await cancel(grant)
    expect([cancelled.status, cancelled.body.length]).toEqual([204, 0])
    expect((await actors.introspect(granted.token)).json()).toEqual({ active: false })
    expect(refusalOf(await actors.continue(grant))).toEqual([401, 'invalid_continuation', 'invalid grant'])
    const rotated = await harness.signed({ method: 'POST', path: granted.managePath, token: granted.token })
    expect(refusalOf(rotated)).toEqual([401, 'invalid_client', 'invalid access token'])
  })
})

describe('the wait period', () => {
  let harness: AuthHarness
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'), { WAIT_SECONDS: '5' })
  })
  afterAll(() => harness.close())

  it('holds between a request and its continuation, and between polls', async () => {
    const actors = createGrantActors(harness)
    const grant = await actors.askInteractively({ interact: INTERACT_WITHOUT_FINISH })
    const tooFast = [400, 'too_fast', 'polled grant faster than "wait" period']
    expect(refusalOf(await actors.continue(grant))).toEqual(tooFast)
    harness.shift(5_000)
    const both = await Promise.all([actors.continue(grant), actors.continue(grant)])
    expect(statuses(both)).toEqual([200, 400])
    expect(both.find(({ status }) => status === 200)!.json<GrantAnswer>().continue.wait).toBe(5)
    expect(refusalOf(await actors.continue(grant))).toEqual(tooFast)
    const [row] = await harness.sql('SELECT ref FROM interactions WHERE id = ?', [grant.id])
    expect(refusalOf(await actors.continue(grant, { interact_ref: row!.ref }))).toEqual([
      400,
      'too_fast',
      'continued grant faster than "wait" period'
    ])
    harness.shift(5_000)
    expect((await actors.continue(grant)).status).toBe(200)
    expect(await harness.sql('SELECT count(*) AS n FROM grants WHERE "tenantId" = ?', [OPERATOR_ID])).toEqual(
      [{ n: 1n }]
    )
  })
})
