import { afterAll, beforeAll, inject } from 'vitest'
import { startTestNode } from '../open-payments/testing.ts'
import type { AdminError, TestNode } from '../open-payments/testing.ts'
import { CREATE_ASSET, DEPOSIT_ASSET } from './operations.test-support.ts'

/** A second tenant, beside the operator. */
export const TENANT = { tenantId: '77777777-7777-4777-8777-777777777777', secret: 'tenant secret' }
/** The id of nothing. */
export const UNKNOWN_ID = '99999999-9999-4999-8999-999999999999'

export type Json = Record<string, never>

/**
 * A node of its own for the tests of a file, with two tenants and an asset USD/2 that holds 1000.
 *
 * @param environment of its backend, beyond the least; asked for when the node starts
 */
export function useAdminApi(environment: () => Record<string, string> = () => ({})) {
  const desk = {} as { node: TestNode; assetId: string }
  let drawn = 0

  beforeAll(async () => {
    const node = await startTestNode(inject('postgresUrl'), { backend: environment() })
    desk.node = node
    await node.createTenant(TENANT)
    desk.assetId = (await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'USD', scale: 2 })).asset.id
    await ok(DEPOSIT_ASSET, { assetId: desk.assetId, amount: '1000', id: id(), idempotencyKey: id() })
  })
  afterAll(() => desk.node.stop())

  /** A new UUID. */
  function id(): string {
    drawn += 1
    return `00000000-0000-4000-8000-${drawn.toString().padStart(12, '0')}`
  }

  /** What a mutation of one input answered. */
  async function ok<Result>(mutation: string, input: object, as?: typeof TENANT): Promise<Result> {
    const { data, errors } = await desk.node.admin<Record<string, Result>>(mutation, { input }, as)
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return Object.values(data)[0]!
  }

  /** The error that a mutation of one input gave. */
  async function refused(mutation: string, input: object, as?: typeof TENANT): Promise<AdminError> {
    const { errors } = await desk.node.admin(mutation, { input }, as)
    if (!errors) throw new Error('it was not refused')
    return errors[0]!
  }

  /** What a query answered. */
  async function query<Data = Json>(text: string, variables = {}, as?: typeof TENANT): Promise<Data> {
    const { data, errors } = await desk.node.admin<Data>(text, variables, as)
    if (errors || !data) throw new Error(JSON.stringify(errors))
    return data
  }

  return { desk, id, ok, refused, query }
}

export const asError = (code: string, message: string) => ({ message, extensions: { code } })
