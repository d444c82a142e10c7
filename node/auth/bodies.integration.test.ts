import { generateKeyPairSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { toJwk } from '../http-signatures/index.ts'
import { MAX_BODY_BYTES } from './api.ts'
import { MAX_URI_LENGTH } from './grants/access.ts'
import { OPERATOR_ID, startTestAuth } from './testing.ts'
import type { AuthHarness, JsonAnswer } from './testing.ts'
import {
  createGrantActors,
  INCOMING,
  INTERACT,
  INTERACT_WITHOUT_FINISH,
  OUTGOING,
  QUOTE,
  refusalOf,
  SUBJECT
} from './testing-grants.ts'
import type { GrantActors, GrantAnswer } from './testing-grants.ts'

// What strangers may send that no honest client does: bodies, and addresses in them.

const UNKNOWN_ID = '44444444-4444-4444-8444-444444444444'

let harness: AuthHarness
let actors: GrantActors
beforeAll(async () => {
  harness = await startTestAuth(inject('postgresUrl'))
  actors = createGrantActors(harness)
})
afterAll(() => harness.close())

describe('a body', () => {
  const withLimits = (limits: object) => actors.ask([{ ...OUTGOING, limits }], { interact: INTERACT })
  const amount = (change: object = {}) => ({ value: '1', assetCode: 'USD', assetScale: 2, ...change })
  const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`
  const longUrl = `https://wallet.example/${randomBytes(MAX_URI_LENGTH).toString('hex')}`
  /** A grant request that would be granted, and a member of any JSON more. */
  const withMember = (json: string) =>
    `{"client":"${harness.client.walletAddress}","access_token":{"access":[${JSON.stringify(INCOMING)}]},"more":${json}}`
  const send = (body: string) => harness.signed({ method: 'POST', path: `/${OPERATOR_ID}`, body })
  const notJson = 'the body is not valid JSON'

  it.each<[string, () => Promise<JsonAnswer>, number, string]>([
    [
      'that is too long',
      () => send(withMember(`"${'x'.repeat(MAX_BODY_BYTES)}"`)),
      413,
      'the body is longer than 65536 bytes'
    ],
    ['nested deeply', () => send(withMember(nested(20_000))), 400, notJson],
    ['with half a surrogate pair', () => send(withMember('"\\ud83d"')), 400, notJson],
    ['with a NUL character', () => send(withMember('"\\u0000"')), 400, notJson],
    [
      'with a debit amount that is null',
      () => withLimits({ debitAmount: null }),
      400,
      'access amount value must be an unsigned 64-bit integer'
    ],
    [
      'with a receive amount that is null',
      () => withLimits({ receiveAmount: null }),
      400,
      'access amount value must be an unsigned 64-bit integer'
    ],
    [
      'with two amounts, one of them null',
      () => withLimits({ debitAmount: amount(), receiveAmount: null }),
      400,
      'only one access amount allowed'
    ],
    [
      'with an amount that is a number',
      () => withLimits({ debitAmount: amount({ value: 5 }) }),
      400,
      'access amount value must be an unsigned 64-bit integer'
    ],
    [
      'with an amount below zero',
      () => withLimits({ debitAmount: amount({ value: '-1' }) }),
      400,
      'access amount value must be an unsigned 64-bit integer'
    ],
    [
      'with an amount of 2^64',
      () => withLimits({ receiveAmount: amount({ value: String(2n ** 64n) }) }),
      400,
      'access amount value must be an unsigned 64-bit integer'
    ],
    [
      'with an amount that is no whole number',
      () => withLimits({ debitAmount: amount({ value: '1e3' }) }),
      400,
      'access amount value must be an unsigned 64-bit integer'
    ],
    [
      'with an amount of no asset',
      () => withLimits({ debitAmount: amount({ assetCode: undefined }) }),
      400,
      'access amount asset code must have 1 to 255 characters'
    ],
    [
      'with an amount of no scale',
      () => withLimits({ debitAmount: amount({ assetScale: '2' }) }),
      400,
      'access amount asset scale must be an integer from 0 to 255'
    ],
    [
      'with a scale above 255',
      () => withLimits({ debitAmount: amount({ assetScale: 256 }) }),
      400,
      'access amount asset scale must be an integer from 0 to 255'
    ],
    [
      'with an identifier that is too long',
      () => actors.ask([{ ...INCOMING, identifier: longUrl }]),
      400,
      'access identifier must have at most 2048 characters'
    ],
    [
      'with a receiver that is too long',
      () => withLimits({ receiver: `${longUrl}/incoming-payments/1` }),
      400,
      'access receiver must have at most 2048 characters'
    ],
    [
      'with a subject that is too long',
      () =>
        actors.ask(undefined, { interact: INTERACT, subject: { sub_ids: [{ id: longUrl, format: 'uri' }] } }),
      400,
      'subject id must be a valid https url'
    ]
  ])('%s is refused', async (_, request, status, description) => {
    expect(refusalOf(await request())).toEqual([status, 'invalid_request', description])
  })

  it.each<[string, number, string | undefined]>([
    ['gzip', 415, 'the body must be sent without a content encoding'],
    ['identity, br', 415, 'the body must be sent without a content encoding'],
    ['identity', 200, undefined]
  ])('by its content encoding %s is answered %d', async (encoding, status, description) => {
    const answer = await actors.ask([INCOMING], {}, { headers: { 'content-encoding': encoding } })
    expect(answer.status).toBe(status)
    if (description !== undefined) expect(refusalOf(answer)).toEqual([415, 'invalid_request', description])
  })

  it.each<['GET' | 'DELETE' | 'PATCH', string, number, string]>([
    ['GET', '/no/such/path', 404, 'nothing is at this path'],
    ['DELETE', '/discovery', 405, 'DELETE is not what this path takes'],
    ['PATCH', `/continue/${UNKNOWN_ID}`, 405, 'PATCH is not what this path takes']
  ])('of an answer to %s %s is JSON', async (method, path, status, description) => {
    const answer = await harness.send('auth', method, path)
    expect(refusalOf(answer)).toEqual([status, 'invalid_request', description])
    expect(answer.headers.allow === undefined).toBe(status === 404)
  })

  const sub = SUBJECT.sub_ids[0]
  it.each<[string, () => Promise<JsonAnswer>]>([
    [
      'four access items',
      () => actors.ask([INCOMING, QUOTE, { ...INCOMING, actions: ['read'] }, { ...QUOTE, actions: ['read'] }])
    ],
    ['one access item twice', () => actors.ask([INCOMING, INCOMING])],
    ['one action twice', () => actors.ask([{ ...INCOMING, actions: ['read', 'read'] }])],
    ['an action of another type', () => actors.ask([{ ...QUOTE, actions: ['list'] }])],
    [
      'completing an outgoing payment',
      () => actors.ask([{ ...OUTGOING, actions: ['complete'] }], { interact: INTERACT })
    ],
    ['a type that does not exist', () => actors.ask([{ type: 'account', actions: ['read'] }])],
    [
      'an outgoing payment of nobody',
      () => actors.ask([{ type: 'outgoing-payment', actions: ['create'] }], { interact: INTERACT })
    ],
    ['an identifier that is no URL', () => actors.ask([{ ...INCOMING, identifier: 'alice' }])],
    [
      'a receiver that is no incoming payment',
      () => withLimits({ receiver: 'https://wallet.example/alice' })
    ],
    ['limits that are a list', () => actors.ask([{ ...OUTGOING, limits: [] }], { interact: INTERACT })],
    ['two subjects', () => actors.ask(undefined, { interact: INTERACT, subject: { sub_ids: [sub, sub] } })],
    ['no subject', () => actors.ask(undefined, { interact: INTERACT, subject: { sub_ids: [] } })],
    [
      'a subject of another format',
      () => actors.ask(undefined, { interact: INTERACT, subject: { sub_ids: [{ ...sub, format: 'email' }] } })
    ],
    ['a client that is a list', () => actors.ask([INCOMING], { client: [] })],
    [
      'a client that is both',
      () => actors.ask([INCOMING], { client: { walletAddress: harness.client.walletAddress, jwk: {} } })
    ],
    [
      'a client of another algorithm',
      () =>
        actors.ask([INCOMING], { client: { jwk: { kid: 'k', alg: 'RS256', kty: 'RSA', n: 'A', e: 'AQAB' } } })
    ],
    [
      'a finish without nonce',
      () =>
        actors.ask([OUTGOING], {
          interact: { ...INTERACT, finish: { ...INTERACT.finish, nonce: undefined } }
        })
    ],
    [
      'a finish by push',
      () =>
        actors.ask([OUTGOING], { interact: { ...INTERACT, finish: { ...INTERACT.finish, method: 'push' } } })
    ],
    ['a start by app', () => actors.ask([OUTGOING], { interact: { ...INTERACT, start: ['app'] } })],
    ['nothing asked for', () => actors.ask(undefined)],
    ['a list instead', () => send('[]')],
    ['null instead', () => send('null')]
  ])('of a request that does not fit the document: %s', async (_, request) => {
    const [status, code, description] = refusalOf(await request())
    expect([status, code]).toEqual([400, undefined])
    expect(description).toMatch(/^Received error validating OpenAPI request: ./)
  })

  it.each(['null', '0', 'false', '""', '7', '"x"', '[]', '{"interact_ref":7}', '{"interact_ref":null}'])(
    'of a continuation that is %s does not fit the document',
    async (body) => {
      const { continuePath, token } = await actors.askInteractively()
      const answer = await harness.signed({ method: 'POST', path: continuePath, token, body })
      expect(refusalOf(answer).slice(0, 2)).toEqual([400, undefined])
    }
  )

  it('may have members that nobody knows: they are dropped', async () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const by = { walletAddress: '', keyId: 'own-key', privateKey }
    const jwk = toJwk(privateKey, 'own-key')
    const client = { jwk: { ...jwk, use: 'sig', d: 'not to be told', more: [{}] } }
    const answer = await actors.ask(
      [{ ...INCOMING, locations: ['x'], more: 1 }],
      { client, more: {} },
      { by }
    )
    expect(answer.json<GrantAnswer>().access_token!.access).toEqual([INCOMING])
    const told = await actors.introspect(answer.json<GrantAnswer>().access_token!.value, [INCOMING])
    expect(told.json()).toMatchObject({ access: [INCOMING], client: { jwk: { ...jwk, use: 'sig' } } })
    expect(Object.keys(told.json<{ client: { jwk: object } }>().client.jwk)).not.toContain('d')
  })

  it('may ask for a limit of zero: a grant of nothing', async () => {
    const limits = { debitAmount: amount({ value: '0' }) }
    const grant = await actors.approve({ access: [{ ...OUTGOING, limits }] })
    const issued = (await actors.continue(grant, { interact_ref: grant.interactRef })).json<GrantAnswer>()
    expect(issued.access_token!.access).toEqual([{ ...OUTGOING, limits }])
  })

  it('never breaks the server, however it is changed', async () => {
    const valid = {
      grant: {
        client: harness.client.walletAddress,
        access_token: { access: [OUTGOING, INCOMING] },
        subject: SUBJECT,
        interact: INTERACT
      },
      continuation: { interact_ref: UNKNOWN_ID },
      introspection: { access_token: 'A', access: [OUTGOING] },
      tenant: { id: UNKNOWN_ID, apiSecret: 's', idpConsentUrl: 'https://idp.other/', idpSecret: 's' },
      deletion: { deletedAt: '2026-01-01T00:00:00Z' }
    }
    const { continuePath, token } = await actors.askInteractively({ interact: INTERACT_WITHOUT_FINISH })
    const doors: Record<keyof typeof valid, (body: string) => Promise<JsonAnswer>> = {
      grant: (body) => send(body),
      continuation: (body) => harness.signed({ method: 'POST', path: continuePath, token, body }),
      introspection: (body) => harness.send('introspection', 'POST', '/', { body }),
      tenant: (body) => harness.send('serviceApi', 'POST', '/tenant', { body }),
      deletion: (body) => harness.send('serviceApi', 'DELETE', `/tenant/${UNKNOWN_ID}`, { body })
    }
    const junk = fc.oneof(
      fc.constantFrom<unknown>(
        null,
        '',
        '0',
        -1,
        2 ** 53,
        1.5,
        true,
        [],
        {},
        [[]],
        '__proto__',
        'https://127.0.0.1:1/x',
        '-271821-04-20T00:00:00Z'
      ),
      fc.constantFrom('x'.repeat(3_000), randomBytes(3_000).toString('hex'), '\ud800', '\0', '\u{1f600}'),
      fc.jsonValue({ maxDepth: 2 })
    )
    const door = fc.constantFrom(...(Object.keys(valid) as (keyof typeof valid)[]))
    await fc.assert(
      fc.asyncProperty(
        door,
        fc.array(fc.tuple(fc.nat(), junk), { minLength: 1, maxLength: 3 }),
        async (name, changes) => {
          let body: unknown = valid[name]
          for (const [at, value] of changes) body = changed(body, at, value)
          const answer = await doors[name](JSON.stringify(body))
          expect(answer.status, answer.body.toString()).toBeLessThan(500)
        }
      ),
      { numRuns: testCount('changedBodies') }
    )
  })
})

