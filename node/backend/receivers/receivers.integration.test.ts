import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startTestNode } from '../open-payments/testing.ts'
import type { TestNode } from '../open-payments/testing.ts'
import { until } from '../testing.ts'

const CREATE_RECEIVER = `mutation ($input: CreateReceiverInput!) { createReceiver(input: $input) {
  receiver { id walletAddressUrl completed incomingAmount { value assetCode assetScale } metadata } } }`
const COMPLETE_RECEIVER = `mutation ($input: CompleteReceiverInput!) { completeReceiver(input: $input) {
  receiver { id completed } } }`
const RECEIVER = `query ($id: String!) { receiver(id: $id) { id completed receivedAmount { value } } }`

interface CreatedReceiver {
  createReceiver: { receiver: { id: string } }
}

describe('receivers on another node', () => {
  let payer: TestNode
  let payee: TestNode

  beforeAll(async () => {
    ;[payer, payee] = await Promise.all([
      startTestNode(inject('postgresUrl')),
      startTestNode(inject('postgresUrl'), { auth: { ACCESS_TOKEN_EXPIRY_SECONDS: '4' } })
    ])
    const { data } = await payee.admin<{ createAsset: { asset: { id: string } } }>(
      `mutation { createAsset(input: { code: "EUR", scale: 2 }) { asset { id } } }`
    )
    await payee.createWalletAddress('bob', data!.createAsset.asset.id)
  })
  afterAll(async () => {
    await Promise.all([payer.stop(), payee.stop()])
  })

  const create = (input: object = {}) =>
    payer.admin<CreatedReceiver>(CREATE_RECEIVER, {
      input: { walletAddressUrl: `${payee.openPaymentsUrl}/bob`, ...input }
    })

  it('are created there, read and completed, with tokens that are rotated as they expire', async () => {
    const created = await create({
      incomingAmount: { value: '700', assetCode: 'EUR', assetScale: 2 },
      metadata: { order: 1 }
    })
    expect(created).toMatchObject({
      data: {
        createReceiver: {
          receiver: {
            walletAddressUrl: `${payee.openPaymentsUrl}/bob`,
            completed: false,
            incomingAmount: { value: '700', assetCode: 'EUR', assetScale: 2 },
            metadata: { order: 1 }
          }
        }
      }
    })
    const { id } = created.data!.createReceiver.receiver
    for (let read = 0; read < 2; read++) {
      payer.shift(3_000) // of the four that a token lives: it is rotated
      expect(await payer.admin(RECEIVER, { id })).toEqual({
        data: { receiver: { id, completed: false, receivedAmount: { value: '0' } } }
      })
    }
    const there = await payee.admin(`query ($id: String!) { incomingPayment(id: $id) { state client } }`, {
      id: id.slice(-36)
    })
    expect(there).toEqual({
      data: { incomingPayment: { state: 'PENDING', client: `${payer.openPaymentsUrl}/.well-known/pay` } }
    })
    expect(await payer.admin(COMPLETE_RECEIVER, { input: { incomingPaymentUrl: id } })).toEqual({
      data: { completeReceiver: { receiver: { id, completed: true } } }
    })
    expect(await payer.admin(RECEIVER, { id })).toMatchObject({ data: { receiver: { completed: true } } })
  })

  it('share tokens when many are created at once', async () => {
    const created = await Promise.all(Array.from({ length: 10 }, () => create()))
    const ids = created.map(({ data }) => data?.createReceiver.receiver.id)
    expect(new Set(ids).size).toBe(10)
    expect(ids).not.toContain(undefined)
  })

  it('cost a grant once: later ones rotate its token', async () => {
    await create()
    const grants = async () => {
      const { data } = await payee.authAdmin<{ grants: { edges: { node: { id: string } }[] } }>(
        `{ grants(first: 100) { edges { node { id } } } }`
      )
      return data!.grants.edges.length
    }
    const before = await grants()
    expect(before).toBeGreaterThan(0)
    payer.shift(3_000)
    for (let n = 0; n < 3; n++) await create()
    expect(await grants()).toBe(before)
  })

  it.each<[string, () => object, string, string]>([
    [
      'into an unknown wallet address',
      () => ({ walletAddressUrl: `${payee.openPaymentsUrl}/carol` }),
      'NOT_FOUND',
      'unknown wallet address'
    ],
    [
      'in another asset',
      () => ({ incomingAmount: { value: '1', assetCode: 'USD', assetScale: 2 } }),
      'BAD_USER_INPUT',
      'invalid remote incoming payment request'
    ],
    [
      'on a node that is down',
      () => ({ walletAddressUrl: 'https://localhost:1/bob' }),
      'BAD_USER_INPUT',
      'invalid remote incoming payment request'
    ],
    ['at no URL', () => ({ walletAddressUrl: 'bob' }), 'NOT_FOUND', 'unknown wallet address']
  ])('are refused %s', async (_, input, code, message) => {
    expect((await create(input())).errors).toMatchObject([{ message, extensions: { code } }])
  })

  it('that are unknown there do not exist', async () => {
    const created = await create()
    const { id } = created.data!.createReceiver.receiver
    const unknown = `${id.slice(0, -36)}99999999-9999-4999-8999-999999999999`
    expect((await payer.admin(RECEIVER, { id: unknown })).errors).toMatchObject([
      { message: 'receiver does not exist', extensions: { code: 'NOT_FOUND' } }
    ])
  })

  it('are created though the payer stops meanwhile: what it signs is verified with its key until the end', async () => {
    const leaving = await startTestNode(inject('postgresUrl'))
    const { data } = await payee.admin<{ assets: { edges: { node: { id: string } }[] } }>(
      '{ assets { edges { node { id } } } }'
    )
    const { url } = await payee.createWalletAddress('dora', data!.assets.edges[0]!.node.id)
    let created: ReturnType<typeof leaving.admin> | undefined
    let stopped: Promise<void> | undefined
    await payee.database.transaction(async (trx) => {
      await trx.raw('LOCK TABLE "walletAddresses" IN ACCESS EXCLUSIVE MODE')
      created = leaving.admin(CREATE_RECEIVER, { input: { walletAddressUrl: url } })
      // It has come as far as the payee's wallet address: the grant is still to be asked for.
      await until(async () => {
        const { rows } = await trx.raw<{ rows: unknown[] }>(
          `SELECT 1 FROM pg_locks JOIN pg_database ON oid = database
           WHERE datname = current_database() AND relation = '"walletAddresses"'::regclass AND NOT granted`
        )
        return rows.length > 0
      })
      stopped = leaving.stop()
      const ready = `${leaving.openPaymentsUrl.replace('https:', 'http:')}/readyz`
      await until(async () => (await fetch(ready)).status === 503)
    })
    expect(await created).toMatchObject({ data: { createReceiver: { receiver: { walletAddressUrl: url } } } })
    await stopped
  })
})

describe('private addresses', () => {
  it('are not asked where the configuration forbids it', async () => {
    const node = await startTestNode(inject('postgresUrl'), {
      backend: { ALLOW_PRIVATE_ADDRESSES: 'false' }
    })
    const { errors } = await node.admin(CREATE_RECEIVER, {
      input: { walletAddressUrl: 'https://127.0.0.1:9/bob' }
    })
    expect(errors).toMatchObject([
      {
        message: 'invalid remote incoming payment request',
        extensions: { details: { reason: expect.stringContaining('is a private address') as string } }
      }
    ])
    await node.stop()
  })
})
