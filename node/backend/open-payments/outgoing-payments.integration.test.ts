import { beforeAll, describe, expect, it } from 'vitest'
import { useOpenPayments, usd, UNKNOWN_ID } from './open-payments.test-support.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'

describe('Open Payments, as third parties see it: quotes and outgoing payments', () => {
  const { desk, tokenFor, consentedToken, signed } = useOpenPayments()
  let node: TestNode
  let alice: TestWalletAddress
  let bob: TestWalletAddress
  let shop: TestWalletAddress
  let resources: string
  beforeAll(() => {
    ;({ node, alice, bob, shop, resources } = desk)
  })

  describe('payments within the node', () => {
    async function createReceiver(amount?: string) {
      const accessToken = await tokenFor(shop, 'incoming-payment', ['create', 'read'])
      const { id } = await shop.client.incomingPayment.create(
        { url: resources, accessToken },
        { walletAddress: bob.url, ...(amount !== undefined && { incomingAmount: usd(amount) }) }
      )
      return { id, accessToken }
    }

    const fund = (id: string) =>
      node.admin(
        `mutation ($input: DepositOutgoingPaymentLiquidityInput!) {
           depositOutgoingPaymentLiquidity(input: $input) { success } }`,
        { input: { outgoingPaymentId: id, idempotencyKey: id } }
      )

    it('go from quote to completion, under the limits of their grant', async () => {
      const receiver = await createReceiver('400')
      const quoteToken = await tokenFor(shop, 'quote', ['create', 'read'])
      const quote = await shop.client.quote.create(
        { url: resources, accessToken: quoteToken },
        { walletAddress: alice.url, receiver: receiver.id, method: 'ilp' }
      )
      expect(quote).toMatchObject({ debitAmount: usd('400'), receiveAmount: usd('400'), method: 'ilp' })
      expect(await shop.client.quote.get({ url: quote.id, accessToken: quoteToken })).toEqual(quote)

      const accessToken = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create', 'read', 'list'],
        identifier: alice.url,
        limits: { debitAmount: usd('500') }
      })
      const grantUrl = `${resources}/outgoing-payment-grant`
      const spent = async () =>
        (await node.fetch(grantUrl, signed(shop, 'GET', grantUrl, { token: accessToken }))).body
      expect(await spent()).toEqual({ spentDebitAmount: null, spentReceiveAmount: null })

      const payment = await shop.client.outgoingPayment.create(
        { url: resources, accessToken },
        { walletAddress: alice.url, quoteId: quote.id, metadata: { order: 1 } }
      )
      const paymentId = payment.id.slice(-36)
      expect(payment).toMatchObject({
        walletAddress: alice.url,
        quoteId: quote.id,
        receiver: receiver.id,
        debitAmount: usd('400'),
        receiveAmount: usd('400'),
        sentAmount: usd('0'),
        failed: false,
        metadata: { order: 1 },
        grantSpentDebitAmount: usd('0'),
        grantSpentReceiveAmount: usd('0')
      })
      expect(await spent()).toMatchObject({ spentDebitAmount: usd('400') })

      // A second payment does not fit the rest of the grant; a quote serves one payment.
      await expect(
        shop.client.outgoingPayment.create(
          { url: resources, accessToken },
          { walletAddress: alice.url, incomingPayment: (await createReceiver()).id, debitAmount: usd('101') }
        )
      ).rejects.toMatchObject({ status: 403, description: 'unauthorized' })
      const unlimited = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create'],
        identifier: alice.url
      })
      await expect(
        shop.client.outgoingPayment.create(
          { url: resources, accessToken: unlimited },
          { walletAddress: alice.url, quoteId: quote.id }
        )
      ).rejects.toMatchObject({ status: 400, description: 'invalid quote' })

      await node.told('outgoing_payment.created', paymentId)
      expect(await fund(paymentId)).toEqual({ data: { depositOutgoingPaymentLiquidity: { success: true } } })
      await node.told('outgoing_payment.completed', paymentId)
      expect(await shop.client.outgoingPayment.get({ url: payment.id, accessToken })).toMatchObject({
        sentAmount: usd('400'),
        failed: false
      })
      expect(
        await shop.client.incomingPayment.get({ url: receiver.id, accessToken: receiver.accessToken })
      ).toMatchObject({ receivedAmount: usd('400'), completed: true, methods: [] })
      const listed = await shop.client.outgoingPayment.list({
        url: resources,
        accessToken,
        walletAddress: alice.url
      })
      expect(listed.result).toMatchObject([{ id: payment.id, quoteId: quote.id }])
    })

    it('are listed for their client only, or for whoever may list all', async () => {
      const own = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create', 'list'],
        identifier: alice.url
      })
      const { id } = await shop.client.outgoingPayment.create(
        { url: resources, accessToken: own },
        { walletAddress: alice.url, incomingPayment: (await createReceiver()).id, debitAmount: usd('7') }
      )
      const listedBy = async (by: TestWalletAddress, action: 'list' | 'list-all') => {
        const grant = { type: 'outgoing-payment', actions: [action], identifier: alice.url }
        const { result } = await by.client.outgoingPayment.list({
          url: resources,
          accessToken: await consentedToken(by, grant),
          walletAddress: alice.url
        })
        return result.map((payment) => payment.id)
      }
      expect(await listedBy(shop, 'list')).toContain(id)
      expect(await listedBy(bob, 'list')).toEqual([])
      expect(await listedBy(bob, 'list-all')).toContain(id)
    })

    it('are created from an incoming payment and an amount', async () => {
      const receiver = await createReceiver()
      const accessToken = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create'],
        identifier: alice.url
      })
      const payment = await shop.client.outgoingPayment.create(
        { url: resources, accessToken },
        { walletAddress: alice.url, incomingPayment: receiver.id, debitAmount: usd('30') }
      )
      expect(payment).toMatchObject({
        debitAmount: usd('30'),
        receiveAmount: usd('30'),
        receiver: receiver.id
      })
    })

    it.each<[string, object, number, string]>([
      ['no receiver', { receiver: 'https://localhost:1/x/incoming-payments/1' }, 400, 'invalid receiver'],
      [
        'a number that is no amount',
        { debitAmount: usd('99999999999999999999') },
        400,
        'Could not parse amounts when creating quote'
      ],
      ['another asset', { debitAmount: { ...usd('1'), assetCode: 'EUR' } }, 400, 'invalid amount']
    ])('are not quoted with %s', async (_, input, status, description) => {
      const receiver = await createReceiver()
      const accessToken = await tokenFor(shop, 'quote', ['create'])
      await expect(
        shop.client.quote.create(
          { url: resources, accessToken },
          { walletAddress: alice.url, receiver: receiver.id, method: 'ilp', ...input }
        )
      ).rejects.toMatchObject({ status, description })
    })

    it('are refused with a quote id that is none', async () => {
      const accessToken = await consentedToken(shop, {
        type: 'outgoing-payment',
        actions: ['create'],
        identifier: alice.url
      })
      const create = (quoteId: string) =>
        shop.client.outgoingPayment.create(
          { url: resources, accessToken },
          { walletAddress: alice.url, quoteId }
        )
      await expect(create(`${resources}/quotes/7`)).rejects.toMatchObject({
        status: 400,
        description: 'Invalid quote id trying to create outgoing payment'
      })
      await expect(create(`${resources}/quotes/${UNKNOWN_ID}`)).rejects.toMatchObject({
        status: 404,
        description: 'unknown quote'
      })
    })
  })
})
