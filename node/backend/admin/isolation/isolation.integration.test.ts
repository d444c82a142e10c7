import {
  isFinalizedGrantWithAccessToken,
  isPendingGrant,
  OpenPaymentsClientError
} from '@interledger/open-payments'
import type { GrantRequest } from '@interledger/open-payments'
import fc from 'fast-check'
import { Kind as SyntaxKind, parse, visit } from 'graphql'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { isLongRun, testCount } from '../../../../test-counts.ts'
import { startTestNode } from '../../open-payments/testing.ts'
import type { TestNode, TestWalletAddress } from '../../open-payments/testing.ts'
import { typeDefs } from '../schema/index.ts'
import { LISTS, NESTED_LISTS, OPERATIONS, OTHERS } from './operations.test-support.ts'
import { createWorld, OPERATOR } from './world.test-support.ts'
import type { Party, World } from './world.test-support.ts'

/**
 * No tenant reads, changes, counts or pages over anything of another. Three tenants and the operator do anything
 * with anybody's ids. What is refused reads as if there were no such thing; what a caller does changes nothing that
 * another tenant sees; lists hold what their owner has, whatever filter or cursor is named.
 */

const step = fc.record({
  kind: fc.constantFrom(
    'operation' as const,
    'operation' as const,
    'operation' as const,
    'list' as const,
    'nested' as const,
    'key' as const,
    'own' as const,
    'route' as const
  ),
  /** Of three tenants and the operator. */
  by: fc.nat(3),
  whose: fc.nat(2),
  which: fc.nat(1_000),
  pick: fc.nat(5)
})
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never

let node: TestNode
const refused = { count: 0 }
interface AccessItem {
  type: string
  actions: string[]
  identifier?: string
}

/** A client of the operator's, which asks for others' resources. */
let payer: TestWalletAddress
const ACCESS = [
  { type: 'incoming-payment', actions: ['list-all'] },
  { type: 'quote', actions: ['create', 'read-all'] },
  { type: 'incoming-payment', actions: ['create', 'read-all'] }
] satisfies AccessItem[] as [AccessItem, AccessItem, AccessItem]

beforeAll(async () => {
  node = await startTestNode(inject('postgresUrl'))
  const { data } = await node.admin<{ createAsset: { asset: { id: string } } }>(
    'mutation { createAsset(input: { code: "USD", scale: 2 }) { asset { id } } }'
  )
  payer = await node.createWalletAddress('payer', data!.createAsset.asset.id)
})
afterAll(() => node.stop())

async function live(history: readonly Step[]): Promise<void> {
  const world = await createWorld(node)
  const keys = new Map<string, { input: string; id: unknown }>()
  for (const { kind, by, whose, which, pick } of history) {
    const actor = world.parties[by] ?? OPERATOR
    const owner = world.parties[whose]!
    const before = world.parties.map((party) => world.seen(party))
    let touched: Party[]
    switch (kind) {
      case 'operation':
        touched = await operate(world, actor, owner, which, pick)
        break
      case 'list':
        touched = await list(world, actor, owner, which, pick)
        break
      case 'nested':
        touched = await nested(world, actor, owner, which, pick)
        break
      case 'key':
        touched = await keyed(world, keys, actor, which, pick)
        break
      case 'own':
        touched = await ownOnly(world, actor, which)
        break
      case 'route':
        touched = await route(world, actor, owner, which, pick)
        break
    }
    if (touched.length === 0) continue
    for (const [index, party] of world.parties.entries()) {
      const now = await world.look(party)
      if (!touched.includes(party)) expect(now, `${party.name} sees the same`).toBe(before[index])
    }
  }
}

const modulo = <Item>(items: readonly Item[], index: number): Item | undefined => items[index % items.length]

/** An operation on one of the owner's resources. Answers whose resources it may have changed. */
async function operate(world: World, actor: Party, owner: Party, which: number, pick: number) {
  const operation = modulo(OPERATIONS, which)!
  const target = modulo(world.has(owner)[operation.kind], pick)
  if (target === undefined) return []
  const mayIt = actor === owner || (actor === OPERATOR && operation.scope === 'operator')
  if (mayIt && operation.onlyRefused) return []
  const draw = { id: world.id, own: world.has(actor) }
  const answer = await world.call(actor, operation.document, operation.variables(target, draw))
  if (mayIt) {
    const { field } = operation
    if (operation.type === 'query') {
      expect(answer.error, `${actor.name} reads ${field} of ${owner.name}`).toBeUndefined()
      return []
    }
    return [owner]
  }
  // Whatever there is, it reads as if there were nothing.
  const isUrl = target.startsWith('https:')
  const unknown = isUrl ? target.replace(/[^/]+$/, world.id()) : world.id()
  const ofNothing = await world.call(actor, operation.document, operation.variables(unknown, draw))
  const told = `${actor.name} asks for ${operation.field} of ${owner.name}’s ${operation.kind}`
  expect(answer, told).toEqual(ofNothing)
  if ('nothing' in operation) expect(answer.data, told).toEqual(operation.nothing)
  else expect(answer.error, told).toBeDefined()
  refused.count += 1
  return operation.type === 'mutation' ? [actor] : []
}

