import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { run, startPeeredNodes } from '../open-payments/two-nodes.test-support.ts'
import { OPERATOR_ID, until } from '../testing.ts'

interface Entry {
  at: string
  kind: string
  title: string
  detail: string | null
  amount: string | null
  assetCode: string | null
  assetScale: number | null
  count: number | null
  id: string | null
}
interface Created {
  payment: { id: string; url?: string }
}

const ENTRIES = '{ at kind title detail amount assetCode assetScale count id }'

describe('timelines of payments', () => {
  let network: Awaited<ReturnType<typeof startPeeredNodes>>
  let acacia: TestNode
  let baobab: TestNode
  let alice: string
  let carol: string
  let bob: string
  beforeAll(async () => {
    network = await startPeeredNodes(inject('postgresUrl'))
    ;({ acacia, baobab } = network)
    alice = (await acacia.createWalletAddress('alice', network.dollars)).id
    carol = (await acacia.createWalletAddress('carol', network.dollars, 2)).id
    bob = (await baobab.createWalletAddress('bob', network.euros)).id
  })
  afterAll(() => network.stop())

  async function createIncoming(node: TestNode, walletAddressId: string, assetCode: string) {
    const { payment } = await run<Created>(
      node,
      'createIncomingPayment',
      'CreateIncomingPaymentInput',
      '{ payment { id url } }',
      { walletAddressId, incomingAmount: { value: '1000', assetCode, assetScale: 2 } }
    )
    return { id: payment.id, url: payment.url! }
  }
  async function createOutgoing(receiver: string): Promise<string> {
    const { quote } = await run<{ quote: { id: string } }>(
      acacia,
      'createQuote',
      'CreateQuoteInput',
      '{ quote { id } }',
      { walletAddressId: alice, receiver }
    )
    const { payment } = await run<Created>(
      acacia,
      'createOutgoingPayment',
      'CreateOutgoingPaymentInput',
      '{ payment { id } }',
      { walletAddressId: alice, quoteId: quote.id }
    )
    return payment.id
  }
  const fund = (outgoingPaymentId: string) =>
    run(acacia, 'depositOutgoingPaymentLiquidity', 'DepositOutgoingPaymentLiquidityInput', '{ success }', {
      outgoingPaymentId,
      idempotencyKey: `fund ${outgoingPaymentId}`
    })

  /** The entries, and the statements that they cost; the least of several, for sweeps fall into some. */
  async function timeline(node: TestNode, field: 'incomingPayment' | 'outgoingPayment', id: string) {
    const ask = async (selection: string) => {
      const before = node.statementCount()
      const { data, errors } = await node.admin<Record<string, { timeline: Entry[] }>>(
        `query ($id: String!) { ${field}(id: $id) { id ${selection} } }`,
        { id }
      )
      if (!data || errors) throw new Error(JSON.stringify(errors))
      return { entries: data[field]!.timeline, statements: node.statementCount() - before }
    }
    const least = async (selection: string) => {
      const all = [await ask(selection), await ask(selection), await ask(selection)]
      return all.toSorted((a, b) => a.statements - b.statements)[0]!
    }
    const [without, shown] = [await least(''), await least(`timeline ${ENTRIES}`)]
    const times = shown.entries.map(({ at }) => at)
    expect(times).toEqual(times.toSorted())
    return { entries: shown.entries, statements: shown.statements - without.statements }
  }

  const titles = (entries: Entry[], kind: string) =>
    entries.filter((entry) => entry.kind === kind).map(({ title }) => title)

  it('tell of states, transfers and webhooks of a payment to another node', async () => {
    const incoming = await createIncoming(baobab, bob, 'EUR')
    const id = await createOutgoing(incoming.url)
    await fund(id)
    const sent = await acacia.told('outgoing_payment.completed', id)
    const received = await baobab.told('incoming_payment.completed', incoming.id)

    // What the wallet answered is written after it did.
    await until(async () => {
      const { entries } = await timeline(acacia, 'outgoingPayment', id)
      return entries.filter(({ detail }) => detail === 'delivered by 1 attempt.').length === 2
    })
    const ofSender = await timeline(acacia, 'outgoingPayment', id)
    expect(titles(ofSender.entries, 'STATE')).toEqual([
      'FUNDING',
      'SENDING',
      'Attempt 1 sends packets',
      'COMPLETED'
    ])
    expect(titles(ofSender.entries, 'WEBHOOK')).toEqual([
      'outgoing_payment.created',
      'outgoing_payment.completed'
    ])
    const moved = titles(ofSender.entries, 'TRANSFER')
    expect(moved.slice(0, 2)).toEqual(['Deposited', 'Handed to attempt 1'])
    expect(moved).toEqual(
      expect.arrayContaining(['Reserved for a packet', 'Sent', 'What was not sent came back'])
    )
    const packets = ofSender.entries.filter(({ title }) => title === 'Sent')
    const { value } = sent.data.sentAmount as { value: string }
    expect(packets.reduce((sum, { amount }) => sum + BigInt(amount!), 0n)).toBe(BigInt(value))
    expect(packets[0]).toMatchObject({ assetCode: 'USD', assetScale: 2 })
    const completed = ofSender.entries.find(({ title }) => title === 'COMPLETED')
    expect(completed).toMatchObject({ amount: value, assetCode: 'USD' })
    expect(ofSender.entries.find(({ title }) => title === 'outgoing_payment.completed')).toMatchObject({
      id: sent.id,
      detail: 'delivered by 1 attempt.'
    })
    // Its attempts, its events, their deliveries, and each of its two accounts.
    expect(ofSender.statements).toBeLessThanOrEqual(5)

    const ofReceiver = await timeline(baobab, 'incomingPayment', incoming.id)
    expect(titles(ofReceiver.entries, 'STATE')).toEqual(['PENDING', 'PROCESSING', 'COMPLETED'])
    expect(titles(ofReceiver.entries, 'WEBHOOK')).toEqual([
      'incoming_payment.created',
      'incoming_payment.completed'
    ])
    const got = ofReceiver.entries.filter(({ title }) => title === 'Received')
    expect(got.reduce((sum, { amount }) => sum + BigInt(amount!), 0n)).toBe(1_000n)
    expect(got[0]).toMatchObject({ assetCode: 'EUR', assetScale: 2, kind: 'TRANSFER' })
    expect(ofReceiver.entries.at(-1)).toMatchObject({ kind: 'WEBHOOK', id: received.id })
    // When its row changed, its events, their deliveries, its account.
    expect(ofReceiver.statements).toBeLessThanOrEqual(4)
  })

  it('tell of a payment within the node, of one that waits, and of one that was cancelled', async () => {
    const incoming = await createIncoming(acacia, carol, 'USD')
    const waiting = await createOutgoing(incoming.url)
    const cancelled = await createOutgoing(incoming.url)
    const paid = await createOutgoing(incoming.url)
    await run(acacia, 'cancelOutgoingPayment', 'CancelOutgoingPaymentInput', '{ payment { id } }', {
      id: cancelled,
      reason: 'a change of mind'
    })
    await fund(paid)
    await acacia.told('outgoing_payment.completed', paid)

    const sent = (await timeline(acacia, 'outgoingPayment', paid)).entries
    expect(titles(sent, 'STATE')).toEqual(['FUNDING', 'SENDING', 'COMPLETED'])
    expect(titles(sent, 'TRANSFER')).toEqual(['Deposited', 'Sent'])
    const open = (await timeline(acacia, 'outgoingPayment', waiting)).entries
    expect(titles(open, 'STATE')).toEqual(['FUNDING'])
    expect(titles(open, 'TRANSFER')).toEqual([])
    const ended = (await timeline(acacia, 'outgoingPayment', cancelled)).entries
    expect(ended.find(({ title }) => title === 'CANCELLED')).toMatchObject({
      kind: 'STATE',
      detail: 'a change of mind'
    })
  })

  it('tell why a payment failed, and of an incoming one that the wallet cancelled', async () => {
    // Nobody has put euros there that could be handed out.
    const { asset } = await run<{ asset: { id: string } }>(
      acacia,
      'createAsset',
      'CreateAssetInput',
      '{ asset { id } }',
      { code: 'EUR', scale: 2 }
    )
    const dave = (await acacia.createWalletAddress('dave', asset.id, 3)).id
    const incoming = await createIncoming(acacia, dave, 'EUR')
    const failing = await createOutgoing(incoming.url)
    await fund(failing)
    await acacia.told('outgoing_payment.failed', failing)
    const { entries } = await timeline(acacia, 'outgoingPayment', failing)
    const failed = entries.find(({ title }) => title === 'FAILED')
    expect(failed).toMatchObject({ kind: 'STATE', amount: '0', detail: 'InsufficientLiquidity' })

    const cancelled = await createIncoming(acacia, carol, 'USD')
    await run(acacia, 'cancelIncomingPayment', 'CancelIncomingPaymentInput', '{ payment { id } }', {
      id: cancelled.id,
      cancellationReason: 'not this one'
    })
    const told = (await timeline(acacia, 'incomingPayment', cancelled.id)).entries
    expect(told.find(({ title }) => title === 'Cancelled by the wallet')).toMatchObject({
      detail: 'not this one'
    })
  })

  it('are for one payment at a time: a list of 20 with them is refused before it is read', async () => {
    const list = (first: number) =>
      acacia.admin(`{ outgoingPayments(first: ${first}, tenantId: "${OPERATOR_ID}") {
        edges { node { timeline { at } } } } }`)
    expect((await list(2)).errors).toBeUndefined()
    expect((await list(20)).errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }])
  })
})
