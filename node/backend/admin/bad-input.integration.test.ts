import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, it } from 'vitest'
import { signAdminRequest } from '../../admin-api/index.ts'
import type { AdminError } from '../open-payments/testing.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT } from '../testing.ts'
import { asError, TENANT, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'
import { everyArgument, INTROSPECTION } from './every-argument.test-support.ts'
import type { IntrospectedSchema, Leaf } from './every-argument.test-support.ts'
import * as operations from './operations.test-support.ts'

// Every argument of every operation, by introspection: what strangers and mistakes may write there.

const ADMIN_SECRET = TEST_ENVIRONMENT.ADMIN_API_SECRET

/** Text that does not compress, too long for any index. */
const LONG = Array.from({ length: 300 }, (_, n) => createHash('sha256').update(String(n)).digest('hex')).join(
  ''
)
const HTML = `<script>alert("1")</script>'); DROP TABLE peers; -- ä€𝄞\r\n\t\u200f`
const NUL = 'a\0b'

/** Tables that requests of an operator write. */
const TABLES = [
  'tenants',
  'tenantSettings',
  'assets',
  'fees',
  'peers',
  'httpTokens',
  'walletAddresses',
  'walletAddressKeys',
  'walletAddressAdditionalProperties',
  'incomingPayments',
  'quotes',
  'ilpQuoteDetails',
  'outgoingPayments',
  'webhookEvents',
  'liquidityTransfers',
  'autoPeeringRequests',
  'autoPeeringInvitations'
]

const nameOf = ({ operation, path }: Leaf) => `${operation}(${path.join('.')})`

/** Texts that a mutation takes and does not answer: keys, tokens, what goes to the sender or the card service, URLs. */
const TOLD_ELSEWHERE =
  /idempotencyKey|authTokens|cardDetails.requestId|rejectPartialIncomingPayment.*reason|createWalletAddress\(input.address\)/
/** The first word counts here: what is said later changes nothing. */
const ONCE = ['cancelIncomingPayment(input.cancellationReason)']

describe('bad input to the Admin API', () => {
  const { desk, id, ok } = useAdminApi()
  let every: ReturnType<typeof everyArgument>
  const made = {} as Record<string, string>

  beforeAll(async () => {
    const { node, assetId } = desk
    const schema = await node.admin<IntrospectedSchema>(INTROSPECTION)
    const [payer, payee] = [
      await node.createWalletAddress('payer', assetId),
      await node.createWalletAddress('payee', assetId, 2)
    ]
    const incoming = await ok<{ payment: { id: string; url: string } }>(operations.CREATE_INCOMING, {
      walletAddressId: payee.id,
      incomingAmount: { value: '10', assetCode: 'USD', assetScale: 2 }
    })
    const { quote } = await ok<{ quote: { id: string } }>(operations.CREATE_QUOTE, {
      walletAddressId: payer.id,
      receiver: incoming.payment.url
    })
    const { payment } = await ok<{ payment: { id: string } }>(operations.CREATE_OUTGOING, {
      walletAddressId: payer.id,
      quoteId: quote.id
    })
    const { peer } = await ok<{ peer: { id: string } }>(operations.CREATE_PEER, {
      assetId,
      staticIlpAddress: 'test.peer',
      http: {
        incoming: { authTokens: ['token'] },
        outgoing: { endpoint: 'http://127.0.0.1:1/', authToken: 'x' }
      },
      initialLiquidity: '1000'
    })
    const [{ id: keyId }] = (await node.database.knex('walletAddressKeys').select('id').limit(1)) as [
      { id: string }
    ]
    const [{ id: eventId }] = (await node.database
      .knex('webhookEvents')
      .select('id')
      .where('type', 'outgoing_payment.created')) as [{ id: string }]
    const withdrawalId = id()
    await ok(operations.WITHDRAW_ASSET, {
      assetId,
      amount: '1',
      id: withdrawalId,
      idempotencyKey: id(),
      timeoutSeconds: '600'
    })
    Object.assign(made, {
      asset: assetId,
      peer: peer.id,
      walletAddress: payer.id,
      walletAddressUrl: payee.url,
      incomingPayment: incoming.payment.id,
      incomingPaymentUrl: incoming.payment.url,
      outgoingPayment: payment.id,
      quote: quote.id,
      key: keyId,
      event: eventId,
      withdrawal: withdrawalId
    })
    every = everyArgument(schema.data!, meant)
  })

  /** What stands where nothing bad is tried. */
  function meant(operation: string, path: readonly string[]): unknown {
    const name = path.at(-1)!
    if (name === 'id') return idOf(operation)
    const values: Record<string, () => unknown> = {
      tenantId: () => TENANT.tenantId,
      assetId: () => made.asset,
      peerId: () => made.peer,
      walletAddressId: () => made.walletAddress,
      incomingPaymentId: () => made.incomingPayment,
      partialIncomingPaymentId: id,
      outgoingPaymentId: () => made.outgoingPayment,
      quoteId: () => made.quote,
      eventId: () => made.event,
      webhookEventId: () => made.event,
      withdrawalId: () => made.withdrawal,
      idempotencyKey: id,
      code: () => id().slice(-8),
      assetCode: () => 'USD',
      staticIlpAddress: () => `test.peer-${id()}`,
      routes: () => `test.route-${id()}`,
      authTokens: id,
      endpoint: () => 'http://127.0.0.1:1/',
      peerUrl: () => 'http://127.0.0.1:1/',
      address: () => `/${id()}`,
      receiver: () => made.incomingPaymentUrl,
      incomingPayment: () => made.incomingPaymentUrl,
      incomingPaymentUrl: () => made.incomingPaymentUrl,
      walletAddressUrl: () => made.walletAddressUrl,
      url: () => made.walletAddressUrl,
      expiresAt: () => '2100-01-01T00:00:00Z',
      initiatedAt: () => '2026-01-01T00:00:00Z',
      idpConsentUrl: () => 'https://idp.example/',
      kid: id,
      x: () => 'A'.repeat(43),
      before: () => made.asset,
      last: () => 1
    }
    if (name === 'key' && operation.includes('enant')) return 'WEBHOOK_MAX_RETRY'
    if (name === 'value' && operation.includes('enant')) return '3'
    if (name === 'value' && path.at(-2) === 'additionalProperties') return 'text'
    return values[name]?.()
  }

  function idOf(operation: string): string | undefined {
    if (/^(deposit|create)/.test(operation) || operation === 'deleteTenant') return id()
    if (/tenant/i.test(operation)) return TENANT.tenantId
    if (operation === 'receiver') return made.incomingPaymentUrl
    if (operation === 'revokeWalletAddressKey') return made.key
    if (/Receiver|IncomingPayment|incomingPayment/.test(operation)) return made.incomingPayment
    if (/OutgoingPayment|outgoingPayment/.test(operation)) return made.outgoingPayment
    if (/WalletAddress|walletAddress/.test(operation)) return made.walletAddress
    if (/peer/i.test(operation)) return made.peer
    if (operation === 'quote') return made.quote
    return made.asset
  }

  /** All that is stored, and the money. */
  async function state(): Promise<unknown> {
    const hashes = TABLES.map(
      (table) => `(SELECT md5(string_agg(xmin::text || ctid::text, '' ORDER BY ctid)) FROM "${table}" t)`
    )
    const { rows } = await desk.node.database.knex.raw<{ rows: unknown[] }>(`SELECT ARRAY[${hashes.join()}]`)
    const { data } = await desk.node.admin(
      `query ($asset: String!, $peer: String!) { asset(id: $asset) { liquidity } peer(id: $peer) { liquidity } }`,
      made
    )
    return { rows, data }
  }

  type Answer = { data?: Record<string, unknown>; errors?: AdminError[] }

  /** Tries values at leaves (undefined: what is meant there), and gives what went otherwise than `judge` wants. */
  async function sweep(
    isTried: (leaf: Leaf) => boolean,
    values: readonly unknown[],
    judge: (answer: Answer, leaf: Leaf, value: unknown) => string | undefined,
    as?: typeof TENANT
  ): Promise<string[]> {
    const wrong: string[] = []
    const leaves = every.leaves.filter(isTried)
    expect(leaves.length).toBeGreaterThan(10)
    for (const leaf of leaves) {
      const name = nameOf(leaf)
      for (const value of values) {
        const tried = {
          path: leaf.path,
          value: value === undefined ? meant(leaf.operation, leaf.path) : value
        }
        const { text, variables } = every.request(leaf.operation, tried)
        const answer = await desk.node.admin<Record<string, unknown>>(text, variables, as)
        const shown = String(JSON.stringify(tried.value)).slice(0, 40)
        for (const { message, extensions } of answer.errors ?? []) {
          if (!extensions?.code || extensions.code === 'INTERNAL_SERVER_ERROR')
            wrong.push(`${name} = ${shown}: ${message.slice(0, 200)} ${extensions?.code}`)
          if (message.length > 1_100)
            wrong.push(`${name} = ${shown}: a message of ${message.length} characters`)
        }
        const problem = judge(answer, leaf, value)
        if (problem !== undefined) wrong.push(`${name} = ${shown}: ${problem}`)
      }
    }
    return wrong
  }

  const isId = ({ path, type }: Leaf) =>
    type === 'ID' || path.some((name) => /(^id|Id)$/.test(name) && name !== 'requestId')
  const isCursor = ({ path }: Leaf) => ['after', 'before'].includes(path.at(-1)!)
  const isText = (leaf: Leaf) => leaf.type === 'String' && !isId(leaf) && !isCursor(leaf)

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

  it('of a megabyte is stored and read back, and refused above the limit of a body', async () => {
    const publicName = HTML + 'é'.repeat(500_000)
    const update = (name: string) =>
      desk.node.admin(
        `mutation ($input: UpdateWalletAddressInput!) { updateWalletAddress(input: $input) { walletAddress { id } } }`,
        { input: { id: made.walletAddress, publicName: name } }
      )
    const read = () =>
      desk.node.admin(`query ($id: String!) { walletAddress(id: $id) { publicName } }`, {
        id: made.walletAddress
      })
    expect((await update(publicName)).errors).toBeUndefined()
    expect((await read()).data).toEqual({ walletAddress: { publicName } })
    const { errors } = await update(publicName + 'é'.repeat(30_000))
    expect(errors).toMatchObject([asError('BAD_USER_INPUT', 'The body is longer than 1048576 bytes')])
    expect((await read()).data).toEqual({ walletAddress: { publicName } })
    await update('payer')
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