interface Connection {
  edges: { cursor: string; node: { id: string } }[]
  pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string | null }
}
const PAGE = '{ edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor } }'
const EMPTY = { edges: [], pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null } }

async function list(world: World, actor: Party, owner: Party, which: number, pick: number): Promise<Party[]> {
  const { field, kind, tenantIdType } = modulo(LISTS, which)!
  const ask = async (args: string, variables: object = {}) => {
    const cursor = args.includes('$cursor') ? ', $cursor: String' : ''
    const document = `query ($tenantId: ${tenantIdType}${cursor}) {
      answer: ${field}(tenantId: $tenantId, ${args}) ${PAGE} }`
    const { data, error } = await world.call(actor, document, variables)
    expect(error).toBeUndefined()
    return data as Connection
  }
  // The tenant that is named counts for the operator alone.
  const shown = actor === OPERATOR ? owner : actor
  const whole = await ask('first: 100', { tenantId: owner.tenantId })
  const ids = [...world.has(shown)[kind]].reverse()
  const told = `${actor.name} lists ${field} of ${owner.name}`
  const found = whole.edges.map((edge) => edge.node.id)
  // Payments of both kinds mix by the time of their creation.
  if (kind === 'payment') expect(found.sort(), told).toEqual(ids.sort())
  else expect(found, told).toEqual(ids)
  expect(whole.pageInfo, told).toMatchObject({ hasNextPage: false, hasPreviousPage: false })
  if (actor !== OPERATOR) {
    expect(await ask('first: 100'), told).toEqual(whole)
    const page = await ask('first: 1')
    expect(page.pageInfo, told).toMatchObject({ hasNextPage: ids.length > 1, hasPreviousPage: false })
  }
  // A cursor of somebody else's list is the cursor of nothing.
  const other = world.parties.find((party) => party !== shown)!
  const cursor = modulo(world.has(other)[kind], pick)
  if (cursor !== undefined) {
    const variables = { tenantId: shown.tenantId, cursor }
    expect(await ask('after: $cursor, first: 5', variables), `${told} after another’s`).toEqual(EMPTY)
    expect(await ask('before: $cursor, last: 5', variables), `${told} before another’s`).toEqual(EMPTY)
  }
  if (field === 'outgoingPayments' && actor !== OPERATOR && actor !== owner) {
    const walletAddressId = world.has(owner).walletAddress[0]!
    const args = `first: 5, filter: { walletAddressId: { in: ["${walletAddressId}"] } }`
    expect(await ask(args), `${told} by another’s wallet address`).toEqual(EMPTY)
  }
  if (field === 'webhookEvents' && actor !== OPERATOR && actor !== owner) {
    const args = `first: 5, filter: { resourceId: { in: ${JSON.stringify(world.has(owner).payment)} } }`
    expect(await ask(args), `${told} about another’s payments`).toEqual(EMPTY)
  }
  if (field === 'payments' && actor !== OPERATOR && actor !== owner) {
    const walletAddressId = world.has(owner).walletAddress[0]!
    const receiver = world.has(owner).incomingPaymentUrl[0]!
    const anyState = `state: { notIn: [] }, createdAfter: "2000-01-01T00:00:00Z"`
    for (const filter of [
      `walletAddressId: { in: ["${walletAddressId}"] }`,
      `receiver: { in: ["${receiver}"] }`
    ]) {
      const args = `first: 5, filter: { ${filter}, ${anyState} }`
      expect(await ask(args), `${told} by ${filter}`).toEqual(EMPTY)
    }
  }
  return []
}

/** Lists of one's own wallet address and fees of one's own asset, with a cursor of another's. */
async function nested(
  world: World,
  actor: Party,
  owner: Party,
  which: number,
  pick: number
): Promise<Party[]> {
  const { field, kind } = modulo(NESTED_LISTS, which)!
  const shown = actor === OPERATOR ? owner : actor
  const other = world.parties.find((party) => party !== shown)!
  const walletAddressId = modulo(world.has(shown).walletAddress, pick)!
  const cursor = modulo(world.has(other)[kind], pick)
  if (cursor === undefined) return []
  for (const args of ['after: $cursor, first: 5', 'before: $cursor, last: 5']) {
    const { data } = await world.call(
      actor,
      `query ($id: String!, $cursor: String) { answer: walletAddress(id: $id) { ${field}(${args}) ${PAGE} } }`,
      { id: walletAddressId, cursor }
    )
    expect(data, `${actor.name} pages ${field} from ${other.name}’s`).toEqual({ [field]: EMPTY })
  }
  return []
}

