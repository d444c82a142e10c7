import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createClient, isActiveTokenInfo } from '../../token-introspection/index.ts'
import { startTestAuth } from '../testing.ts'
import type { AuthHarness, JsonAnswer, TestClient } from '../testing.ts'
import {
  createGrantActors,
  IDENTIFIER,
  INCOMING,
  OUTGOING,
  pathOf,
  QUOTE,
  refusalOf
} from '../testing-grants.ts'
import type { GrantActors, GrantAnswer } from '../testing-grants.ts'

describe('access tokens', () => {
  let harness: AuthHarness
  let actors: GrantActors
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
    actors = createGrantActors(harness)
  })
  afterAll(() => harness.close())

  const manage = (
    method: 'POST' | 'DELETE',
    path: string,
    token: string | undefined,
    by?: TestClient | null
  ) =>
    harness.signed({ method, path, ...(token !== undefined && { token }), ...(by !== undefined && { by }) })

  it('rotate: a new value and management id, a full lifetime, the old value dead at once', async () => {
    const { token, managePath } = await actors.issue([INCOMING, QUOTE])
    harness.shift(300_000)
    const rotated = await manage('POST', managePath, token)
    expect(rotated.status).toBe(200)
    const { access_token } = rotated.json<GrantAnswer>()
    expect(access_token).toMatchObject({ expires_in: 600, access: [INCOMING, QUOTE] })
    expect(access_token!.value).not.toBe(token)
    expect(pathOf(access_token!.manage)).not.toBe(managePath)
    expect((await actors.introspect(token)).json()).toEqual({ active: false })
    expect((await actors.introspect(access_token!.value)).json()).toMatchObject({ active: true })
    harness.shift(300_001)
    expect((await actors.introspect(access_token!.value)).json()).toMatchObject({ active: true })
  })

  it('can be rotated after they expired', async () => {
    const { token, managePath } = await actors.issue()
    harness.shift(600_000)
    expect((await actors.introspect(token)).json()).toEqual({ active: false })
    const rotated = (await manage('POST', managePath, token)).json<GrantAnswer>()
    expect((await actors.introspect(rotated.access_token!.value)).json()).toMatchObject({ active: true })
  })

  it.each(['POST', 'DELETE'] as const)(
    'whose management (%s) meets a defect are answered 500, with its id and nothing more',
    async (method) => {
      const { token, managePath } = await actors.issue()
      await harness.sql('ALTER TABLE "accessTokens" RENAME TO lost')
      try {
        const [status, code, description] = refusalOf(await manage(method, managePath, token))
        expect([status, code]).toEqual([500, 'request_denied'])
        expect(description).toMatch(/^internal server error \([0-9a-f-]{36}\)$/)
      } finally {
        await harness.sql('ALTER TABLE lost RENAME TO "accessTokens"')
      }
      expect((await manage(method, managePath, token)).status).toBeLessThan(300)
    }
  )

  it('are rotated by one of those that race', async () => {
    for (let round = 0; round < 5; round++) {
      const { token, managePath } = await actors.issue()
      const answers = await Promise.all([1, 2, 3].map(() => manage('POST', managePath, token)))
      const won = answers.filter(({ status }) => status === 200)
      expect(won).toHaveLength(1)
      for (const lost of answers.filter(({ status }) => status !== 200)) {
        // One that came when the winner was done finds no such token any more.
        expect(['invalid_rotation', 'invalid_client']).toContain(refusalOf(lost)[1])
      }
      const live = await harness.sql(
        'SELECT value FROM "accessTokens" WHERE "revokedAt" IS NULL AND "grantId" = (SELECT "grantId" FROM "accessTokens" WHERE value = ?)',
        [token]
      )
      expect(live).toEqual([{ value: won[0]!.json<GrantAnswer>().access_token!.value }])
    }
  })

  it('answer invalid_rotation where the token ended between look-up and rotation', async () => {
    const { token, managePath } = await actors.issue()
    // The revocation happens while the server fetches the client's key.
    const revokedMeanwhile = await harness.whileFetchingKeys(
      () => manage('POST', managePath, token),
      async () => {
        await harness.sql(
          'UPDATE "accessTokens" SET "revokedAt" = "createdAt" WHERE value = ? RETURNING id',
          [token]
        )
      }
    )
    expect(refusalOf(revokedMeanwhile)).toEqual([
      404,
      'invalid_rotation',
      'the token was rotated or revoked meanwhile'
    ])
  })

  it('are worth nothing, and are not rotated, once their grant is revoked, whatever their own row says', async () => {
    const { token, managePath } = await actors.issue()
    const rotated = await harness.whileFetchingKeys(
      () => manage('POST', managePath, token),
      async () => {
        await harness.sql(
          `UPDATE grants SET state = 'FINALIZED', "finalizationReason" = 'REVOKED'
           WHERE id = (SELECT "grantId" FROM "accessTokens" WHERE value = ?) RETURNING id`,
          [token]
        )
      }
    )
    expect(refusalOf(rotated).slice(0, 2)).toEqual([404, 'invalid_rotation'])
    expect((await actors.introspect(token, [INCOMING])).json()).toEqual({ active: false })
  })

  it('are never brought back by a rotation once their grant is cancelled', async () => {
    const granted = await actors.issue()
    const answers = await Promise.all([
      manage('POST', granted.managePath, granted.token),
      manage('DELETE', pathOf(granted.continue.uri), granted.continue.access_token.value)
    ])
    expect(answers[1].status).toBe(204)
    const live = await harness.sql(
      'SELECT id FROM "accessTokens" WHERE "revokedAt" IS NULL AND "grantId" = (SELECT "grantId" FROM "accessTokens" WHERE value = ?)',
      [granted.token]
    )
    expect(live).toEqual([])
  })

  it('are revoked by their client', async () => {
    const { token, managePath } = await actors.issue()
    const revoked = await manage('DELETE', managePath, token)
    expect([revoked.status, revoked.body.length]).toEqual([204, 0])
    expect((await actors.introspect(token)).json()).toEqual({ active: false })
    expect(refusalOf(await manage('DELETE', managePath, token))).toEqual([
      401,
      'invalid_client',
      'invalid access token'
    ])
  })

  type Row = [string, (issued: { token: string; managePath: string }) => Promise<JsonAnswer>, number, string]
  const rows: Row[] = [
    [
      'an id nobody knows',
      ({ token }) => manage('POST', '/token/44444444-4444-4444-8444-444444444444', token),
      401,
      'invalid access token'
    ],
    ['an id that is none', ({ token }) => manage('POST', '/token/x', token), 401, 'invalid access token'],
    [
      'another value',
      ({ managePath }) => manage('POST', managePath, 'A'.repeat(20)),
      401,
      'invalid access token'
    ],
    ['no value', ({ managePath }) => manage('DELETE', managePath, undefined), 401, 'invalid access token'],
    [
      'another client',
      ({ token, managePath }) => manage('POST', managePath, token, harness.otherClient),
      400,
      'could not determine client'
    ],
    [
      'no signature',
      ({ token, managePath }) => manage('DELETE', managePath, token, null),
      401,
      'invalid signature headers'
    ]
  ]
  it.each(rows)('are not managed with %s', async (_, request, status, description) => {
    const issued = await actors.issue()
    expect(refusalOf(await request(issued))).toEqual([status, 'invalid_client', description])
    expect((await actors.introspect(issued.token)).json()).toMatchObject({ active: true })
  })
})

