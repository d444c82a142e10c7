import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { decodeReply, encodePrepare } from '../../ilp/index.ts'
import type { Listener } from '../../runtime/index.ts'
import { startTestNode } from '../open-payments/testing.ts'
import type { TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID, TEST_ENVIRONMENT, until } from '../testing.ts'
import * as operations from './operations.test-support.ts'

type Who = { tenantId: string; secret: string }

const DOORS = ['webhooks', 'rates', 'http', 'btp'] as const
const OPERATOR: Who = { tenantId: OPERATOR_ID, secret: TEST_ENVIRONMENT.ADMIN_API_SECRET }
const TENANT: Who = { tenantId: '00000000-0000-4000-8000-0000000000aa', secret: 'tenant secret' }

/** With ALLOW_PRIVATE_ADDRESSES=false: doors on this machine, which count who knocks. */
describe('URLs that lead to private addresses', () => {
  let node: TestNode
  const listeners: Listener[] = []

  beforeAll(async () => {
    node = await startTestNode(inject('postgresUrl'), { backend: { ALLOW_PRIVATE_ADDRESSES: 'false' } })
    await node.createTenant(TENANT, `${node.openPaymentsUrl}/tenant`)
  })
  afterAll(async () => {
    for (const listener of listeners) await listener.close()
    await node.stop()
  })

  async function ok<Data>(query: string, input: object, as: Who): Promise<Data> {
    const { data, errors } = await node.admin<Record<string, Data>>(query, { input }, as)
    if (errors !== undefined || data === undefined) throw new Error(JSON.stringify(errors))
    return Object.values(data)[0] as Data
  }

  async function packet(token: string, destination: string) {
    const answer = await node.http.request({
      method: 'POST',
      url: node.connectorUrl,
      headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${token}` },
      body: encodePrepare({
        amount: 1n,
        destination,
        executionCondition: Buffer.alloc(32),
        expiresAtMs: node.runtime.clock.nowMs() + 5_000,
        data: Buffer.alloc(0)
      })
    })
    return decodeReply(answer.body)
  }

  /** Has the node call each of four doors in somebody's name; how often each was reached, and what he was told. */
  async function callAll(as: Who, name: string) {
    const knocks = { webhooks: 0, rates: 0, http: 0, btp: 0 }
    const ports = {} as Record<(typeof DOORS)[number], number>
    for (const door of DOORS) {
      const listener = await node.runtime.network.listen({ host: '127.0.0.1', port: 0 }, (socket) => {
        knocks[door]++
        socket.destroy()
      })
      listeners.push(listener)
      ports[door] = listener.address.port
    }
    await ok(
      `mutation ($input: CreateTenantSettingsInput!) { createTenantSettings(input: $input) { settings { key } } }`,
      {
        settings: [
          { key: 'WEBHOOK_URL', value: `http://127.0.0.1:${ports.webhooks}/` },
          { key: 'EXCHANGE_RATES_URL', value: `http://127.0.0.1:${ports.rates}/` }
        ]
      },
      as
    )
    const { asset } = await ok<{ asset: { id: string } }>(
      operations.CREATE_ASSET,
      { code: 'USD', scale: 2 },
      as
    )
    const { asset: other } = await ok<{ asset: { id: string } }>(
      operations.CREATE_ASSET,
      { code: 'EUR', scale: 2 },
      as
    )
    const addressIn = async (assetId: string, path: string) =>
      (
        await ok<{ walletAddress: { id: string } }>(
          operations.CREATE_WALLET_ADDRESS,
          { address: `${node.openPaymentsUrl}/${name}/${path}`, assetId },
          as
        )
      ).walletAddress.id
    const payer = await addressIn(asset.id, 'payer')
    const { payment } = await ok<{ payment: { url: string } }>(
      operations.CREATE_INCOMING,
      {
        walletAddressId: await addressIn(other.id, 'payee'),
        incomingAmount: { value: '5', assetCode: 'EUR', assetScale: 2 }
      },
      as
    )
    const quote = await node.admin(
      operations.CREATE_QUOTE,
      { input: { walletAddressId: payer, receiver: payment.url } },
      as
    )
    for (const [door, endpoint] of [
      ['in', 'http://192.0.2.1/'],
      ['http', `http://127.0.0.1:${ports.http}/`],
      ['btp', `btp+ws://127.0.0.1:${ports.btp}/`]
    ]) {
      await ok(
        operations.CREATE_PEER,
        {
          assetId: asset.id,
          staticIlpAddress: `test.${name}-${door}`,
          http: {
            incoming: { authTokens: [`${name}-${door}`] },
            outgoing: { endpoint, authToken: 'x' }
          },
          initialLiquidity: '1000'
        },
        as
      )
    }
    const packets = {
      http: await packet(`${name}-in`, `test.${name}-http.bob`),
      btp: await packet(`${name}-in`, `test.${name}-btp.bob`)
    }
    let lastError: string | null = null
    await until(async () => {
      const { data } = await node.admin<{
        webhookEvents: { edges: { node: { deliveries: { lastError: string | null }[] } }[] }
      }>(`{ webhookEvents { edges { node { deliveries { lastError } } } } }`, {}, as)
      lastError = data?.webhookEvents.edges[0]?.node.deliveries[0]?.lastError ?? null
      return lastError !== null
    })
    return { knocks, quote, packets, lastError }
  }

  it('of the operator are called: webhooks, rates, peers over HTTP and BTP', async () => {
    const { knocks } = await callAll(OPERATOR, 'operator')
    expect(DOORS.filter((door) => knocks[door] === 0)).toEqual([])
  })

  it('of a tenant are not, and it is told why and not whether somebody is there', async () => {
    const { knocks, quote, packets, lastError } = await callAll(TENANT, 'tenant')
    expect(knocks).toEqual({ webhooks: 0, rates: 0, http: 0, btp: 0 })
    expect(lastError).toContain('is a private address')
    expect(quote.errors).toHaveLength(1)
    expect(packets).toMatchObject({
      http: { type: 'reject', code: 'T01' },
      btp: { type: 'reject', code: 'T01' }
    })
  })

  it('of the configuration are called in a tenant’s name: one without a receiver or rates of its own', async () => {
    const tenant = { tenantId: '00000000-0000-4000-8000-0000000000bb', secret: 'other secret' }
    await node.createTenant(tenant, `${node.openPaymentsUrl}/other`)
    const { asset } = await ok<{ asset: { id: string } }>(
      operations.CREATE_ASSET,
      { code: 'USD', scale: 2 },
      tenant
    )
    const { walletAddress } = await ok<{ walletAddress: { id: string } }>(
      operations.CREATE_WALLET_ADDRESS,
      { address: `${node.openPaymentsUrl}/other/payee`, assetId: asset.id },
      tenant
    )
    const { payment } = await ok<{ payment: { id: string } }>(
      operations.CREATE_INCOMING,
      { walletAddressId: walletAddress.id },
      tenant
    )
    expect((await node.told('incoming_payment.created', payment.id)).data).toMatchObject({ id: payment.id })
  })
})