/** Few idempotency keys, which all share: each tenant has its own. */
async function keyed(
  world: World,
  keys: Map<string, { input: string; id: unknown }>,
  actor: Party,
  which: number,
  pick: number
): Promise<Party[]> {
  const key = `key ${which % 2} of ${world.parties[0]!.tenantId}`
  const input = { code: `C${pick % 2}${which % 3}`, scale: 2, idempotencyKey: key }
  const answer = await world.call(
    actor,
    'mutation ($input: CreateAssetInput!) { answer: createAsset(input: $input) { asset { id tenant { id } } } }',
    { input }
  )
  const mine = `${actor.tenantId} ${key}`
  const first = keys.get(mine)
  if (first !== undefined && first.input !== input.code) {
    expect(answer.error).toContain('Incoming arguments are different')
    return []
  }
  if (answer.error !== undefined) {
    expect(answer.error).toContain('Asset already exists')
    return []
  }
  const { asset } = answer.data as { asset: { id: string; tenant: { id: string } } }
  expect(asset.tenant.id, `${actor.name} got its own under ${key}`).toBe(actor.tenantId)
  if (first) expect(asset.id).toBe(first.id)
  keys.set(mine, { input: input.code, id: asset.id })
  return [actor]
}

/** What is about the caller alone, or for the operator alone. */
async function ownOnly(world: World, actor: Party, which: number): Promise<Party[]> {
  const isOperator = actor === OPERATOR
  switch (which % 7) {
    case 0: {
      const { data, error } = await world.call(actor, '{ tenants(first: 1) { edges { node { id } } } }')
      if (!isOperator) expect(error).toContain('cannot get tenants page')
      else expect(data).toMatchObject({ tenants: { edges: [{ node: {} }] } })
      return []
    }
    case 1: {
      const { data } = await world.call(actor, '{ whoami { id isOperator } }')
      expect(data).toEqual({ whoami: { id: actor.tenantId, isOperator } })
      return []
    }
    case 2: {
      if (isOperator) return []
      const { data } = await world.call(actor, '{ assetByCodeAndScale(code: "USD", scale: 2) { id } }')
      const found = (data as { assetByCodeAndScale: { id: string } | null }).assetByCodeAndScale
      if (found) expect(world.has(actor).asset).toContain(found.id)
      return []
    }
    case 3: {
      if (isOperator) return []
      const input = { settings: [{ key: 'WEBHOOK_TIMEOUT', value: String(1_000 + which) }] }
      const { error } = await world.call(
        actor,
        'mutation ($input: CreateTenantSettingsInput!) { createTenantSettings(input: $input) { settings { key } } }',
        { input }
      )
      expect(error).toBeUndefined()
      return [actor]
    }
    case 5: {
      const since = new Date(node.runtime.clock.nowMs() - 3_600_000).toISOString()
      const { data } = await world.call(
        actor,
        'query ($since: String!) { answer: paymentStates(since: $since, bucketSeconds: 600) { count } }',
        { since }
      )
      const total = (data as { count: number }[]).reduce((sum, { count }) => sum + count, 0)
      const parties = isOperator ? world.parties : [actor]
      const own = parties.reduce((sum, party) => sum + world.has(party).payment.length, 0)
      // The operator sees the payments of other histories too.
      if (isOperator) expect(total).toBeGreaterThanOrEqual(own)
      else expect(total).toBe(own)
      return []
    }
    case 4: {
      if (isOperator) return []
      const { error } = await world.call(
        actor,
        'mutation { createTenant(input: { apiSecret: "x" }) { tenant { id } } }'
      )
      expect(error).toContain('permission denied')
      return [actor]
    }
    default: {
      const { data } = await world.call(
        actor,
        'mutation { answer: triggerWalletAddressEvents(input: { limit: 5 }) { count } }'
      )
      expect(data).toEqual({ count: 0 })
      return [actor]
    }
  }
}

