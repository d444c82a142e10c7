import { isFinalizedGrantWithAccessToken } from '@interledger/open-payments'
import { createConnection } from 'ilp-protocol-stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { WireAmount } from '../sim/actors/payer.ts'
import type { CustomerAccount } from '../sim/actors/wallet/accounts.ts'
import { audit, payingNetworkOf } from '../sim/networks/network.ts'
import { walletAddressUrl } from '../sim/networks/plan.ts'
import { LINK_TRANSPORTS, sameAsset } from '../sim/topology/model.ts'
import type { AssetId, LinkTransport } from '../sim/topology/model.ts'
import { startLocalNetwork } from '../sim/worlds/local/world.ts'
import type { LocalNetwork } from '../sim/worlds/local/world.ts'
import { topology } from './network-fixture.ts'
import { openStreamPeer } from './third-party/stream-peer.ts'
import type { StreamPeer } from './third-party/stream-peer.ts'
import { openThirdPartyWallet } from './third-party/wallet.ts'

const NODE = 'baobab'
const EUR: AssetId = { code: 'EUR', scale: 4 }
const USD: AssetId = { code: 'USD', scale: 2 }

/** Minor units: each payment takes several packets, and its sender has to learn of the limit first. */
const MAX_PACKET_AMOUNT = { [EUR.code]: 25_0000n, [USD.code]: 25_00n }

