import { describe, expect, it } from 'vitest'
import { OPERATOR_ID, until } from '../testing.ts'
import { usd, useOpenPayments } from './open-payments.test-support.ts'

const LIST = `{ incomingPayments(first: 1) { edges { node { id } } } }`
const APPROVE = `mutation ($id: ID!) { approveIncomingPayment(input: { id: $id }) { payment { id state } } }`
const CANCEL = `mutation ($id: ID!) {
  cancelIncomingPayment(input: { id: $id, cancellationReason: "no such customer" }) {
    payment { id state cancelledAt cancellationReason }
  }
}`
const CREATE_RECEIVER = `mutation ($url: String!) {
  createReceiver(input: { walletAddressUrl: $url }) { receiver { id } }
}`
const QUOTE = `mutation ($input: CreateQuoteInput!) { createQuote(input: $input) { quote { id } } }`

describe('incoming payments that their wallet has to approve, over HTTP', () => {
  const { desk, tokenFor } = useOpenPayments({
    backend: {
      POLL_INCOMING_PAYMENT_CREATED_WEBHOOK: 'true',
      INCOMING_PAYMENT_CREATED_POLL_TIMEOUT_MS: '8000'
    }
  })

  async function newest(): Promise<string | undefined> {
    const { data } = await desk.node.admin<{ incomingPayments: { edges: { node: { id: string } }[] } }>(LIST)
    return data!.incomingPayments.edges[0]?.node.id
  }

  /** What is asked for while its wallet is told of it, and the id that the wallet was told. */
  async function whileAskedFor<Answer>(ask: () => Promise<Answer>) {
    const before = await newest()
    const answer = ask().then(
      (value) => ({ value }),
      (error: unknown) => ({ error })
    )
    let id: string | undefined
    await until(async () => (id = await newest()) !== before)
    await desk.node.told('incoming_payment.created', id!)
    return { id: id!, answer }
  }

  const create = async () => {
    const accessToken = await tokenFor(desk.shop, 'incoming-payment', ['create', 'read'])
    const url = { url: desk.resources, accessToken }
    return desk.shop.client.incomingPayment.create(url, {
      walletAddress: desk.bob.url,
      incomingAmount: usd('500')
    })
  }

  it('answers 201 once it is approved, with how to pay it', async () => {
    const { id, answer } = await whileAskedFor(create)
    const { data } = await desk.node.admin(APPROVE, { id })
    expect(data).toEqual({ approveIncomingPayment: { payment: { id, state: 'PENDING' } } })
    expect(await answer).toMatchObject({
      value: { id: `${desk.resources}/incoming-payments/${id}`, methods: [{ type: 'ilp' }] }
    })
  })

  it('answers 403 when it is cancelled; then it has no methods, and nobody gets a quote for it', async () => {
    const { id, answer } = await whileAskedFor(create)
    const { data } = await desk.node.admin(CANCEL, { id })
    expect(data).toEqual({
      cancelIncomingPayment: {
        payment: {
          id,
          state: 'PENDING',
          cancelledAt: expect.any(String) as string,
          cancellationReason: 'no such customer'
        }
      }
    })
    expect(await answer).toMatchObject({ error: { status: 403, description: 'action not performed' } })
    const accessToken = await tokenFor(desk.shop, 'incoming-payment', ['read'])
    const url = `${desk.resources}/incoming-payments/${id}`
    expect(await desk.shop.client.incomingPayment.get({ url, accessToken })).toMatchObject({ methods: [] })
    const input = { walletAddressId: desk.alice.id, receiver: url }
    const { errors } = await desk.node.admin(QUOTE, { input })
    expect(errors![0]).toMatchObject({ message: 'invalid receiver', extensions: { code: 'BAD_USER_INPUT' } })
    const again = await desk.node.admin(APPROVE, { id })
    expect(again.errors![0]).toMatchObject({
      message: 'action already performed',
      extensions: { code: 'FORBIDDEN' }
    })
  })

  it('is waited for by the Admin API too, where a cancelled one is TIMEOUT', async () => {
    const createIncoming = `mutation ($id: String!) {
      createIncomingPayment(input: { walletAddressId: $id }) { payment { id } }
    }`
    const { id, answer } = await whileAskedFor(() => desk.node.admin(createIncoming, { id: desk.bob.id }))
    await desk.node.admin(CANCEL, { id })
    expect(await answer).toMatchObject({
      value: { errors: [{ message: 'action not performed', extensions: { code: 'TIMEOUT' } }] }
    })
  })

  it('is waited for by createReceiver within the node', async () => {
    const { id, answer } = await whileAskedFor(() =>
      desk.node.admin<{ createReceiver: { receiver: { id: string } } }>(CREATE_RECEIVER, {
        url: desk.bob.url
      })
    )
    await desk.node.admin(APPROVE, { id })
    expect(await answer).toMatchObject({
      value: {
        data: {
          createReceiver: {
            receiver: { id: `${desk.node.openPaymentsUrl}/${OPERATOR_ID}/incoming-payments/${id}` }
          }
        }
      }
    })
  })
})
