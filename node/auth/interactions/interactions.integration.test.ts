import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { CONSENT_URL, IDP_SECRET, OPERATOR_ID, startTestAuth } from '../testing.ts'
import type { AuthHarness, JsonAnswer } from '../testing.ts'
import { createGrantActors, INTERACT_WITHOUT_FINISH, OUTGOING, refusalOf } from '../testing-grants.ts'
import type { GrantActors, InteractiveGrant } from '../testing-grants.ts'

const UNKNOWN_ID = '44444444-4444-4444-8444-444444444444'
const BACK = 'https://shop.example/back?order=1%202'

describe('an interaction', () => {
  let harness: AuthHarness
  let actors: GrantActors
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
    actors = createGrantActors(harness)
  })
  afterAll(() => harness.close())

  const silent = () => actors.askInteractively({ interact: INTERACT_WITHOUT_FINISH })
  const start = ({ id, nonce }: Pick<InteractiveGrant, 'id' | 'nonce'>, cookie = '') =>
    harness.send('auth', 'GET', `/interact/${id}/${nonce}`, { headers: { cookie } })
  const finish = ({ id, nonce }: Pick<InteractiveGrant, 'id' | 'nonce'>, cookie = '') =>
    harness.send('auth', 'GET', `/interact/${id}/${nonce}/finish`, { headers: { cookie } })

  it('leads the browser to the identity provider and back with a hash', async () => {
    const grant = await actors.askInteractively()
    const details = await actors.details(grant)
    expect(details.json()).toEqual({
      grantId: expect.any(String) as string,
      access: [OUTGOING],
      state: 'PENDING'
    })

    const { started, finished } = await actors.browse(grant, () => actors.decide(grant, 'accept'))
    expect(started.status).toBe(302)
    const consent = new URL(started.headers.location as string)
    expect(consent.href.startsWith(`${CONSENT_URL}&`)).toBe(true)
    expect(Object.fromEntries(consent.searchParams)).toEqual({
      theme: 'dark',
      interactId: grant.id,
      nonce: grant.nonce,
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
      .update(
        `client nonce\n${grant.nonce}\n${interactRef}\n${harness.config.AUTH_SERVER_URL}/${OPERATOR_ID}`
      )
      .digest('base64')
    expect(back.searchParams.get('hash')).toBe(hash)
    expect(back.search).toContain(`hash=${encodeURIComponent(hash)}`)
  })

  it('takes the name to show from the client, not from the address', async () => {
    const { id, nonce } = await actors.askInteractively()
    const path = `/interact/${id}/${nonce}?clientName=Your%20Bank&clientUri=https://bank.example`
    const started = await harness.send('auth', 'GET', path)
    const shown = new URL(started.headers.location as string).searchParams
    expect(shown.getAll('clientName')).toEqual(['Shop & Söhne'])
    expect(shown.getAll('clientUri')).toEqual([harness.client.walletAddress])
  })

  it('ends rejected when the account holder declines', async () => {
    const grant = await actors.askInteractively()
    const { finished } = await actors.browse(grant, () => actors.decide(grant, 'reject'))
    expect(finished.headers.location).toBe(`${BACK}&result=grant_rejected`)
    expect(refusalOf(await actors.decide(grant, 'accept'))).toEqual([
      401,
      'user_denied',
      'user denied interaction'
    ])
    const [row] = await harness.sql('SELECT ref FROM interactions WHERE id = ?', [grant.id])
    const continued = await actors.continue(grant, { interact_ref: row!.ref })
    expect(refusalOf(continued)).toEqual([404, 'invalid_continuation', 'grant not found'])
  })

  it('answers by status where the client has no address', async () => {
    for (const choice of ['accept', 'reject']) {
      const grant = await silent()
      const { finished } = await actors.browse(grant, () => actors.decide(grant, choice))
      expect(finished.status).toBe(202)
    }
    const { finished } = await actors.browse(await silent())
    expect(refusalOf(finished)).toEqual([401, 'invalid_interaction', 'interaction is not active'])
  })

  it('tells the client when the browser comes back undecided', async () => {
    const { finished } = await actors.browse(await actors.askInteractively())
    expect(finished.headers.location).toBe(`${BACK}&result=grant_invalid`)
  })

  it('answers a browser that finishes twice the same way', async () => {
    const grant = await actors.askInteractively()
    const { finished, cookie } = await actors.browse(grant, () => actors.decide(grant, 'accept'))
    expect((await finish(grant, cookie)).headers.location).toBe(finished.headers.location)
  })

  it('keeps several interactions of one browser apart', async () => {
    const [one, two] = [await actors.askInteractively(), await actors.askInteractively()]
    const { cookie } = await actors.browse(one)
    expect(refusalOf(await finish(two, cookie))).toEqual([401, 'invalid_request', 'invalid session'])
    await start(two, cookie)
    for (const grant of [one, two]) {
      await actors.decide(grant, 'accept')
      expect((await finish(grant, cookie)).headers.location).toContain('interact_ref=')
    }
  })

  type Row = [string, (grant: InteractiveGrant) => Promise<JsonAnswer>, number, string, string]
  it.each<Row>([
    [
      'a start nobody knows',
      ({ nonce }) => start({ id: UNKNOWN_ID, nonce }),
      400,
      'unknown_interaction',
      'unknown interaction'
    ],
    [
      'a start with another nonce',
      ({ id }) => start({ id, nonce: 'X' }),
      400,
      'unknown_interaction',
      'unknown interaction'
    ],
    [
      'an id that is none',
      ({ nonce }) => start({ id: 'x', nonce }),
      400,
      'unknown_interaction',
      'unknown interaction'
    ],
    [
      'a finish nobody knows',
      ({ id }) => finish({ id, nonce: 'X' }),
      404,
      'unknown_interaction',
      'unknown interaction'
    ],
    ['a finish without session', (grant) => finish(grant), 401, 'invalid_request', 'invalid session'],
    [
      'a forged session',
      (grant) => finish(grant, 'sessionId=x; sessionId.sig=y'),
      401,
      'invalid_request',
      'invalid session'
    ],
    [
      'details with a wrong secret',
      (grant) => actors.details(grant, IDP_SECRET.replace('i', 'j')),
      401,
      'invalid_request',
      'invalid x-idp-secret'
    ],
    [
      'details with a secret of another length',
      (grant) => actors.details(grant, 'x'),
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
      'details nobody knows',
      (grant) => actors.details({ ...grant, id: 'x' }),
      404,
      'unknown_interaction',
      'unknown interaction'
    ],
    [
      'a decision with an empty secret',
      (grant) => actors.decide(grant, 'accept', ''),
      401,
      'invalid_interaction',
      'invalid x-idp-secret'
    ],
    [
      'another choice',
      (grant) => actors.decide(grant, 'maybe'),
      400,
      'invalid_request',
      'the choice must be accept or reject'
    ],
    [
      'a second decision',
      async (grant) => {
        await actors.decide(grant, 'accept')
        return actors.decide(grant, 'reject')
      },
      400,
      'invalid_interaction',
      'invalid interaction'
    ]
  ])('refuses %s', async (_, request, status, code, description) => {
    expect(refusalOf(await request(await actors.askInteractively()))).toEqual([status, code, description])
  })

  it('takes one of two decisions that race', async () => {
    const grant = await actors.askInteractively()
    const answers = await Promise.all([actors.decide(grant, 'accept'), actors.decide(grant, 'reject')])
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 400])
  })

  it('tells the client of interactions that are over', async () => {
    const decided = await actors.askInteractively()
    await actors.decide(decided, 'accept')
    const message = '&result=invalid_interaction&message=invalid%20interaction'
    expect((await start(decided)).headers.location).toBe(BACK + message)

    const decidedSilently = await silent()
    await actors.decide(decidedSilently, 'accept')
    expect(refusalOf(await start(decidedSilently))).toEqual([
      403,
      'invalid_interaction',
      'invalid interaction'
    ])
  })

  it('ends with its grant', async () => {
    const cancel = (grant: InteractiveGrant) =>
      harness.signed({ method: 'DELETE', path: grant.continuePath, token: grant.token })
    const grant = await actors.askInteractively()
    const { finished } = await actors.browse(grant, async () => {
      await actors.decide(grant, 'accept')
      expect((await cancel(grant)).status).toBe(204)
    })
    expect(finished.headers.location).toBe(`${BACK}&result=unknown_interaction&message=unknown%20interaction`)
    expect((await actors.details(grant)).status).toBe(404)
    const other = await silent()
    const quiet = await actors.browse(other, () => cancel(other))
    expect(refusalOf(quiet.finished)).toEqual([404, 'unknown_interaction', 'unknown interaction'])
    expect(refusalOf(await actors.decide(other, 'accept'))[1]).toBe('user_denied')
  })

  it.each(['REJECTED', 'REVOKED'])(
    'that was accepted tells no reference where its grant ended %s while the browser came back',
    async (finalizationReason) => {
      const grant = await actors.askInteractively()
      const { finished } = await actors.browse(grant, async () => {
        await actors.decide(grant, 'accept')
        await harness.sql(
          `UPDATE grants SET state = 'FINALIZED', "finalizationReason" = ?
           WHERE id = (SELECT "grantId" FROM interactions WHERE id = ?) RETURNING id`,
          [finalizationReason, grant.id]
        )
      })
      const message = '&result=unknown_interaction&message=unknown%20interaction'
      expect(finished.headers.location).toBe(BACK + message)
    }
  )

  it('expires', async () => {
    const [grant, other] = [await actors.askInteractively(), await silent()]
    harness.shift(600_001)
    try {
      expect((await actors.decide(grant, 'accept')).status).toBe(400)
      const message = '&result=invalid_interaction&message=interaction%20expired'
      expect((await finish(grant)).headers.location).toBe(BACK + message)
      expect((await start(grant)).headers.location).toBe(BACK + message)
      expect(refusalOf(await finish(other))).toEqual([401, 'invalid_interaction', 'interaction expired'])
    } finally {
      harness.shift(-600_001)
    }
  })
})

