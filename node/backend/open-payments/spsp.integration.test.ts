import { createHmac } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { conditionOf, decodeReply, encodePrepare, isPacketError } from '../../ilp/index.ts'
import {
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf,
  StreamMoneyFrame,
  StreamReceiptFrame
} from '../../ilp/stream/codec.ts'
import { startTestNode } from './testing.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'

const TOKEN = 'from-the-peer'

interface Spsp {
  destination_account: string
  shared_secret: string
  receipts_enabled: boolean
}

describe('SPSP', () => {
  let node: TestNode
  let carol: TestWalletAddress
  const accept = 'application/spsp4+json'

  beforeAll(async () => {
    node = await startTestNode(inject('postgresUrl'))
    const assetId = (
      await run<{ asset: { id: string } }>(
        `mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`,
        { code: 'USD', scale: 2 }
      )
    ).asset.id
    carol = await node.createWalletAddress('carol', assetId)
    await run(`mutation ($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`, {
      assetId,
      staticIlpAddress: 'test.payer',
      http: {
        incoming: { authTokens: [TOKEN] },
        outgoing: { endpoint: 'http://payer.test/', authToken: 'x' }
      },
      initialLiquidity: '1000'
    })
  })
  afterAll(() => node.stop())

  async function run<Result>(mutation: string, input: object): Promise<Result> {
    const { data, errors } = await node.admin<Record<string, Result>>(mutation, { input })
    if (!data || errors) throw new Error(JSON.stringify(errors))
    return Object.values(data)[0]!
  }

  /** One STREAM packet through the connector's door; what its answer says, decrypted. */
  async function send({ destination_account: destination, shared_secret }: Spsp, amount: bigint) {
    const keys = deriveStreamKeys(Buffer.from(shared_secret, 'base64url'))
    const data = encryptStreamPacket(
      keys,
      { sequence: 1n, type: 12, prepareAmount: 0n, frames: [new StreamMoneyFrame(1, 1)] },
      node.runtime.random
    )
    const { body } = await node.http.request({
      method: 'POST',
      url: node.connectorUrl,
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/octet-stream' },
      body: encodePrepare({
        amount,
        destination,
        executionCondition: conditionOf(fulfillmentOf(keys, data)),
        expiresAtMs: node.runtime.clock.nowMs() + 20_000,
        data
      })
    })
    const reply = decodeReply(body)
    if (isPacketError(reply)) throw new Error('the answer is no packet')
    return { type: reply.type, frames: decryptStreamPacket(keys, reply.data)?.frames ?? [] }
  }

  const liquidity = async () =>
    (
      await node.admin<{ walletAddress: { liquidity: string | null } }>(
        `query ($id: String!) { walletAddress(id: $id) { liquidity } }`,
        { id: carol.id }
      )
    ).data!.walletAddress.liquidity

  it('pays the wallet address itself, with receipts, and its wallet withdraws all of it', async () => {
    expect(await liquidity()).toBeNull()
    const [nonce, secret] = [Buffer.alloc(16, 3), Buffer.alloc(32, 4)]
    const answer = await node.fetch(carol.url, {
      headers: {
        accept,
        'receipt-nonce': nonce.toString('base64'),
        'receipt-secret': secret.toString('base64')
      }
    })
    expect(answer.status).toBe(200)
    expect(answer.headers['content-type']).toMatch(/^application\/spsp4\+json/)
    const spsp = answer.body as Spsp
    expect(spsp.receipts_enabled).toBe(true)
    expect(spsp.shared_secret).toMatch(/^[\w-]{43}$/)

    const paid = await send(spsp, 70n)
    expect(paid.type).toBe('fulfill')
    const receipt = paid.frames.find((frame) => frame instanceof StreamReceiptFrame)!.receipt
    // RFC 39: version, nonce, stream, total, HMAC over these.
    expect(receipt.subarray(0, 17)).toEqual(Buffer.concat([Buffer.of(1), nonce]))
    expect(receipt.readBigUInt64BE(18)).toBe(70n)
    expect(receipt.subarray(26)).toEqual(
      createHmac('sha256', secret).update(receipt.subarray(0, 26)).digest()
    )
    expect(await liquidity()).toBe('70')

    const withdraw = (id: string, idempotencyKey = id) =>
      run(
        `mutation ($input: CreateWalletAddressWithdrawalInput!) { createWalletAddressWithdrawal(input: $input) {
           withdrawal { id amount walletAddress { id } } } }`,
        { walletAddressId: carol.id, id, idempotencyKey, timeoutSeconds: '0' }
      )
    const id = node.runtime.random.uuid()
    node.refuseCacheWrites('idempotency-result')
    expect(await withdraw(id)).toEqual({
      withdrawal: { id, amount: '70', walletAddress: { id: carol.id } }
    })
    expect(await liquidity()).toBe('0')
    // Its answer was not kept: asked again, it is done already.
    await expect(withdraw(id)).rejects.toThrow('Transfer already exists')
    node.refuseCacheWrites(undefined)
    await expect(withdraw(node.runtime.random.uuid())).rejects.toThrow('Transfer amount is zero')
    await expect(withdraw(id, 'another key')).rejects.toThrow('Transfer already exists')
    expect(
      await run(
        `mutation ($input: TriggerWalletAddressEventsInput!) { triggerWalletAddressEvents(input: $input) { count } }`,
        { limit: 5 }
      )
    ).toEqual({ count: 0 })
  })

  it('gives fresh credentials each time, without receipts unless they are asked for', async () => {
    const ask = async () => (await node.fetch(carol.url, { headers: { accept } })).body as Spsp
    const [one, two] = [await ask(), await ask()]
    expect(one.receipts_enabled).toBe(false)
    expect(one.destination_account).not.toBe(two.destination_account)
    const { type, frames } = await send(one, 1n)
    expect(type).toBe('fulfill')
    expect(frames.some((frame) => frame instanceof StreamReceiptFrame)).toBe(false)
  })

  it.each([
    ['a nonce alone', { 'receipt-nonce': Buffer.alloc(16).toString('base64') }],
    ['a secret alone', { 'receipt-secret': Buffer.alloc(32).toString('base64') }],
    ['a nonce of another length', { 'receipt-nonce': 'AA==', 'receipt-secret': 'AA==' }]
  ])('refuses %s', async (_, headers) => {
    expect((await node.fetch(carol.url, { headers: { accept, ...headers } })).status).toBe(400)
  })

  it.each(['application/spsp4+json;q=0, */*', '*/*', 'application/json'])(
    'answers who does not ask for it with the wallet address: Accept: %s',
    async (other) => {
      expect(await node.fetch(carol.url, { headers: { accept: other } })).toMatchObject({
        status: 200,
        body: { id: carol.url }
      })
    }
  )

  it('knows no other address', async () => {
    const unknown = `${node.openPaymentsUrl}/nobody`
    expect((await node.fetch(unknown, { headers: { accept } })).status).toBe(404)
  })
})