describe('introspection', () => {
  let harness: AuthHarness
  let actors: GrantActors
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
    actors = createGrantActors(harness)
  })
  afterAll(() => harness.close())

  it('tells the access that matches what was asked', async () => {
    const grant = await actors.approve({
      access: [OUTGOING, { ...INCOMING, actions: ['read-all', 'list'], identifier: IDENTIFIER }]
    })
    const issued = (await actors.continue(grant, { interact_ref: grant.interactRef })).json<GrantAnswer>()
    const client = createClient({ url: harness.url('introspection', '/'), httpClient: harness.http })
    const ask = async (access?: object[]) => {
      const info = await client.introspect({
        access_token: issued.access_token!.value,
        ...(access && { access: access as never })
      })
      if (!isActiveTokenInfo(info)) throw new Error('the token is not active')
      return info
    }
    expect(await ask()).toMatchObject({ client: { walletAddress: harness.client.walletAddress }, access: [] })
    const granted = async (access: object) => (await ask([access])).access.map(({ type }) => type)
    expect(await granted({ type: 'outgoing-payment', actions: ['create'], identifier: IDENTIFIER })).toEqual([
      'outgoing-payment'
    ])
    expect(
      await granted({ type: 'outgoing-payment', actions: ['create', 'list'], identifier: IDENTIFIER })
    ).toEqual([])
    expect(
      await granted({ type: 'outgoing-payment', actions: ['create'], identifier: `${IDENTIFIER}x` })
    ).toEqual([])
    expect(await granted({ ...OUTGOING, actions: ['read'] })).toEqual(['outgoing-payment'])
    expect(await granted({ ...OUTGOING, limits: {} })).toEqual([])
    expect(await granted({ type: 'incoming-payment', actions: ['read'] })).toEqual(['incoming-payment'])
    expect(await granted({ type: 'incoming-payment', actions: ['list-all'] })).toEqual([])
    expect(await granted({ type: 'quote', actions: ['read'] })).toEqual([])
  })

  it.each([
    ['no body', undefined],
    ['no token', {}],
    ['access that is no list', { access_token: 'A', access: 'all' }],
    ['a NUL character', { access_token: '\0' }],
    ['malformed JSON', '{']
  ])('refuses %s', async (_, body) => {
    const answer = await harness.send('introspection', 'POST', '/', { ...(body !== undefined && { body }) })
    expect(refusalOf(answer).slice(0, 2)).toEqual([400, 'invalid_request'])
  })

  it('knows nothing of tokens that are not there', async () => {
    expect((await actors.introspect('A'.repeat(20))).json()).toEqual({ active: false })
    expect((await actors.introspect("' OR 1=1 --")).json()).toEqual({ active: false })
  })
})
