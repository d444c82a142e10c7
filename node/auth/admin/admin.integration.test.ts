import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { signAdminRequest } from '../../admin-api/index.ts'
import { ADMIN_SECRET, OPERATOR_ID, startTestAuth } from '../testing.ts'
import type { AuthHarness } from '../testing.ts'
import { createGrantActors, IDENTIFIER, INCOMING, INTERACT, OUTGOING, SUBJECT } from '../testing-grants.ts'
import type { GrantActors } from '../testing-grants.ts'

const TENANT = { id: '22222222-2222-4222-8222-222222222222', apiSecret: 'tenant secret' }
const GRANTS = `query grants($after: String, $before: String, $first: Int, $last: Int, $filter: GrantFilter, $tenantId: ID, $sortOrder: SortOrder) {
  grants(after: $after, before: $before, first: $first, last: $last, filter: $filter, tenantId: $tenantId, sortOrder: $sortOrder) {
    edges { cursor node { id client state finalizationReason createdAt tenantId
      access { id identifier type actions limits { receiver interval debitAmount { value assetCode assetScale } } createdAt }
      subject { sub_ids { id subId subIdFormat createdAt } } } }
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
  }
}`

interface Page {
  edges: { cursor: string; node: Record<string, never> }[]
  pageInfo: {
    startCursor: string | null
    endCursor: string | null
    hasNextPage: boolean
    hasPreviousPage: boolean
  }
}

