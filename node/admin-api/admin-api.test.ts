import canonicalize from 'canonicalize'
import fc from 'fast-check'
import { parseValue } from 'graphql'
import { createSchema } from 'graphql-yoga'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createHealth } from '../http-api/index.ts'
import {
  CacheUnavailableError,
  createHttpClient,
  createManualClock,
  createMemoryCache,
  createSystemRuntime
} from '../runtime/index.ts'
import type { HttpServer } from '../runtime/index.ts'
import {
  adminError,
  createAdminAuthenticator,
  createAdminServer,
  JSONObject,
  signAdminRequest,
  UInt64,
  UInt8
} from './index.ts'
import { DEFAULT_QUERY_LIMITS } from './query-limits.ts'
import { risingTimestamps } from './rising-timestamps.test-support.ts'
import { isAdminDigest, parseAdminSignature } from './signature.ts'

const OPERATOR = { id: '11111111-1111-4111-8111-111111111111', apiSecret: 'operator secret' }
const TENANT = { id: '22222222-2222-4222-8222-222222222222', apiSecret: 'operator secret' }
const DELETED = { id: '33333333-3333-4333-8333-333333333333', apiSecret: 's', deletedAt: new Date(0) }
const tenants = new Map([OPERATOR, TENANT, DELETED].map((tenant) => [tenant.id, tenant]))
const clock = createManualClock()
const body = { query: '{ ok }', variables: { b: 1, a: 'ä' } }

function createAuthenticator() {
  return createAdminAuthenticator({
    findTenant: (id) => tenants.get(id),
    cache: createMemoryCache({ clock }),
    clock,
    version: 1,
    ttlSeconds: 30,
    operatorTenantId: OPERATOR.id
  })
}

const sign = (overrides: { secret?: string; version?: number; timestampMs?: number; body?: unknown } = {}) =>
  signAdminRequest({ body, secret: OPERATOR.apiSecret, version: 1, timestampMs: clock.nowMs(), ...overrides })

describe('the signature of Admin API requests', () => {
  it('is the HMAC of timestamp and canonical body', () => {
    expect(signAdminRequest({ body: { b: 1, a: 2 }, secret: 'secret', version: 1, timestampMs: 1 })).toBe(
      signAdminRequest({ body: { a: 2, b: 1 }, secret: 'secret', version: 1, timestampMs: 1 })
    )
    expect(sign()).toMatch(/^t=\d{13}, v1=[0-9a-f]{64}$/)
  })

  it('holds for the signed body alone', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), fc.nat(), (signed, other, timestampMs) => {
        const header = signAdminRequest({ body: signed, secret: 's', version: 1, timestampMs })
        const signature = parseAdminSignature(header)!
        expect(isAdminDigest(signature, 's', signed)).toBe(true)
        expect(isAdminDigest(signature, 'other', signed)).toBe(false)
        expect(isAdminDigest({ ...signature, timestampMs: timestampMs + 1 }, 's', signed)).toBe(false)
        // Bodies that differ in the order of their keys alone are the same body.
        expect(isAdminDigest(signature, 's', other)).toBe(canonicalize(signed) === canonicalize(other))
      })
    )
  })

  it('is refused, not thrown over, for bodies without canonical form', () => {
    const signature = parseAdminSignature(sign())!
    expect(isAdminDigest(signature, 's', { query: '\ud800' })).toBe(false)
    expect(isAdminDigest(signature, 's', { query: Infinity })).toBe(false)
  })
})

