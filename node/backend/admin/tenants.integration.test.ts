import { beforeAll, describe, expect, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID } from '../testing.ts'
import { asError, TENANT, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'
import type { Json } from './admin-api.test-support.ts'
import { CREATE_ASSET, CREATE_WALLET_ADDRESS } from './operations.test-support.ts'

describe('the Admin API: tenants, repeats and limits', () => {
  const { desk, id, ok, refused, query } = useAdminApi()
  let node: TestNode
  let assetId: string
  beforeAll(() => {
    ;({ node, assetId } = desk)
  })

  it('knows who asks', async () => {
    expect(await query('{ whoami { id isOperator } }')).toEqual({
      whoami: { id: OPERATOR_ID, isOperator: true }
    })
    expect(await query('{ whoami { id isOperator } }', {}, TENANT)).toEqual({
      whoami: { id: TENANT.tenantId, isOperator: false }
    })
  })

  describe('tenants', () => {
    it('see themselves, with the settings stored as their own and none of the operator', async () => {
      const { tenant } = await query<{ tenant: { settings: { key: string; value: string }[] } }>(
        `query ($id: String!) { tenant(id: $id) { id apiSecret settings { key value } } }`,
        { id: TENANT.tenantId },
        TENANT
      )
      expect(tenant).toMatchObject({ id: TENANT.tenantId, apiSecret: TENANT.secret })
      expect(tenant.settings).toEqual([
        { key: 'WEBHOOK_TIMEOUT', value: '2000' },
        { key: 'WEBHOOK_MAX_RETRY', value: '10' },
        { key: 'ILP_ADDRESS', value: `test.acacia.${TENANT.tenantId}` }
      ])
    })

    it('see nothing of others; the operator sees all, or those of one', async () => {
      const own = await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'CHF', scale: 2 }, TENANT)
      const list = `query ($tenantId: String) { assets(tenantId: $tenantId) { edges { node { id } } } }`
      const ids = async (variables: object, as?: typeof TENANT) =>
        (
          await query<{ assets: { edges: { node: { id: string } }[] } }>(list, variables, as)
        ).assets.edges.map((edge) => edge.node.id)
      expect(await ids({ tenantId: OPERATOR_ID }, TENANT)).toEqual([own.asset.id])
      expect(await ids({ tenantId: TENANT.tenantId })).toEqual([own.asset.id])
      expect(await ids({})).toEqual(expect.arrayContaining([own.asset.id, assetId]))
      expect(await ids({ tenantId: OPERATOR_ID })).not.toContain(own.asset.id)
      const { errors } = await node.admin(
        `query ($id: String!) { asset(id: $id) { id } }`,
        { id: assetId },
        TENANT
      )
      expect(errors).toMatchObject([asError('NOT_FOUND', 'Asset not found')])
      expect(
        (await node.admin(`query ($id: String!) { tenant(id: $id) { id } }`, { id: OPERATOR_ID }, TENANT))
          .errors
      ).toMatchObject([asError('NOT_FOUND', 'tenant does not exist')])
    })

    it('act for nobody else; the operator for anybody', async () => {
      expect(
        await refused(CREATE_ASSET, { code: 'NOK', scale: 2, tenantId: OPERATOR_ID }, TENANT)
      ).toMatchObject(asError('BAD_USER_INPUT', 'Assignment to the specified tenant is not permitted'))
      expect(
        await ok(
          `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { tenant { id } } } }`,
          { code: 'NOK', scale: 2, tenantId: TENANT.tenantId }
        )
      ).toEqual({ asset: { tenant: { id: TENANT.tenantId } } })
    })

    it('without a base URL have no wallet addresses', async () => {
      const { asset } = await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'DKK', scale: 2 }, TENANT)
      expect(
        await refused(CREATE_WALLET_ADDRESS, { address: '/x', assetId: asset.id }, TENANT)
      ).toMatchObject(asError('NOT_FOUND', 'Setting for wallet address has not been found.'))
    })
  })

  describe('operations on tenants', () => {
    const CREATE = `mutation ($input: CreateTenantInput!) {
      createTenant(input: $input) { tenant { id email settings { key value } } } }`
    const UPDATE = `mutation ($input: UpdateTenantInput!) {
      updateTenant(input: $input) { tenant { email publicName apiSecret } } }`
    const DELETE = `mutation ($id: String!) { deleteTenant(id: $id) { success } }`
    const SET = `mutation ($input: CreateTenantSettingsInput!) {
      createTenantSettings(input: $input) { settings { key value } } }`
    const LIST = '{ tenants(first: 100) { edges { node { id deletedAt } } } }'
    const errorOf = async (text: string, variables: object, as?: typeof TENANT) =>
      (await node.admin(text, variables, as)).errors?.[0]

    it('create, change and delete one, which the operator lists', async () => {
      const own = { tenantId: id(), secret: 'first' }
      const settings = [{ key: 'WEBHOOK_TIMEOUT', value: '900' }]
      const created = await ok<{ tenant: { settings: { key: string; value: string }[] } }>(CREATE, {
        id: own.tenantId,
        apiSecret: own.secret,
        email: 'ops@acme.test',
        settings
      })
      expect(created.tenant).toMatchObject({ id: own.tenantId, email: 'ops@acme.test' })
      expect(created.tenant.settings).toEqual(
        expect.arrayContaining([...settings, { key: 'WEBHOOK_MAX_RETRY', value: '10' }])
      )
      // A tenant changes itself, its secret too; the operator everything else.
      expect(
        await ok(UPDATE, { id: own.tenantId, apiSecret: 'second', publicName: 'Acme' }, own)
      ).toMatchObject({
        tenant: { apiSecret: 'second', publicName: 'Acme' }
      })
      await expect(node.admin('{ whoami { id } }', {}, own)).rejects.toThrow('Unauthorized')
      const now = { ...own, secret: 'second' }
      expect(await ok(UPDATE, { id: own.tenantId, email: null })).toMatchObject({
        tenant: { email: null, publicName: 'Acme' }
      })
      expect(await ok(SET, { settings: [{ key: 'WEBHOOK_URL', value: 'https://acme.test/' }] }, now)).toEqual(
        {
          settings: [{ key: 'WEBHOOK_URL', value: 'https://acme.test/' }]
        }
      )
      expect((await node.admin(DELETE, { id: own.tenantId })).data).toEqual({
        deleteTenant: { success: true }
      })
      await expect(node.admin('{ whoami { id } }', {}, now)).rejects.toThrow('Unauthorized')
      const { tenants } = await query<{
        tenants: { edges: { node: { id: string; deletedAt: string | null } }[] }
      }>(LIST)
      expect(tenants.edges.map((edge) => edge.node)).toEqual(
        expect.arrayContaining([
          { id: OPERATOR_ID, deletedAt: null },
          { id: own.tenantId, deletedAt: expect.any(String) as string }
        ])
      )
    })

    it('are refused to who may not, and where they cannot be, in the words of the contract', async () => {
      const input = { apiSecret: 'x' }
      const cases: [string, object, typeof TENANT | undefined, ReturnType<typeof asError>][] = [
        [LIST, {}, TENANT, asError('FORBIDDEN', 'cannot get tenants page')],
        [CREATE, { input }, TENANT, asError('FORBIDDEN', 'permission denied')],
        [DELETE, { id: TENANT.tenantId }, TENANT, asError('FORBIDDEN', 'permission denied')],
        [UPDATE, { input: { id: OPERATOR_ID } }, TENANT, asError('NOT_FOUND', 'tenant does not exist')],
        [CREATE, { input: { ...input, id: 'x' } }, undefined, asError('BAD_USER_INPUT', 'Invalid Tenant ID')],
        [
          UPDATE,
          { input: { id: TENANT.tenantId, apiSecret: 'x' } },
          undefined,
          asError('BAD_USER_INPUT', 'Operator cannot update apiSecret over admin api')
        ],
        [UPDATE, { input: { id: UNKNOWN_ID } }, undefined, asError('NOT_FOUND', 'failed to update tenant')],
        [DELETE, { id: UNKNOWN_ID }, undefined, asError('NOT_FOUND', 'failed to delete tenant')],
        [DELETE, { id: OPERATOR_ID }, undefined, asError('NOT_FOUND', 'failed to delete tenant')],
        [
          SET,
          { input: { settings: [{ key: 'WEBHOOK_TIMEOUT', value: '0' }] } },
          TENANT,
          asError('BAD_USER_INPUT', 'Invalid value for one or more tenant settings')
        ],
        [
          SET,
          { input: { settings: [{ key: 'WALLET_ADDRESS_URL', value: node.openPaymentsUrl }] } },
          TENANT,
          asError('BAD_USER_INPUT', 'Wallet Address Url already exists')
        ],
        [
          CREATE,
          { input: { ...input, settings: [{ key: 'ILP_ADDRESS', value: 'x' }] } },
          undefined,
          asError('BAD_USER_INPUT', 'Invalid value for one or more tenant settings')
        ]
      ]
      for (const [text, variables, as, error] of cases) {
        expect(await errorOf(text, variables, as)).toMatchObject(error)
      }
    })
  })

  it('gives the first result again for an idempotency key, and refuses other arguments', async () => {
    const key = id()
    const input = { code: 'JPY', scale: 0, liquidityThreshold: '18446744073709551615', idempotencyKey: key }
    const first = await ok(CREATE_ASSET, input)
    expect(first).toMatchObject({ asset: { code: 'JPY' } })
    expect(await ok(CREATE_ASSET, input)).toEqual(first)
    expect(await refused(CREATE_ASSET, { ...input, scale: 1 })).toMatchObject(
      asError(
        'BAD_USER_INPUT',
        `Incoming arguments are different than the original request for idempotencyKey: ${key}`
      )
    )
  })

  it('runs concurrent calls of one key once', async () => {
    const input = { code: 'HUF', scale: 0, idempotencyKey: id() }
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => node.admin<Json>(CREATE_ASSET, { input }))
    )
    expect(answers.some(({ data, errors }) => data && !errors)).toBe(true)
    for (const { errors } of answers) {
      if (errors) {
        expect(errors).toMatchObject([
          asError('CONFLICT', `Concurrent request for idempotencyKey: ${input.idempotencyKey}`)
        ])
      }
    }
  })

  it('answers a list of many rows with a bounded number of statements', async () => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => ok(CREATE_ASSET, { code: `L${n}`, scale: 2 })))
    const text = (first: number) =>
      `{ assets(first: ${first}) { edges { node { liquidity sendingFee { id } receivingFee { id } tenant { id } } } } }`
    const before = node.statementCount()
    await query(text(20))
    expect(node.statementCount() - before).toBeLessThanOrEqual(5)
  })

  it.each([
    ['a page of too many', '{ assets(first: 101) { edges { cursor } } }', 'Pagination index error'],
    [
      'a page from the end',
      '{ assets(last: 1) { edges { cursor } } }',
      "Can't paginate backwards from the start."
    ],
    [
      'a filter that would show what it is to leave out',
      '{ outgoingPayments(filter: { receiver: { notIn: ["x"] } }) { edges { cursor } } }',
      'filter.receiver.notIn is not supported: use filter.receiver.in'
    ]
  ])('refuses %s', async (_, text, message) => {
    expect((await node.admin(text)).errors).toMatchObject([asError('BAD_USER_INPUT', message)])
  })
})