describe('the Admin API of the authorization server', () => {
  let harness: AuthHarness
  let actors: GrantActors
  let sequence = 0
  /** Grants in the order of their creation: interactive, issued, of the other tenant, key client. */
  let ids: string[]

  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
    actors = createGrantActors(harness)
    await harness.send('serviceApi', 'POST', '/tenant', { body: TENANT })
    await actors.ask([OUTGOING], { interact: INTERACT, subject: SUBJECT })
    harness.shift(1)
    await actors.ask([INCOMING])
    harness.shift(1)
    await actors.ask([INCOMING], {}, { tenantId: TENANT.id })
    harness.shift(1)
    ids = (await harness.sql('SELECT id FROM grants ORDER BY "createdAt"')).map(({ id }) => id as string)
  })
  afterAll(() => harness.close())

  async function call<Data>(
    query: string,
    variables: object = {},
    { id, apiSecret } = { id: OPERATOR_ID, apiSecret: ADMIN_SECRET }
  ): Promise<{ data?: Data | null; errors?: { message: string; extensions: { code: string } }[] }> {
    const body = { query, variables }
    const timestampMs = harness.runtime.clock.nowMs() - (sequence += 1)
    const signature = signAdminRequest({ body, secret: apiSecret, version: 1, timestampMs })
    const answer = await harness.send('admin', 'POST', '/graphql', {
      body,
      headers: { 'tenant-id': id, signature }
    })
    return answer.json()
  }
  const page = async (variables: object = {}, as?: typeof TENANT) => {
    const { data, errors } = await call<{ grants: Page }>(GRANTS, variables, as)
    if (!data) throw new Error(JSON.stringify(errors))
    return { ...data.grants, ids: data.grants.edges.map(({ cursor }) => cursor) }
  }
  const errorOf = async (query: string, variables: object, as?: typeof TENANT) => {
    const [error] = (await call(query, variables, as)).errors ?? []
    return [error?.extensions.code, error?.message]
  }

  it('shows grants with what they are about, newest first', async () => {
    const { edges, ids: shown, pageInfo } = await page()
    expect(shown).toEqual([...ids].reverse())
    expect(pageInfo).toEqual({
      startCursor: ids[2],
      endCursor: ids[0],
      hasNextPage: false,
      hasPreviousPage: false
    })
    expect(edges[2]!.node).toMatchObject({
      id: ids[0],
      client: harness.client.walletAddress,
      state: 'PENDING',
      finalizationReason: null,
      tenantId: OPERATOR_ID,
      access: [
        {
          identifier: IDENTIFIER,
          type: 'outgoing-payment',
          actions: ['create', 'read'],
          limits: OUTGOING.limits
        }
      ],
      subject: { sub_ids: [{ subId: IDENTIFIER, subIdFormat: 'uri' }] }
    })
    expect(edges[1]!.node).toMatchObject({ state: 'APPROVED', subject: null, access: [{ limits: null }] })
  })

  it('pages both ways and says truly whether there is more', async () => {
    const [a, b, c] = ids as [string, string, string]
    expect(await page({ first: 2, sortOrder: 'ASC' })).toMatchObject({
      ids: [a, b],
      pageInfo: { hasNextPage: true, hasPreviousPage: false }
    })
    expect(await page({ first: 2, after: a, sortOrder: 'ASC' })).toMatchObject({
      ids: [b, c],
      pageInfo: { hasNextPage: false, hasPreviousPage: true }
    })
    expect(await page({ last: 1, before: c, sortOrder: 'ASC' })).toMatchObject({
      ids: [b],
      pageInfo: { hasNextPage: true, hasPreviousPage: true }
    })
    expect(await page({ last: 5, before: a })).toMatchObject({
      ids: [c, b],
      pageInfo: { hasNextPage: true, hasPreviousPage: false }
    })
    expect(await page({ first: 0 })).toMatchObject({ ids: [c, b, a] })
    const empty = {
      ids: [],
      pageInfo: { startCursor: null, endCursor: null, hasNextPage: false, hasPreviousPage: false }
    }
    for (const after of ['44444444-4444-4444-8444-444444444444', 'x'])
      expect(await page({ after })).toMatchObject(empty)
  })

  it.each([
    [{ first: 101 }, 'Pagination index error'],
    [{ first: -1 }, 'Pagination index error'],
    [{ last: 1 }, "Can't paginate backwards from the start."]
  ])('refuses the page %j', async (variables, message) => {
    expect(await errorOf(GRANTS, variables)).toEqual(['BAD_USER_INPUT', message])
  })

  it('filters, every condition counting', async () => {
    const [pending, issued, foreign] = ids as [string, string, string]
    const filtered = async (filter: object, more: object = {}) =>
      (await page({ filter, sortOrder: 'ASC', ...more })).ids
    expect(await filtered({ state: { in: ['PENDING'] } })).toEqual([pending])
    expect(await filtered({ state: { notIn: ['PENDING'] } })).toEqual([issued, foreign])
    expect(await filtered({ identifier: { in: [IDENTIFIER] } })).toEqual([pending])
    expect(await filtered({ identifier: { in: [IDENTIFIER] }, state: { in: ['APPROVED'] } })).toEqual([])
    expect(await filtered({ finalizationReason: { notIn: ['REVOKED'] } })).toEqual(ids)
    expect(await filtered({ finalizationReason: { in: ['REVOKED'] } })).toEqual([])
    expect(await filtered({}, { tenantId: TENANT.id })).toEqual([foreign])
    expect(await errorOf(GRANTS, { tenantId: 'x' })).toEqual(['BAD_USER_INPUT', 'Invalid Tenant ID'])
  })

  it('shows a tenant its own grants, whatever it asks for', async () => {
    expect((await page({ tenantId: OPERATOR_ID }, TENANT)).ids).toEqual([ids[2]])
    // A cursor of another tenant is none: that there is such a grant is not told either.
    expect((await page({ after: ids[0], sortOrder: 'ASC' }, TENANT)).ids).toEqual([])
    expect((await page({ after: ids[0], sortOrder: 'ASC' })).ids).toEqual([ids[1], ids[2]])
    const query = 'query ($id: ID!) { grant(id: $id) { id } }'
    expect((await call(query, { id: ids[2] }, TENANT)).data).toEqual({ grant: { id: ids[2] } })
    expect(await errorOf(query, { id: ids[0] }, TENANT)).toEqual(['NOT_FOUND', 'No grant'])
    expect(await errorOf(query, { id: 'x' })).toEqual(['NOT_FOUND', 'No grant'])
  })

  it('revokes a grant with its tokens, and may be asked again', async () => {
    const revoke = 'mutation ($input: RevokeGrantInput!) { revokeGrant(input: $input) { id } }'
    expect(await errorOf(revoke, { input: { grantId: '' } })).toEqual([
      'FORBIDDEN',
      'Grant id is not provided'
    ])
    for (const grantId of ['x', '44444444-4444-4444-8444-444444444444']) {
      expect(await errorOf(revoke, { input: { grantId } })).toEqual([
        'NOT_FOUND',
        'Revoke grant was not successful'
      ])
    }
    const { token } = await actors.issue()
    const [row] = await harness.sql('SELECT "grantId" FROM "accessTokens" WHERE value = ?', [token])
    const input = { grantId: row!.grantId }
    expect(await errorOf(revoke, { input }, TENANT)).toEqual(['NOT_FOUND', 'Revoke grant was not successful'])
    expect((await actors.introspect(token)).json()).toMatchObject({ active: true })
    for (let time = 0; time < 2; time++) {
      expect((await call(revoke, { input })).data).toEqual({ revokeGrant: { id: input.grantId } })
    }
    expect((await actors.introspect(token)).json()).toEqual({ active: false })
    expect(
      (await page({ filter: { finalizationReason: { in: ['REVOKED'] } } })).edges[0]!.node
    ).toMatchObject({ state: 'FINALIZED' })
  })

  it('loads a page of 100 grants by as many statements as one of 10', async () => {
    const made = `INSERT INTO grants (id, "tenantId", state, client, "continueId", "continueToken", "lastContinuedAt", "createdAt", "updatedAt")
      SELECT gen_random_uuid(), ?, 'APPROVED', 'https://client.example', gen_random_uuid(), 'x', now(), now() + interval '1 day', now()
      FROM generate_series(1, 100) RETURNING id`
    const grantIds = (await harness.sql(made, [OPERATOR_ID])).map(({ id }) => id)
    await harness.sql(
      `INSERT INTO accesses (id, "grantId", position, type, actions, "createdAt")
       SELECT gen_random_uuid(), id, position, 'quote', '["create"]', now()
       FROM unnest(?::uuid[]) AS id, generate_series(0, 1) AS position`,
      [grantIds]
    )
    await harness.sql(
      `INSERT INTO subjects (id, "grantId", position, "subId", "subIdFormat", "createdAt")
       SELECT gen_random_uuid(), id, 0, 'x', 'uri', now() FROM unnest(?::uuid[]) AS id`,
      [grantIds]
    )
    const counts: number[] = []
    for (const first of [10, 100]) {
      const before = harness.auth.statementCount()
      const { edges } = await page({ first })
      counts.push(harness.auth.statementCount() - before)
      expect(edges).toHaveLength(first)
      for (const { node } of edges)
        expect(node).toMatchObject({ access: [{}, {}], subject: { sub_ids: [{}] } })
    }
    // The tenant, the page, its access items and its subjects.
    expect(counts).toEqual([4, 4])
  })
})
