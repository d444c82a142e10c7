import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { DEFAULT_ARGUMENT_LIMITS, signAdminRequest } from '../../admin-api/index.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT } from '../testing.ts'
import { asError, TENANT, UNKNOWN_ID } from './admin-api.test-support.ts'
import { everyArgument, INTROSPECTION } from './every-argument.test-support.ts'
import type { IntrospectedSchema } from './every-argument.test-support.ts'
import { isId, isText, nameOf, useEverything } from './every-operation.test-support.ts'

// Every argument of every operation, by introspection: what strangers and mistakes may write there.

const ADMIN_SECRET = TEST_ENVIRONMENT.ADMIN_API_SECRET

/** Text that does not compress, too long for any index. */
const LONG = Array.from({ length: 300 }, (_, n) => createHash('sha256').update(String(n)).digest('hex')).join(
  ''
)
const HTML = `<script>alert("1")</script>'); DROP TABLE peers; -- ä€𝄞\r\n\t\u200f`
const NUL = 'a\0b'

/** Texts that a mutation takes and does not answer: keys, tokens, what goes to the sender or the card service, URLs. */
const TOLD_ELSEWHERE =
  /idempotencyKey|authTokens|cardDetails.requestId|rejectPartialIncomingPayment.*reason|createWalletAddress\(input.address\)/
/** The first word counts here: what is said later changes nothing. */
const ONCE = ['cancelIncomingPayment(input.cancellationReason)']