describe('the session cookie', () => {
  it('is for https alone where the public URL is https, with the configured SameSite', async () => {
    const harness = await startTestAuth(inject('postgresUrl'), {
      OPEN_PAYMENTS_SCHEME: 'https',
      AUTH_SERVER_URL: 'https://auth.example/',
      INTERACTION_COOKIE_SAME_SITE: 'none'
    })
    try {
      // Clients of this server would be asked over https, which nobody serves here: the rows are written by hand.
      const [grantId, id] = [UNKNOWN_ID, '66666666-6666-4666-8666-666666666666']
      await harness.sql(
        `INSERT INTO grants (id, "tenantId", state, client, "continueId", "continueToken", "lastContinuedAt", "createdAt", "updatedAt")
         VALUES (?, ?, 'PENDING', 'https://c.example/', ?, 'T', '2026-01-01', '2026-01-01', '2026-01-01')`,
        [grantId, OPERATOR_ID, grantId]
      )
      await harness.sql(
        `INSERT INTO interactions (id, "grantId", nonce, ref, state, "clientName", "expiresAt", "createdAt", "updatedAt")
         VALUES (?, ?, 'N', ?, 'PENDING', 'C', '2999-01-01', '2026-01-01', '2026-01-01')`,
        [id, grantId, id]
      )
      const started = await harness.send('auth', 'GET', `/interact/${id}/N`)
      const cookies = [started.headers['set-cookie'] ?? []].flat()
      expect(cookies).toHaveLength(2)
      for (const cookie of cookies) expect(cookie).toMatch(/; samesite=none; secure; httponly$/i)
    } finally {
      await harness.close()
    }
  })
})