describe('an address', () => {
  it.each([
    'https://127.0.0.1:1/x',
    'https://localhost/x',
    'https://[::1]/x',
    'https://10.0.0.1/x',
    'https://169.254.169.254/latest',
    'http://u:p@127.0.0.1/x',
    'ftp://127.0.0.1/x',
    'file:///etc/passwd'
  ])('of a client on a private network is never asked: %s', async (client) => {
    const strict = await strictAuth()
    const answer = await createGrantActors(strict).ask([INCOMING], { client })
    expect(refusalOf(answer)).toEqual([400, 'invalid_client', 'could not determine client'])
  })

  let strict: Promise<AuthHarness> | undefined
  const strictAuth = () =>
    (strict ??= startTestAuth(inject('postgresUrl'), { ALLOW_PRIVATE_ADDRESSES: 'false' }))
  afterAll(async () => (await strict)?.close())

  it('even where somebody listens there', async () => {
    const strict = await strictAuth()
    expect(refusalOf(await createGrantActors(strict).ask([INCOMING]))[2]).toBe('could not determine client')
  })
})

/** A JSON value with one of its members, whichever `at` names, replaced (or the whole value). */
function changed(value: unknown, at: number, by: unknown): unknown {
  const paths: (string | number)[][] = [[]]
  const walk = (node: unknown, path: (string | number)[]) => {
    if (typeof node !== 'object' || node === null) return
    for (const [key, member] of Object.entries(node)) {
      paths.push([...path, key])
      walk(member, [...path, key])
    }
  }
  walk(value, [])
  const path = paths[at % paths.length]!
  if (path.length === 0) return by
  const copy = structuredClone(value) as Record<string | number, unknown>
  let parent = copy
  for (const key of path.slice(0, -1)) parent = parent[key] as Record<string | number, unknown>
  parent[path.at(-1)!] = by
  return copy
}
