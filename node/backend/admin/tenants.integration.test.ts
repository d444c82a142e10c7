import { beforeAll, describe, expect, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID } from '../testing.ts'
import { asError, TENANT, useAdminApi } from './admin-api.test-support.ts'
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
    it('see themselves, with the settings in force', async () => {
      const { tenant } = await query<{ tenant: { settings: { key: string; value: string }[] } }>(
        `query ($id: String!) { tenant(id: $id) { id apiSecret settings { key value } } }`,
        { id: TENANT.tenantId },
        TENANT
      )
      expect(tenant).toMatchObject({ id: TENANT.tenantId, apiSecret: TENANT.secret })
      expect(Object.fromEntries(tenant.settings.map(({ key, value }) => [key, value]))).toMatchObject({
        WEBHOOK_TIMEOUT: '2000',
        WEBHOOK_MAX_RETRY: '10',
        ILP_ADDRESS: `test.acacia.${TENANT.tenantId}`
      })
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