describe('strangers of ilp-protocol-stream and a deployed plugin beside a node', { timeout: 60_000 }, () => {
  let network: LocalNetwork
  const open: { close(): Promise<void> }[] = []

  beforeAll(async () => {
    network = await startLocalNetwork(
      topology('pair', (pair) => {
        pair.nodes = pair.nodes.filter(({ name }) => name === NODE)
        pair.links = []
        pair.payments = []
      })
    )
  })
  afterEach(async () => {
    for (const thing of open.splice(0).reverse()) await thing.close()
  })
  afterAll(() => network?.stop())

  const wallet = () => network.wallets.get(NODE)!
  const account = (): CustomerAccount => wallet().accounts.get('bob')!

  async function openPeer(
    name: string,
    transport: LinkTransport,
    asset: AssetId,
    liquidity: bigint
  ): Promise<StreamPeer> {
    const peer = await openStreamPeer({
      name: `${name}-${transport}`,
      transport,
      node: { connectorUrl: network.plan.plans[0]!.urls.connector, admin: wallet().admin },
      assetId: network.nodes[0]!.assets.find((found) => sameAsset(found.asset, asset))!.id,
      liquidity,
      maxPacketAmount: MAX_PACKET_AMOUNT[asset.code]!
    })
    open.push(peer)
    return peer
  }

  it.each(LINK_TRANSPORTS)(
    'pay an incoming payment through the credentials that Open Payments gives, over %s',
    async (transport) => {
      const liquidity = 1_000_0000n
      const total = 123_4567n
      const peer = await openPeer('payer', transport, EUR, liquidity)
      const before = account().balance
      const { client } = await payingNetworkOf(network).payerKnownAs({ walletAddress: 'bob', node: NODE })

      const address = await client.walletAddress.get({ url: walletAddressUrl(network.plan.plans[0]!, 'bob') })
      const grant = await client.grant.request(
        { url: address.authServer },
        { access_token: { access: [{ type: 'incoming-payment', actions: ['create', 'read'] }] } }
      )
      if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('the node asks for consent to be paid')
      const accessToken = grant.access_token.value
      const { id: url } = await client.incomingPayment.create(
        { url: address.resourceServer, accessToken },
        {
          walletAddress: address.id,
          incomingAmount: { value: total.toString(), assetCode: 'EUR', assetScale: 4 }
        }
      )
      const offered = await client.incomingPayment.get({ url, accessToken })
      const method = 'methods' in offered ? offered.methods.find(({ type }) => type === 'ilp') : undefined
      if (!method) throw new Error('the incoming payment offers no way to pay by ILP')

      const connection = await createConnection({
        plugin: peer.plugin,
        destinationAccount: method.ilpAddress,
        sharedSecret: Buffer.from(method.sharedSecret, 'base64url')
      })
      await connection.createStream().sendTotal(total.toString())
      await connection.end()
      expect(connection.totalSent).toBe(total.toString())
      expect(connection.totalDelivered).toBe(total.toString())

      await wallet().until(() => account().balance > before)
      expect(account().balance).toBe(before + total)
      const { incomingPayment } = await wallet().admin.call<{ incomingPayment: object }>(INCOMING_PAYMENT, {
        id: url.slice(url.lastIndexOf('/') + 1)
      })
      expect(incomingPayment).toEqual({ state: 'COMPLETED', receivedAmount: { value: total.toString() } })
      expect(await client.incomingPayment.get({ url, accessToken })).toMatchObject({
        completed: true,
        receivedAmount: { value: total.toString() }
      })
      expect(await peer.balance()).toBe(liquidity - total)
      expect((await audit(network)).problems).toEqual([])
    }
  )

  it.each(LINK_TRANSPORTS)(
    'are paid by our sender, with a change of currency, exactly what was promised, over %s',
    async (transport) => {
      const promised = 200_00n
      const peer = await openPeer('shop', transport, USD, 0n)
      const shop = await openThirdPartyWallet(network.runtime, { peer, asset: USD })
      open.push(shop)
      const { admin } = wallet()
      const walletAddressId = network.nodes[0]!.walletAddresses.find(({ name }) => name === 'bob')!.id
      const before = account().balance
      const incomingAmount = { value: promised.toString(), assetCode: 'USD', assetScale: 2 }

      const { createReceiver } = await admin.call<{ createReceiver: { receiver: { id: string } } }>(
        CREATE_RECEIVER,
        { input: { walletAddressUrl: shop.walletAddressUrl, incomingAmount } }
      )
      const receiver = createReceiver.receiver.id
      expect(shop.payments.map(({ url }) => url)).toEqual([receiver])
      const { createQuote } = await admin.call<{ createQuote: { quote: QuoteAnswer } }>(CREATE_QUOTE, {
        input: { walletAddressId, receiver }
      })
      const { id: quoteId, debitAmount, receiveAmount } = createQuote.quote
      expect(receiveAmount).toEqual(incomingAmount)

      let held = 0n
      const settled = wallet().until(() => {
        if (account().held > 0n) held = account().held
        return held > 0n && account().held === 0n
      })
      await admin.call(CREATE_OUTGOING_PAYMENT, { input: { walletAddressId, quoteId } })
      await settled

      const { outgoingPayment } = await admin.call<{ outgoingPayment: OutgoingPaymentAnswer }>(
        OUTGOING_PAYMENT,
        {
          id: quoteId
        }
      )
      expect(outgoingPayment).toMatchObject({ state: 'COMPLETED', error: null })
      expect(held).toBe(BigInt(debitAmount.value))
      expect(account().balance).toBe(before - held)
      const sent = BigInt(outgoingPayment.sentAmount.value)
      expect(sent).toBeLessThanOrEqual(held)
      // At the node's own rate of 1.10 nothing less buys what was promised.
      expect(sent * 110n).toBeGreaterThanOrEqual(promised * 100n * 100n)

      const [payment] = shop.payments
      // One unit of EUR/4 buys less than one of USD/2: there is nothing above the promise to deliver.
      expect(payment!.received).toBe(promised)
      expect(payment!.packets).toBeGreaterThanOrEqual(Number(promised / MAX_PACKET_AMOUNT[USD.code]!))
      expect(await peer.balance()).toBe(promised)
      expect((await audit(network)).problems).toEqual([])
    }
  )
})

interface QuoteAnswer {
  id: string
  debitAmount: WireAmount
  receiveAmount: WireAmount
}

interface OutgoingPaymentAnswer {
  state: string
  error: string | null
  sentAmount: WireAmount
}

const INCOMING_PAYMENT = `query IncomingPayment($id: String!) {
  incomingPayment(id: $id) { state receivedAmount { value } } }`
const CREATE_RECEIVER = `mutation CreateReceiver($input: CreateReceiverInput!) {
  createReceiver(input: $input) { receiver { id } } }`
const CREATE_QUOTE = `mutation CreateQuote($input: CreateQuoteInput!) { createQuote(input: $input) {
  quote { id debitAmount { value assetCode assetScale } receiveAmount { value assetCode assetScale } } } }`
const CREATE_OUTGOING_PAYMENT = `mutation CreateOutgoingPayment($input: CreateOutgoingPaymentInput!) {
  createOutgoingPayment(input: $input) { payment { id } } }`
const OUTGOING_PAYMENT = `query OutgoingPayment($id: String!) {
  outgoingPayment(id: $id) { state error sentAmount { value assetCode assetScale } } }`