describe('createAdminAuthenticator', () => {
  const headers = (signature: string, tenantId = OPERATOR.id) => ({ 'tenant-id': tenantId, signature })

  it('knows the operator by its id, not by its secret', async () => {
    const authenticator = createAuthenticator()
    expect(await authenticator.authenticate(headers(sign()), body)).toMatchObject({
      ok: true,
      isOperator: true
    })
    expect(await authenticator.authenticate(headers(sign(), TENANT.id), body)).toMatchObject({
      ok: true,
      isOperator: false
    })
  })

  it.each<[string, () => Record<string, string>, string]>([
    ['no signature', () => ({ 'tenant-id': OPERATOR.id }), 'missing_header'],
    ['no tenant id', () => ({ signature: sign() }), 'missing_header'],
    ['a header without second part', () => headers('t=1'), 'malformed_header'],
    ['a header that is empty', () => headers(''), 'malformed_header'],
    ['a digest in upper case', () => headers(sign().toUpperCase()), 'malformed_header'],
    ['a tenant id that is no UUID', () => headers(sign(), "1' OR '1'='1"), 'malformed_header'],
    [
      'a tenant nobody knows',
      () => headers(sign(), '44444444-4444-4444-8444-444444444444'),
      'unknown_tenant'
    ],
    ['a deleted tenant', () => headers(sign({ secret: 's' }), DELETED.id), 'unknown_tenant'],
    ['another version', () => headers(sign({ version: 2 })), 'wrong_version'],
    ['an old timestamp', () => headers(sign({ timestampMs: clock.nowMs() - 30_001 })), 'expired'],
    ['a future timestamp', () => headers(sign({ timestampMs: clock.nowMs() + 10_001 })), 'created_in_future'],
    [
      'a timestamp in seconds',
      () => headers(sign({ timestampMs: Math.floor(clock.nowMs() / 1000) })),
      'expired'
    ],
    ['another secret', () => headers(sign({ secret: 'guess' })), 'wrong_digest'],
    ['another body', () => headers(sign({ body: { query: '{ other }' } })), 'wrong_digest']
  ])('refuses %s', async (_, build, code) => {
    expect(await createAuthenticator().authenticate(build(), body)).toEqual({ ok: false, code })
  })

  it('accepts a signature once, whatever is appended to it', async () => {
    const authenticator = createAuthenticator()
    const signature = sign()
    expect(await authenticator.authenticate(headers(signature), body)).toMatchObject({ ok: true })
    expect(await authenticator.authenticate(headers(signature), body)).toEqual({
      ok: false,
      code: 'replayed'
    })
    // The digest does not cover trailing parts: anybody who saw the request could append them.
    const n = '55555555-5555-4555-8555-555555555555'
    for (const appended of [`${signature}, x=1`, `${signature}, n=${n}`, `${signature},n=${n}`]) {
      expect(await authenticator.authenticate(headers(appended), body)).toEqual({
        ok: false,
        code: 'replayed'
      })
    }
    // A signature that came with a part is spent without it too.
    const later = sign({ timestampMs: clock.nowMs() + 1 })
    expect(await authenticator.authenticate(headers(`${later}, n=${n}`), body)).toMatchObject({ ok: true })
    expect(await authenticator.authenticate(headers(later), body)).toEqual({ ok: false, code: 'replayed' })
  })

  it('does not spend a signature that was not right', async () => {
    const authenticator = createAuthenticator()
    const signature = sign()
    expect(await authenticator.authenticate(headers(signature), { query: '{ other }' })).toMatchObject({
      ok: false
    })
    expect(await authenticator.authenticate(headers(signature), body)).toMatchObject({ ok: true })
  })

  it('remembers a signature as long as it could be repeated', async () => {
    const authenticator = createAuthenticator()
    const signature = sign({ timestampMs: clock.nowMs() + 10_000 })
    expect(await authenticator.authenticate(headers(signature), body)).toMatchObject({ ok: true })
    await clock.advance(39_999)
    expect(await authenticator.authenticate(headers(signature), body)).toEqual({
      ok: false,
      code: 'replayed'
    })
    await clock.advance(2)
    expect(await authenticator.authenticate(headers(signature), body)).toEqual({ ok: false, code: 'expired' })
  })
})

describe('scalars', () => {
  it('read and write every UInt64 exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        expect(UInt64.serialize(value)).toBe(value.toString())
        expect(UInt64.parseValue(value.toString())).toBe(value)
      })
    )
  })

  it('tell a balance of more than 64 bits as it is', () => {
    expect(UInt64.serialize(2n ** 65n)).toBe('36893488147419103232')
    expect(() => UInt64.serialize(-1n)).toThrow()
  })

  it.each([-1, '-1', '18446744073709551616', '1.5', 1.5, 2 ** 53, '', 'x', null, {}])(
    'refuse %j as UInt64',
    (value) => {
      expect(() => UInt64.parseValue(value)).toThrow()
    }
  )

  it('take UInt8 as number or text', () => {
    expect(UInt8.parseValue(255)).toBe(255)
    expect(UInt8.parseValue('9')).toBe(9)
    for (const value of [-1, 256, 1.5, '256', 'x', '']) {
      expect(() => UInt8.parseValue(value)).toThrow('Provided value is not a UInt8.')
    }
  })

  it('tell the number of a ledger above 255 as it is', () => {
    expect(UInt8.serialize(32_767)).toBe(32_767)
    for (const value of [-1, 1.5, 'x']) expect(() => UInt8.serialize(value)).toThrow()
  })

  it('take objects as JSONObject', () => {
    expect(JSONObject.parseValue({ a: [1] })).toEqual({ a: [1] })
    expect(() => JSONObject.parseValue([1])).toThrow()
  })

  it.each(['1e999', '-1e999', '9007199254740993'])(
    'refuse %s within a JSONObject: another number would be stored, or null',
    (number) => {
      expect(() => JSONObject.parseLiteral(parseValue(`{ a: [{ b: ${number} }] }`), {})).toThrow(
        'as a string'
      )
    }
  )

  it.each(['1e308', '-1.5', '9007199254740992', '0', '1e-999'])('take %s within a JSONObject', (number) => {
    expect(JSONObject.parseLiteral(parseValue(`{ a: ${number} }`), {})).toEqual({ a: Number(number) })
  })
})