/** Open Payments, with a token of the caller's: what is another tenant's is nothing below one's own path. */
async function route(
  world: World,
  actor: Party,
  owner: Party,
  which: number,
  pick: number
): Promise<Party[]> {
  if (actor === OPERATOR || actor === owner) return []
  const { client } = payer
  const { authServer } = await client.walletAddress.get({ url: world.has(actor).walletAddressUrl[0]! })
  /** Lists need the consent of a person, whoever that is. */
  const tokenFor = async (access: AccessItem) => {
    const finish = { method: 'redirect', uri: 'https://shop.example/', nonce: 'n' }
    const asked = await client.grant.request({ url: authServer }, {
      access_token: { access: [access] },
      ...(access.identifier !== undefined && { interact: { start: ['redirect'], finish } })
    } as unknown as GrantRequest)
    const grant = isPendingGrant(asked)
      ? await client.grant.continue(
          { url: asked.continue.uri, accessToken: asked.continue.access_token.value },
          { interact_ref: await node.accept(asked) }
        )
      : asked
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('the grant has no token')
    return grant.access_token.value
  }
  /** The answer of a request, of one that was refused: by what. */
  const ask = async (run: () => Promise<unknown>) => {
    try {
      return { given: await run() }
    } catch (error) {
      if (!(error instanceof OpenPaymentsClientError)) throw error
      return { status: error.status, description: error.description }
    }
  }
  const at = (tenantId: string, path: string) => `${node.openPaymentsUrl}/${tenantId}/${path}`
  const told = `${actor.name} asks for what ${owner.name} has`
  if (which % 3 === 0) {
    // Even the consent to another's wallet address, given by one's own authorization server, is worth nothing there.
    const walletAddress = world.has(owner).walletAddressUrl[0]!
    const forOther = await tokenFor({ ...ACCESS[0], identifier: walletAddress })
    for (const tenantId of [actor.tenantId, owner.tenantId]) {
      const args = { url: `${node.openPaymentsUrl}/${tenantId}`, walletAddress, accessToken: forOther }
      const answer = await ask(() => client.incomingPayment.list(args))
      expect(answer, told).toMatchObject({ status: expect.any(Number) as number })
    }
    const own = world.has(actor).walletAddressUrl[0]!
    const accessToken = await tokenFor({ ...ACCESS[0], identifier: own })
    const args = { url: `${node.openPaymentsUrl}/${actor.tenantId}`, walletAddress: own, accessToken }
    const cursor = modulo(world.has(owner).incomingPayment, pick)!
    const page = { 'wallet-address': own, cursor, first: 5 }
    const answer = await ask(() => client.incomingPayment.list(args, page))
    if ('given' in answer) expect(answer.given, told).toMatchObject({ result: [] })
    return []
  }
  const [path, kind] =
    which % 3 === 1 ? (['quotes', 'quote'] as const) : (['incoming-payments', 'incomingPayment'] as const)
  const target = modulo(world.has(owner)[kind], pick)
  if (target === undefined) return []
  const accessToken = await tokenFor(ACCESS[kind === 'quote' ? 1 : 2])
  const get = (tenantId: string, id: string) => {
    const args = { url: at(tenantId, `${path}/${id}`), accessToken }
    return ask(() => (kind === 'quote' ? client.quote.get(args) : client.incomingPayment.get(args)))
  }
  const ofNothing = await get(actor.tenantId, world.id())
  expect(ofNothing, told).toMatchObject({ status: 401 })
  expect(await get(actor.tenantId, target), told).toEqual(ofNothing)
  expect(await get(owner.tenantId, target), told).toMatchObject({ status: expect.any(Number) as number })
  refused.count += 1
  return []
}

it(
  'no tenant reads, changes, counts or pages over anything of another',
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: isLongRun ? 1 : 15, maxLength: 30, size: 'max' }), live),
      {
        numRuns: testCount('isolationHistories')
      }
    )
    // The histories are about something.
    expect(refused.count).toBeGreaterThan(testCount('isolationHistories'))
  },
  isLongRun ? 1_800_000 : 60_000
)

it('each operation on what another has, by a tenant and by the operator: nothing there, nothing changed', async () => {
  const world = await createWorld(node)
  const [stranger, owner] = world.parties as [Party, Party]
  for (const which of OPERATIONS.keys()) {
    const { scope, field } = OPERATIONS[which]!
    for (const actor of scope === 'operator' ? [stranger] : [stranger, OPERATOR]) {
      const before = world.seen(owner)
      await operate(world, actor, owner, which, 0)
      if (OPERATIONS[which]!.type === 'mutation') {
        expect(await world.look(owner), `${field} by ${actor.name}`).toBe(before)
      }
    }
  }
})

it('every operation of the schema is one of the histories’, or says why not', () => {
  const fields = new Set<string>()
  visit(parse(typeDefs.join('\n')), {
    enter(found) {
      if (
        found.kind !== SyntaxKind.OBJECT_TYPE_DEFINITION &&
        found.kind !== SyntaxKind.OBJECT_TYPE_EXTENSION
      ) {
        return undefined
      }
      if (!['Query', 'Mutation'].includes(found.name.value)) return false
      for (const field of found.fields ?? []) fields.add(field.name.value)
      return undefined
    }
  })
  const used = new Set([...[...OPERATIONS, ...LISTS].map(({ field }) => field), ...Object.keys(OTHERS)])
  expect([...fields].sort()).toEqual([...used].sort())
})
