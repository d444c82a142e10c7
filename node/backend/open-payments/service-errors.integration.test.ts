import { isFinalizedGrantWithAccessToken, isPendingGrant } from '@interledger/open-payments'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { usd } from './open-payments.test-support.ts'
import type { TestNode, TestWalletAddress } from './testing.ts'
import { run, startPeeredNodes } from './two-nodes.test-support.ts'

// What the services refuse, as clients read it: status, words and details. A dollar buys 0.8 euros, nothing in pounds.

interface Refusal {
  status: number
  description: string
  details?: { minSendAmount?: { value: string } }
}

describe('what the services refuse, over HTTP', () => {
  let network: Awaited<ReturnType<typeof startPeeredNodes>>
  let acacia: TestNode
  let alice: TestWalletAddress
  let carol: TestWalletAddress
  let pound: TestWalletAddress
  let bob: TestWalletAddress
  let resources: string
  let quoteToken: string

  beforeAll(async () => {
    network = await startPeeredNodes(inject('postgresUrl'), { QUOTE_LIFESPAN: '30000' })
    const { dollars, euros, baobab } = network
    acacia = network.acacia
    alice = await acacia.createWalletAddress('alice', dollars, 1)
    carol = await acacia.createWalletAddress('carol', dollars, 2)
    const { asset } = await run<{ asset: { id: string } }>(
      acacia,
      'createAsset',
      'CreateAssetInput',
      '{ asset { id } }',
      { code: 'GBP', scale: 2 }
    )
    pound = await acacia.createWalletAddress('pound', asset.id, 3)
    bob = await baobab.createWalletAddress('bob', euros, 4)
    resources = (await alice.client.walletAddress.get({ url: alice.url })).resourceServer
    quoteToken = await tokenFor(alice, 'quote', ['create', 'read'])
    await run(acacia, 'setFee', 'SetFeeInput', '{ fee { id } }', {
      assetId: dollars,
      type: 'SENDING',
      fee: { fixed: '10', basisPoints: 100 }
    })
  })
  afterAll(() => network.stop())

  async function tokenFor(at: TestWalletAddress, type: 'incoming-payment' | 'quote', actions: string[]) {
    const { authServer } = await alice.client.walletAddress.get({ url: at.url })
    const grant = await alice.client.grant.request(
      { url: authServer },
      { access_token: { access: [{ type, actions }] as never } }
    )
    if (!isFinalizedGrantWithAccessToken(grant)) throw new Error('a grant without a token')
    return grant.access_token.value
  }

  async function consentedToken(limits?: object): Promise<string> {
    const { authServer } = await alice.client.walletAddress.get({ url: alice.url })
    const access = { type: 'outgoing-payment', actions: ['create'], identifier: alice.url, limits }
    const pending = await alice.client.grant.request(
      { url: authServer },
      {
        access_token: { access: [access] as never },
        interact: {
          start: ['redirect'],
          finish: { method: 'redirect', uri: 'https://shop.example/', nonce: 'n' }
        }
      }
    )
    if (!isPendingGrant(pending)) throw new Error('a grant without consent')
    const granted = await alice.client.grant.continue(
      { url: pending.continue.uri, accessToken: pending.continue.access_token.value },
      { interact_ref: await acacia.accept(pending) }
    )
    if (!isFinalizedGrantWithAccessToken(granted)) throw new Error('a grant without a token')
    return granted.access_token.value
  }

  /** An incoming payment, and what completes it. */
  async function receiver(at: TestWalletAddress, more: object = {}) {
    const { resourceServer } = await alice.client.walletAddress.get({ url: at.url })
    const accessToken = await tokenFor(at, 'incoming-payment', ['create', 'complete'])
    const { id } = await alice.client.incomingPayment.create(
      { url: resourceServer, accessToken },
      { walletAddress: at.url, ...more }
    )
    return { id, complete: () => alice.client.incomingPayment.complete({ url: id, accessToken }) }
  }

  const quote = (to: string, input: object = {}, walletAddress = alice.url) =>
    alice.client.quote.create(
      { url: resources, accessToken: quoteToken },
      { walletAddress, receiver: to, method: 'ilp', ...input }
    )
  const pay = (accessToken: string, input: object) =>
    alice.client.outgoingPayment.create({ url: resources, accessToken }, {
      walletAddress: alice.url,
      ...input
    } as never)
  const refusal = (asked: Promise<unknown>) =>
    asked.then(
      () => {
        throw new Error('it was not refused')
      },
      (error: unknown) => error as Refusal
    )
  /** The same on the Admin API. */
  const adminQuote = async (to: string, debit: string) => {
    const walletAddressId = alice.id
    const input = { walletAddressId, receiver: to, debitAmount: { ...usd(debit) } }
    return acacia.admin<{ createQuote: { quote: { debitAmount: { value: string } } } }>(
      `mutation ($input: CreateQuoteInput!) { createQuote(input: $input) { quote { debitAmount { value } } } }`,
      { input }
    )
  }

  describe.each([
    ['within the node', () => carol, '12'],
    // 1 at 0.8 less 1 % takes 2 dollar cents, and 10 cents and 1 % go to the fee.
    ['over ILP', () => bob, '13']
  ] as const)('a quote %s that would deliver nothing', (_, to, least) => {
    const tooLittle = String(BigInt(least) - 1n)
    const minSendAmount = usd(least)

    it('is refused with the smallest amount that works, which works', async () => {
      const { id } = await receiver(to())
      for (const value of ['1', '10', tooLittle]) {
        expect(await refusal(quote(id, { debitAmount: usd(value) }))).toMatchObject({
          status: 400,
          description: 'non-positive receive amount',
          details: { minSendAmount }
        })
      }
      const accepted = await quote(id, { debitAmount: usd(least) })
      expect(accepted).toMatchObject({ debitAmount: usd(least), receiveAmount: { value: '1' } })
    })

    it('is refused so where it is made for an outgoing payment', async () => {
      const { id: incomingPayment } = await receiver(to())
      const token = await consentedToken()
      expect(await refusal(pay(token, { incomingPayment, debitAmount: usd(tooLittle) }))).toMatchObject({
        status: 400,
        description: 'non-positive receive amount',
        details: { minSendAmount }
      })
      expect(await pay(token, { incomingPayment, debitAmount: minSendAmount })).toMatchObject({
        debitAmount: minSendAmount
      })
    })

    it('is refused so by the Admin API', async () => {
      const { id } = await receiver(to())
      const { errors } = await adminQuote(id, tooLittle)
      expect(errors).toMatchObject([
        {
          message: 'non-positive receive amount',
          extensions: { code: 'BAD_USER_INPUT', details: { minSendAmount } }
        }
      ])
      const { data } = await adminQuote(id, least)
      expect(data).toMatchObject({ createQuote: { quote: { debitAmount: { value: least } } } })
    })
  })

  describe('quotes', () => {
    it('InvalidAmount: 400 for nothing, another asset, or more than the receiver still takes', async () => {
      const { id } = await receiver(carol, { incomingAmount: usd('100') })
      for (const input of [
        { debitAmount: usd('0') },
        { debitAmount: { ...usd('5'), assetScale: 3 } },
        { receiveAmount: { ...usd('5'), assetCode: 'EUR' } },
        { receiveAmount: usd('101') },
        { debitAmount: usd('1000') }
      ]) {
        expect(await refusal(quote(id, input))).toMatchObject({ status: 400, description: 'invalid amount' })
      }
      const open = await receiver(carol)
      expect(await refusal(quote(open.id))).toMatchObject({ status: 400, description: 'invalid amount' })
    })

    it('InvalidReceiver: 400 for one that is complete, or that nobody has', async () => {
      const { id, complete } = await receiver(carol)
      await complete()
      const nobody = id.slice(0, -1) + (id.endsWith('0') ? '1' : '0')
      for (const url of [id, nobody]) {
        expect(await refusal(quote(url, { debitAmount: usd('100') }))).toMatchObject({
          status: 400,
          description: 'invalid receiver'
        })
      }
    })

    it('CouldNotFetchRates: 500 where there is no rate, also for an outgoing payment', async () => {
      const { id } = await receiver(pound)
      const noRate = { status: 500, description: 'could not convert between assets' }
      expect(await refusal(quote(id, { debitAmount: usd('100') }))).toMatchObject(noRate)
      const token = await consentedToken()
      expect(await refusal(pay(token, { incomingPayment: id, debitAmount: usd('100') }))).toMatchObject(
        noRate
      )
    })
  })

  describe('outgoing payments', () => {
    const invalidQuote = { status: 400, description: 'invalid quote' }

    it('InvalidQuote: 400 for one that is used, that expired, or of another wallet address', async () => {
      const token = await consentedToken()
      const { id: to } = await receiver(carol)
      const used = await quote(to, { debitAmount: usd('100') })
      await pay(token, { quoteId: used.id })
      expect(await refusal(pay(token, { quoteId: used.id }))).toMatchObject(invalidQuote)

      const ofCarol = await quote(to, { debitAmount: usd('100') }, carol.url)
      expect(await refusal(pay(token, { quoteId: ofCarol.id }))).toMatchObject(invalidQuote)

      const late = await quote(to, { debitAmount: usd('100') })
      acacia.shift(31_000)
      const refused = await refusal(pay(token, { quoteId: late.id }))
      acacia.shift(-31_000)
      expect(refused).toMatchObject(invalidQuote)
      expect(await pay(token, { quoteId: late.id })).toMatchObject({ quoteId: late.id })
    })

    it('InvalidReceiver: 400 where it was completed after the quote', async () => {
      const { id, complete } = await receiver(carol)
      const { id: quoteId } = await quote(id, { debitAmount: usd('100') })
      await complete()
      expect(await refusal(pay(await consentedToken(), { quoteId }))).toMatchObject({
        status: 400,
        description: 'invalid receiver'
      })
    })

    it('InvalidAmount: 400 for an amount in another asset', async () => {
      const { id: incomingPayment } = await receiver(carol)
      const debitAmount = { ...usd('100'), assetCode: 'EUR' }
      expect(await refusal(pay(await consentedToken(), { incomingPayment, debitAmount }))).toMatchObject({
        status: 400,
        description: 'invalid amount'
      })
    })

    it('InsufficientGrant: 403 for another receiver, another asset, or more than is left', async () => {
      const { id: to } = await receiver(carol)
      const { id: elsewhere } = await receiver(carol)
      for (const limits of [
        { receiver: elsewhere },
        { receiveAmount: { ...usd('100'), assetCode: 'EUR' } },
        { debitAmount: usd('99') }
      ]) {
        const { id: quoteId } = await quote(to, { debitAmount: usd('100') })
        expect(await refusal(pay(await consentedToken(limits), { quoteId }))).toMatchObject({
          status: 403,
          description: 'unauthorized'
        })
      }
    })
  })
})