describe('createAdminServer', () => {
  const lines: string[] = []
  const runtime = createSystemRuntime({
    name: 'test',
    logLevel: 'info',
    writeLog: (line) => lines.push(line)
  })
  const http = createHttpClient(runtime)
  const nextMs = risingTimestamps(runtime.clock.nowMs)
  let server: HttpServer
  let healthy = true
  let held = Promise.withResolvers<boolean>()
  let findTenant = (id: string): (typeof OPERATOR & { deletedAt?: Date }) | undefined => tenants.get(id)
  let documentsRead = 0
  const queryLimits = {
    ...DEFAULT_QUERY_LIMITS,
    get maxTokens() {
      documentsRead += 1
      return DEFAULT_QUERY_LIMITS.maxTokens
    }
  }

  beforeAll(async () => {
    const schema = createSchema<object>({
      typeDefs: /* GraphQL */ `
        scalar UInt8
        scalar UInt64
        scalar JSONObject
        type Query {
          ok: Boolean!
          node: Node!
          caller: String!
          refused: Boolean
          broken: Boolean
          busy: Boolean
          held: Boolean
          text(length: Int!): String
          texts(first: Int): [Metadata!]!
          rows(first: Int): Node
          echo(amount: UInt64, scale: UInt8, extra: JSONObject): UInt64
        }
        type Metadata {
          metadata: JSONObject!
        }
        type Node {
          id: ID!
          node: Node!
        }
      `,
      resolvers: {
        UInt8,
        UInt64,
        JSONObject,
        Query: {
          ok: () => true,
          node: () => ({ id: '1' }),
          caller: (_: unknown, __: unknown, context: { caller: string }) => context.caller,
          refused: () => {
            throw adminError('CONFLICT', 'wrong state', { details: 1 })
          },
          broken: () => {
            throw new Error('SELECT secret FROM tenants failed')
          },
          busy: () => {
            const noConnection = new Error('Timeout acquiring a connection. The pool is probably full.')
            noConnection.name = 'KnexTimeoutError'
            throw new Error('the list could not be read', { cause: noConnection })
          },
          held: () => held.promise,
          text: async (_: unknown, { length }: { length: number }) => 'x'.repeat(length),
          texts: () => Array.from({ length: 100 }, () => ({ metadata: { text: ['x'.repeat(500)] } })),
          rows: async () => void (await held.promise),
          echo: (_: unknown, { amount }: { amount: bigint }) => amount
        },
        Node: { node: () => ({ id: '2' }) }
      } as never
    })
    server = await createAdminServer({
      ...runtime,
      address: { host: '127.0.0.1', port: 0 },
      schema,
      authenticator: createAdminAuthenticator({
        findTenant: (id) => findTenant(id),
        cache: createMemoryCache(runtime),
        clock: runtime.clock,
        version: 1,
        ttlSeconds: 30,
        operatorTenantId: OPERATOR.id
      }),
      createContext: ({ tenant, isOperator }) => ({ caller: `${tenant.id} ${isOperator}` }),
      health: createHealth({
        ...runtime,
        state: () => 'ready',
        checks: {
          database: async () => {
            if (!healthy) throw new Error('the database is gone')
          }
        }
      }),
      production: true,
      queryLimits,
      inFlightLimits: { maxRequests: 3, maxRows: 300 },
      maxAnswerLength: 40_000,
      maxBodyBytes: 100_000
    })
  })

  afterAll(async () => {
    await server.stop(0)
    await http.close()
  })

  const url = (path: string) => `http://127.0.0.1:${server.address.port}${path}`

  async function post(request: object | string, headers: Record<string, string> = {}) {
    const sent = typeof request === 'string' ? request : JSON.stringify(request)
    const response = await http.request({
      method: 'POST',
      url: url('/graphql'),
      headers: {
        'content-type': 'application/json',
        'tenant-id': OPERATOR.id,
        ...(typeof request === 'object' && {
          signature: signAdminRequest({
            body: request,
            secret: OPERATOR.apiSecret,
            version: 1,
            timestampMs: nextMs()
          })
        }),
        ...headers
      },
      body: sent
    })
    const text = response.body.toString()
    return {
      ...response,
      text,
      json: () =>
        JSON.parse(text) as {
          data?: never
          errors: { message: string; extensions: Record<string, string> }[]
        }
    }
  }

  it('refuses requests of a tenant beside too many others of it, with a code, and none of others', async () => {
    held = Promise.withResolvers()
    const answers = Array.from({ length: 4 }, () => post({ query: '{ held }' }))
    // Whichever comes last finds three that run.
    const refused = await Promise.race(answers)
    expect([refused.status, refused.json().errors[0]!.extensions.code]).toEqual([429, 'TOO_MANY_REQUESTS'])
    const other = await post({ query: '{ ok }' }, { 'tenant-id': TENANT.id })
    expect(other.json().data).toEqual({ ok: true })
    held.resolve(true)
    expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([200, 200, 200, 429])
    expect((await post({ query: '{ ok }' })).json().data).toEqual({ ok: true })
  })

  it.each([
    '{ rows(first: 100) { id } again: rows(first: 100) { id } }',
    'query q($n: Int = 100) { a: rows(first: $n) { id } b: rows(first: $n) { id } }'
  ])('refuses an operation whose rows are too many beside those that run: %s', async (query) => {
    for (const isKnown of [false, true]) {
      held = Promise.withResolvers()
      const answers = [post({ query }), post({ query })]
      const refused = await Promise.race(answers)
      expect([isKnown, refused.status, refused.json().errors[0]!.message]).toEqual([
        isKnown,
        429,
        expect.stringContaining('may answer 200 rows')
      ])
      held.resolve(true)
      expect((await Promise.all(answers)).map(({ status }) => status).sort()).toEqual([200, 429])
    }
    // One alone may be larger.
    expect((await post({ query: '{ a: rows(first: 400) { id } }' })).status).toBe(200)
  })

  it.each([
    '{ text(length: 40001) }',
    '{ a: text(length: 20000) b: text(length: 20001) }',
    '{ texts { metadata } }'
  ])('answers one error instead of more characters than are allowed: %s', async (query) => {
    const answers = [await post({ query }), await post({ query })]
    for (const answer of answers) {
      expect([answer.status, JSON.parse(answer.text)]).toEqual([
        200,
        {
          errors: [
            {
              message:
                'The answer has more than the 40000 characters that are allowed: ask for smaller pages, or for fewer fields',
              extensions: { code: 'BAD_USER_INPUT' }
            }
          ]
        }
      ])
    }
    const { data } = (await post({ query: '{ a: text(length: 20000) b: text(length: 20000) }' })).json()
    expect(data).toBeDefined()
  })

  it('answers TIMEOUT where the database or the cache does not answer in time', async () => {
    for (const query of ['{ busy }', '{ busy }']) {
      const { message, extensions } = (await post({ query })).json().errors[0]!
      expect([extensions.code, message]).toEqual(['TIMEOUT', expect.stringContaining('ask again')])
      expect(lines.find((line) => line.includes(extensions.errorId!))).toContain('The pool is probably full')
    }
    findTenant = () => {
      throw new CacheUnavailableError('gone')
    }
    const answer = await post({ query: '{ ok }' })
    findTenant = (id) => tenants.get(id)
    expect([answer.status, answer.json().errors[0]!.extensions.code]).toEqual([503, 'TIMEOUT'])
  })

  it("answers a signed request in its caller's context", async () => {
    const answer = await post({
      query: 'query q($a: UInt64) { caller echo(amount: $a) }',
      variables: { a: '18446744073709551615' }
    })
    expect(answer.status).toBe(200)
    expect(answer.json().data).toEqual({ caller: `${OPERATOR.id} true`, echo: '18446744073709551615' })
  })

  it('answers 401 plainly without a good signature', async () => {
    const answer = await post({ query: '{ ok }' }, { signature: 't=1, v1=0' })
    expect([answer.status, answer.text]).toEqual([401, 'Unauthorized'])
  })

  it.each([
    ['malformed JSON', '{', 400],
    ['an array', '[{"query":"{ ok }"}]', 400],
    ['an empty body', '', 400],
    ['a NUL in a variable', JSON.stringify({ query: '{ ok }', variables: { id: 'a\0b' } }), 400],
    ['a body that is too long', JSON.stringify({ query: 'x'.repeat(100_001) }), 413]
  ])('refuses %s with a coded error', async (_, text, status) => {
    const answer = await post(text)
    expect(answer.status).toBe(status)
    expect(answer.json().errors[0]!.extensions.code).toBe('BAD_USER_INPUT')
  })

  it.each(['image/png', 'text/html', 'application/json;q=0', 'text/event-stream', 'multipart/mixed'])(
    'refuses an answer as %s before anything is executed',
    async (accept) => {
      const before = lines.length
      const answer = await post({ query: '{ broken }' }, { accept })
      expect(answer.status).toBe(406)
      expect(answer.json().errors[0]!.extensions.code).toBe('BAD_USER_INPUT')
      expect(lines.slice(before).filter((line) => line.includes('SELECT secret'))).toEqual([])
    }
  )

  it.each(['*/*', 'application/*', 'application/graphql-response+json', 'text/html, application/json'])(
    'answers where the header Accept is %s',
    async (accept) => {
      expect((await post({ query: '{ ok }' }, { accept })).json().data).toEqual({ ok: true })
    }
  )

  it('passes coded errors on and masks the others, which it logs', async () => {
    expect((await post({ query: '{ refused }' })).json().errors[0]).toMatchObject({
      message: 'wrong state',
      path: ['refused'],
      extensions: { code: 'CONFLICT', details: 1 }
    })
    const { message, extensions } = (await post({ query: '{ broken }' })).json().errors[0]!
    expect([message, extensions.code]).toEqual(['Internal server error', 'INTERNAL_SERVER_ERROR'])
    expect(lines.find((line) => line.includes(extensions.errorId!))).toContain(
      'SELECT secret FROM tenants failed'
    )
  })

  it.each<[string, object]>([
    ['a query', { query: '{ ok again: ok }' }],
    [
      'its variables',
      {
        query: 'query q($a: UInt64) { echo(amount: $a) again: ok }',
        variables: { a: '18446744073709551615' }
      }
    ],
    [
      'variables that do not fit',
      { query: 'query q($a: UInt64) { echo(amount: $a) more: ok }', variables: { a: '-1' } }
    ],
    ['variables that are none', { query: '{ ok never: ok }', variables: [] }],
    ['one of several operations', { query: 'query a { ok } query b { x: ok }', operationName: 'b' }],
    ['none of several operations', { query: 'query a { ok } query b { x: ok }' }],
    ['an operation that is not there', { query: 'query a { ok y: ok }', operationName: 'c' }],
    ['an error for the caller', { query: '{ refused again: ok }' }],
    ['a parameter that nobody knows', { query: '{ ok other: ok }', more: 1 }]
  ])('answers a document that it knows as it did the first time: %s', async (_, request) => {
    // What the document is known by, whatever the first request does with it.
    await post({ query: (request as { query: string }).query, operationName: 'a' })
    const first = await post(request, { accept: 'application/json, */*' })
    const again = await post(request)
    expect([again.status, again.text, again.headers['content-type']]).toEqual([
      first.status,
      first.text,
      first.headers['content-type']
    ])
  })

  it('remembers no document that it refused, and none that is long: both are read anew each time', async () => {
    const reads = async (query: string) => {
      const before = documentsRead
      await post({ query })
      return documentsRead - before
    }
    for (const query of [
      '{ nothing }',
      `{ node { ${'id '.repeat(3_400)} } }`,
      `{ ok } # ${'x'.repeat(30_000)}`
    ]) {
      const first = await reads(query)
      expect(first).toBeGreaterThan(0)
      expect(await reads(query)).toBe(first)
    }
    expect(await reads('{ ok remembered: ok }')).toBeGreaterThan(0)
    expect(await reads('{ ok remembered: ok }')).toBe(0)
  })

  it('masks errors of a document that it knows', async () => {
    await post({ query: '{ broken known: ok }' })
    const { message, extensions } = (await post({ query: '{ broken known: ok }' })).json().errors[0]!
    expect([message, extensions.code]).toEqual(['Internal server error', 'INTERNAL_SERVER_ERROR'])
  })

  it('names what is wrong with a request, without hints at the schema', async () => {
    expect((await post({ query: '{ okk }' })).json().errors[0]).toMatchObject({
      message: 'Cannot query field "okk" on type "Query".',
      extensions: { code: 'GRAPHQL_VALIDATION_FAILED' }
    })
    expect((await post({ query: '{' })).json().errors[0]!.extensions.code).toBe('GRAPHQL_PARSE_FAILED')
    const wrong = await post({ query: 'query q($a: UInt64) { echo(amount: $a) }', variables: { a: '-1' } })
    expect(wrong.json().errors[0]).toMatchObject({
      message: expect.stringContaining('Input must be unsigned.') as string,
      extensions: { code: 'BAD_USER_INPUT' }
    })
    expect((await post({ query: '{ __schema { types { name } } }' })).json().errors[0]!.message).toContain(
      'introspection'
    )
  })

  it('refuses operations that are too deep or too dear, through fragments too', async () => {
    const deep = (levels: number): string => (levels === 0 ? '{ id }' : `{ node ${deep(levels - 1)} }`)
    expect((await post({ query: deep(9) })).json().data).toBeDefined()
    expect((await post({ query: deep(10) })).json().errors[0]!.message).toContain('11 fields deep')
    const wide = Array.from({ length: 1000 }, (_, i) => `a${i}: node { id }`).join(' ')
    expect((await post({ query: `{ ${wide} }` })).json().errors[0]!.message).toContain('costs more')
    const doubling = Array.from(
      { length: 20 },
      (_, i) => `fragment f${i} on Query { ...f${i + 1} ...f${i + 1} }`
    ).join(' ')
    expect(
      (await post({ query: `{ ...f0 } ${doubling} fragment f20 on Query { ok }` })).json().errors[0]!.message
    ).toContain('costs more')
    expect(
      (await post({ query: '{ ...f } fragment f on Query { ...f }' })).json().errors[0]!.extensions.code
    ).toBe('GRAPHQL_VALIDATION_FAILED')
  })

  it.each([
    ['what costs too much', `{ ${'nothing '.repeat(3_400)}}`, 'The operation costs more'],
    [
      'a fragment that is nowhere spread',
      `{ nothing } fragment f on Node { ${'nothing '.repeat(3_400)}}`,
      'The fragment f costs more'
    ],
    ['the same field very often', `{ ${'nothing { id } '.repeat(101)}}`, '101 times'],
    ['the same name very often', `{ node { ${'id: nothing '.repeat(101)}} }`, '101 times'],
    [
      'the same fragment very often',
      `{ ${'...f '.repeat(101)}} fragment f on Query { nothing }`,
      '101 times'
    ],
    [
      'many fragments',
      `{ nothing } ${Array.from({ length: 101 }, (_, n) => `fragment f${n} on Query { nothing }`).join(' ')}`,
      'more than the 100 fragments'
    ]
  ])('refuses %s before it is validated field by field', async (_, query, message) => {
    const { errors } = (await post({ query })).json()
    expect(errors).toEqual([
      expect.objectContaining({
        message: expect.stringContaining(message) as string,
        extensions: { code: 'GRAPHQL_VALIDATION_FAILED' }
      })
    ])
  })

  it('answers what is as large as that allows', async () => {
    const fragments = Array.from({ length: 100 }, (_, n) => `fragment f${n} on Query { ok }`)
    const spreads = fragments.map((_, n) => `...f${n} `).join('')
    const { data } = (
      await post({ query: `{ ${'ok '.repeat(100)} ${spreads} } ${fragments.join(' ')}` })
    ).json()
    expect(data).toEqual({ ok: true })
  })

  it('answers health, CORS preflights and 404', async () => {
    expect((await http.request({ method: 'GET', url: url('/healthz') })).status).toBe(200)
    healthy = false
    expect((await http.request({ method: 'GET', url: url('/healthz') })).status).toBe(500)
    healthy = true
    expect((await http.request({ method: 'GET', url: url('/other') })).status).toBe(404)
    expect((await http.request({ method: 'GET', url: url('/graphql') })).status).toBe(404)
    const preflight = await http.dispatcher.request({
      origin: url(''),
      path: '/graphql',
      method: 'OPTIONS',
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' }
    })
    await preflight.body.dump()
    expect([preflight.statusCode, preflight.headers['access-control-allow-origin']]).toEqual([
      204,
      'https://a.example'
    ])
  })
})