describe('bad input to the Admin API', () => {
  const { desk, made, meant, state, sweep } = useEverything()

  it('is refused in every id: no id, nothing, a NUL, a long text, and nothing is done', async () => {
    const before = await state()
    expect(await sweep(isId, ['no id', '', NUL, LONG], () => undefined)).toEqual([])
    expect(await state()).toEqual(before)
  })

  it('is refused in every amount: negative, too large, not exact, not whole, no number, and nothing is done', async () => {
    const before = await state()
    const wrong = await sweep(
      ({ type }) => type === 'UInt64',
      [-1, '18446744073709551616', 1e30, '1.5', true, {}, '', LONG],
      ({ errors }) =>
        errors?.every(({ extensions }) => extensions.code === 'BAD_USER_INPUT')
          ? undefined
          : `${JSON.stringify(errors)?.slice(0, 200)}`
    )
    expect(wrong).toEqual([])
    expect(await state()).toEqual(before)
  })

  it('is refused in every id that is another tenant’s, and nothing is done', async () => {
    const before = await state()
    const wrong = await sweep(
      (leaf) =>
        isId(leaf) &&
        leaf.isMutation &&
        Object.values(made).includes(String(meant(leaf.operation, leaf.path))),
      [undefined],
      ({ errors }) => (errors ? undefined : 'it was not refused'),
      TENANT
    )
    expect(wrong).toEqual([])
    expect(await state()).toEqual(before)
  })

  it.each(['backend', 'auth'] as const)(
    'of the %s: signatures that are wrong, old, early or spent, and unknown tenants, are answered 401, and nothing is done',
    async (door) => {
      const { node } = desk
      const before = await state()
      const body = { query: 'mutation { nothing: __typename }', variables: {} }
      const nowMs = node.runtime.clock.nowMs()
      const right = { body, secret: ADMIN_SECRET, version: 1, timestampMs: nowMs }
      const post = async (
        signature: string | undefined,
        tenantId: string = OPERATOR_ID,
        sent: object = body
      ) => {
        const answer = await node.http.request({
          method: 'POST',
          url: node.adminUrls[door],
          headers: {
            'content-type': 'application/json',
            'tenant-id': tenantId,
            ...(signature !== undefined && { signature })
          },
          body: JSON.stringify(sent),
          timeoutMs: 20_000
        })
        return [answer.status, answer.body.toString('utf8')]
      }
      const refused = [401, 'Unauthorized']
      expect(await post(undefined)).toEqual(refused)
      expect(await post('nonsense')).toEqual(refused)
      expect(await post(signAdminRequest({ ...right, secret: 'another' }))).toEqual(refused)
      expect(await post(signAdminRequest({ ...right, version: 2 }))).toEqual(refused)
      expect(await post(signAdminRequest({ ...right, timestampMs: nowMs - 31_000 }))).toEqual(refused)
      expect(await post(signAdminRequest({ ...right, timestampMs: nowMs + 60_000 }))).toEqual(refused)
      expect(await post(signAdminRequest(right), UNKNOWN_ID)).toEqual(refused)
      expect(await post(signAdminRequest(right), 'no id')).toEqual(refused)
      expect(await post(signAdminRequest(right), TENANT.tenantId)).toEqual(refused)
      expect(await post(signAdminRequest(right), OPERATOR_ID, { ...body, variables: { a: 1 } })).toEqual(
        refused
      )
      const [status] = await post(signAdminRequest(right))
      expect(status).toBe(200)
      expect(await post(signAdminRequest(right))).toEqual(refused)
      expect(await state()).toEqual(before)
    }
  )

  // From here on much is done, and what the node then does by itself changes rows too.

  it('in every id that is unknown is refused with a code, or the id is new', async () => {
    expect(await sweep(isId, [UNKNOWN_ID], () => undefined)).toEqual([])
  })

  it('of the largest amounts that are taken is refused with a code, or done', async () => {
    const wrong = await sweep(
      ({ type }) => type === 'UInt64',
      ['18446744073709551615', '9223372036854775808', '4294967295', '2147483648'],
      () => undefined
    )
    expect(wrong).toEqual([])
  })

  it('is stored as it is or refused, in every text: markup, a NUL, more than an index holds', async () => {
    const stored = new Set<string>()
    const wrong = await sweep(isText, [HTML, NUL, '', LONG], ({ data, errors }, leaf, value) => {
      if (value === NUL) return errors ? undefined : 'a NUL was taken'
      if (errors || !leaf.isMutation || TOLD_ELSEWHERE.test(nameOf(leaf))) return undefined
      const isTold = JSON.stringify(data).includes(JSON.stringify(value).slice(1, -1))
      if (isTold && value === HTML) stored.add(nameOf(leaf))
      if (isTold || (ONCE.includes(nameOf(leaf)) && value !== HTML)) return undefined
      return `not told as it was given: ${JSON.stringify(data).slice(0, 300)}`
    })
    expect(wrong).toEqual([])
    // Each of these took the markup, and tells it as it was given.
    expect([...stored].sort()).toEqual([
      'cancelIncomingPayment(input.cancellationReason)',
      'cancelOutgoingPayment(input.reason)',
      'createAsset(input.code)',
      'createIncomingPayment(input.senderWalletAddress)',
      'createPeer(input.name)',
      'createTenant(input.apiSecret)',
      'createTenant(input.email)',
      'createTenant(input.idpSecret)',
      'createTenant(input.publicName)',
      'createWalletAddress(input.additionalProperties.key)',
      'createWalletAddress(input.additionalProperties.value)',
      'createWalletAddress(input.publicName)',
      'createWalletAddressKey(input.jwk.kid)',
      'createWalletAddressKey(input.jwk.x)',
      'updatePeer(input.name)',
      'updateTenant(input.email)',
      'updateTenant(input.idpSecret)',
      'updateTenant(input.publicName)',
      'updateWalletAddress(input.additionalProperties.key)',
      'updateWalletAddress(input.additionalProperties.value)',
      'updateWalletAddress(input.publicName)'
    ])
  })

  it('is refused or means something, in every number, object and choice: out of range, of another kind, null', async () => {
    const wrong = await sweep(
      ({ type }) => !['String', 'ID', 'UInt64'].includes(type),
      [-1, 2 ** 31 - 1, 1e30, 1.5, null, { text: HTML }, HTML],
      () => undefined
    )
    expect(wrong).toEqual([])
    const nulls = await sweep(
      ({ type }) => ['String', 'ID', 'UInt64'].includes(type),
      [null],
      () => undefined
    )
    expect(nulls).toEqual([])
  })

  it('is refused in a document that quotes a NUL', async () => {
    for (const quoted of ['"a\\u0000b"', '"a\\u{0}b"']) {
      const { errors } = await desk.node.admin(
        `mutation { createAsset(input: { code: ${quoted}, scale: 2 }) { asset { id } } }`
      )
      expect(errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED')
    }
  })

  it('is refused in every text that is longer than its limit, and nothing is done', async () => {
    const before = await state()
    const long = 'é'.repeat(DEFAULT_ARGUMENT_LIMITS.maxTextLength + 1)
    const wrong = await sweep(
      (leaf) => leaf.type === 'String' && leaf.path.at(-1) !== 'dataToTransmit',
      [long],
      ({ errors }) =>
        errors?.every(({ extensions }) => extensions.code === 'BAD_USER_INPUT') ? undefined : 'it was taken'
    )
    expect(wrong).toEqual([])
    expect(await state()).toEqual(before)
  })

  it('is refused in a text, list or object above its own limit; what is as long as the limit is stored and read back', async () => {
    const update = (input: object) =>
      desk.node.admin(
        `mutation ($input: UpdateWalletAddressInput!) { updateWalletAddress(input: $input) {
          walletAddress { publicName additionalProperties { key value } } } }`,
        { input: { id: made.walletAddress, ...input } }
      )
    const properties = (count: number, key: number, value: number) =>
      Array.from({ length: count }, (_, n) => ({
        key: String(n).padStart(key, 'k'),
        value: 'é'.repeat(value),
        visibleInOpenPayments: true
      }))
    const longest = {
      publicName: 'é'.repeat(255),
      additionalProperties: properties(50, 255, 1_000).map(({ key, value }) => ({ key, value }))
    }
    const stored = { updateWalletAddress: { walletAddress: longest } }
    expect(
      (await update({ publicName: longest.publicName, additionalProperties: properties(50, 255, 1_000) }))
        .data
    ).toEqual(stored)
    const refused: [object, string][] = [
      [{ publicName: 'é'.repeat(256) }, 'publicName has at most 255 characters'],
      [{ additionalProperties: properties(51, 1, 1) }, 'additionalProperties has at most 50 entries'],
      [{ additionalProperties: properties(13_000, 1, 1) }, 'additionalProperties has at most 50 entries'],
      [{ additionalProperties: properties(1, 256, 1) }, 'key has at most 255 characters'],
      [{ additionalProperties: properties(1, 1, 1_001) }, 'value has at most 1000 characters'],
      [{ publicName: 'é'.repeat(600_000) }, 'The body is longer than 1048576 bytes']
    ]
    for (const [input, message] of refused)
      expect((await update(input)).errors).toMatchObject([asError('BAD_USER_INPUT', message)])
    expect((await update({})).data).toEqual(stored)
    await update({ publicName: 'payer', additionalProperties: [] })

    const metadata = (length: number) =>
      desk.node.admin(
        `mutation ($input: UpdateIncomingPaymentInput!) { updateIncomingPayment(input: $input) { payment { metadata } } }`,
        { input: { id: made.incomingPayment, metadata: { text: 'x'.repeat(length - '{"text":""}'.length) } } }
      )
    expect((await metadata(65_536)).errors).toBeUndefined()
    expect((await metadata(65_537)).errors).toMatchObject([
      asError('BAD_USER_INPUT', 'metadata has at most 65536 characters')
    ])
  })

  it.each([
    ['admin', 'outgoingPayments', 'receiver'],
    ['admin', 'outgoingPayments', 'walletAddressId'],
    ['admin', 'outgoingPayments', 'state'],
    ['admin', 'payments', 'walletAddressId'],
    ['admin', 'payments', 'type'],
    ['admin', 'incomingPayments', 'initiatedBy'],
    ['admin', 'webhookEvents', 'type'],
    ['authAdmin', 'grants', 'identifier']
  ] as const)('is refused in a filter of more than 1000 values: %s %s(%s)', async (door, list, name) => {
    const type = {
      outgoingPayments: 'OutgoingPaymentFilter',
      payments: 'PaymentFilter',
      incomingPayments: 'IncomingPaymentFilter',
      webhookEvents: 'WebhookEventFilter',
      grants: 'GrantFilter'
    }[list]
    const ask = (length: number) =>
      desk.node[door](`query ($filter: ${type}) { ${list}(filter: $filter) { pageInfo { hasNextPage } } }`, {
        filter: { [name]: { in: Array.from({ length }, (_, n) => String(n)) } }
      })
    expect((await ask(1_000)).errors).toBeUndefined()
    // More than a statement takes: once, for it is half a megabyte to sign.
    for (const length of name === 'receiver' ? [1_001, 70_000] : [1_001])
      expect((await ask(length)).errors).toMatchObject([
        asError('BAD_USER_INPUT', 'in has at most 1000 entries')
      ])
  })

  it('is refused in metadata whose numbers JSON does not keep, however they come', async () => {
    const { node } = desk
    const before = await state()
    for (const number of ['1e999', '9007199254740993']) {
      const { errors } = await node.admin(
        `mutation { updateIncomingPayment(input: { id: "${made.incomingPayment}", metadata: { a: ${number} } }) { payment { id } } }`
      )
      expect(errors?.[0]?.extensions.code).toBe('BAD_USER_INPUT')
    }
    const answer = await node.http.request({
      method: 'POST',
      url: node.adminUrls.backend,
      headers: { 'content-type': 'application/json', 'tenant-id': OPERATOR_ID, signature: 't=1, v1=0' },
      body: '{"query":"{ __typename }","variables":{"metadata":{"a":1e999}}}'
    })
    expect([answer.status, answer.body.toString()]).toEqual([400, expect.stringContaining('BAD_USER_INPUT')])
    expect(await state()).toEqual(before)
  })

  it.each(['admin', 'authAdmin'] as const)(
    'in documents is refused with a code: too deep, too costly, no GraphQL (%s)',
    async (door) => {
      const { node } = desk
      const list = door === 'admin' ? 'assets' : 'grants'
      const page = 'pageInfo { startCursor endCursor hasNextPage hasPreviousPage }'
      const documents: [string, string][] = [
        [
          `{ ${Array.from({ length: 700 }, (_, n) => `a${n}: ${list} { ${page} }`).join(' ')} }`,
          'costs more'
        ],
        [`{ ${'a { '.repeat(11)} b ${'} '.repeat(11)} }`, ' deep'],
        [`{ ${'a { '.repeat(9_000)} b ${'} '.repeat(9_000)} }`, ''],
        [`{ ${'a '.repeat(30_000)} }`, ''],
        [`{ a(b: ${'['.repeat(9_000)}${']'.repeat(9_000)}) }`, ''],
        ['{', ''],
        ['', '']
      ]
      for (const [document, message] of documents) {
        const { errors } = await node[door](document)
        const codes = errors?.map(({ extensions }) => extensions?.code ?? 'none')
        expect([document.slice(0, 20), codes]).toEqual([
          document.slice(0, 20),
          codes?.map(() => expect.stringMatching(/^(GRAPHQL_.*|BAD_USER_INPUT)$/) as string)
        ])
        expect(errors?.some((error) => error.message.includes(message))).toBe(true)
      }
    }
  )

  it('to the authorization server is refused with a code or finds nothing, in every argument', async () => {
    const { node } = desk
    const schema = await node.authAdmin<IntrospectedSchema>(INTROSPECTION)
    const auth = everyArgument(
      schema.data!,
      (_, path) =>
        ({ id: UNKNOWN_ID, grantId: UNKNOWN_ID, tenantId: OPERATOR_ID, before: UNKNOWN_ID })[path.at(-1)!]
    )
    expect(auth.leaves.length).toBeGreaterThan(10)
    const wrong: string[] = []
    for (const leaf of auth.leaves) {
      for (const value of ['no id', '', NUL, HTML, LONG, UNKNOWN_ID, -1, 1e30, 101, true, null, {}, []]) {
        const { text, variables } = auth.request(leaf.operation, { path: leaf.path, value })
        const { data, errors } = await node.authAdmin(text, variables)
        const codes = errors?.map(({ extensions }) => extensions?.code) ?? []
        if (codes.some((code) => !code || code === 'INTERNAL_SERVER_ERROR') || (!data && !errors)) {
          wrong.push(`${nameOf(leaf)} = ${String(value).slice(0, 40)}: ${codes.join()}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })
})
