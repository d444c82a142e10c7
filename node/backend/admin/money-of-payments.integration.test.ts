import { beforeAll, describe, expect, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { asError, TENANT, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'
import {
  CREATE_ASSET,
  CREATE_INCOMING,
  CREATE_PEER,
  CREATE_QUOTE,
  DELETE_ASSET,
  DELETE_PEER,
  DEPOSIT_ASSET,
  DEPOSIT_PEER,
  FUND,
  POST,
  SET_FEE,
  VOID,
  WITHDRAW_ASSET,
  WITHDRAW_INCOMING,
  WITHDRAW_OUTGOING,
  WITHDRAW_PEER
} from './operations.test-support.ts'

const CREATE_OUTGOING = `mutation ($input: CreateOutgoingPaymentInput!) {
  createOutgoingPayment(input: $input) { payment { id } } }`
const CANCEL = `mutation ($input: CancelOutgoingPaymentInput!) { cancelOutgoingPayment(input: $input) { payment { id } } }`
const COMPLETE = `mutation ($input: CompleteReceiverInput!) { completeReceiver(input: $input) { receiver { id } } }`
const TRANSFERS = `query ($id: String!) { accountingTransfers(id: $id) {
  debits { id amount transferType state creditAccountId } credits { id amount transferType state } } }`

interface Listed {
  accountingTransfers: Record<'debits' | 'credits', { id: string; amount: string; transferType: string }[]>
}

describe('the Admin API: what becomes of the money of payments', () => {
  const { desk, id, ok, refused, query } = useAdminApi()
  let node: TestNode
  let payer: string
  let payee: { id: string; url: string }
  beforeAll(async () => {
    ;({ node } = desk)
    payer = (await node.createWalletAddress('payer', desk.assetId, 5)).id
    payee = await node.createWalletAddress('payee', desk.assetId, 6)
  })

  const amount = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })

  async function createIncoming(incomingAmount?: string): Promise<{ id: string; url: string }> {
    const input = {
      walletAddressId: payee.id,
      ...(incomingAmount !== undefined && { incomingAmount: amount(incomingAmount) })
    }
    return (await ok<{ payment: { id: string; url: string } }>(CREATE_INCOMING, input)).payment
  }

  async function quote(receiver: string, amounts: object = {}) {
    const { quote } = await ok<{ quote: { id: string } }>(CREATE_QUOTE, {
      walletAddressId: payer,
      receiver,
      ...amounts
    })
    return query<{ quote: { id: string; debitAmount: { value: string }; receiveAmount: { value: string } } }>(
      `query ($id: String!) { quote(id: $id) { id debitAmount { value } receiveAmount { value } } }`,
      { id: quote.id }
    ).then((found) => found.quote)
  }

  async function createOutgoing(quoteId: string): Promise<string> {
    const { payment } = await ok<{ payment: { id: string } }>(CREATE_OUTGOING, {
      walletAddressId: payer,
      quoteId
    })
    return payment.id
  }

  const transfersOf = async (accountId: string) =>
    (await query<Listed>(TRANSFERS, { id: accountId })).accountingTransfers

  const withdrawal = (of: object) => ({ ...of, idempotencyKey: id(), timeoutSeconds: '0' })

  it('is deposited and withdrawn under the ids of the events that announced it', async () => {
    await ok(SET_FEE, { assetId: desk.assetId, type: 'SENDING', fee: { fixed: '4', basisPoints: 0 } })
    const incoming = await createIncoming('90')
    const paymentId = await createOutgoing((await quote(incoming.url)).id)
    const created = await node.told('outgoing_payment.created', paymentId)
    await ok(FUND, { outgoingPaymentId: paymentId, idempotencyKey: id() })
    const sent = await node.told('outgoing_payment.completed', paymentId)
    const received = await node.told('incoming_payment.completed', incoming.id)
    expect(sent.data).toMatchObject({ balance: '4', sentAmount: { value: '90' } })

    // Two-phase, then posted, and at once.
    const twoPhase = { incomingPaymentId: incoming.id, idempotencyKey: id(), timeoutSeconds: '60' }
    await ok(WITHDRAW_INCOMING, twoPhase)
    await ok(POST, { withdrawalId: received.id, idempotencyKey: id() })
    await ok(WITHDRAW_OUTGOING, withdrawal({ outgoingPaymentId: paymentId }))

    const outgoing = await transfersOf(paymentId)
    expect(outgoing.credits).toMatchObject([{ id: created.id, amount: '94', transferType: 'DEPOSIT' }])
    expect(outgoing.debits).toMatchObject([
      { id: sent.id, amount: '4', transferType: 'WITHDRAWAL', state: 'POSTED' },
      { amount: '90', transferType: 'TRANSFER' }
    ])
    const { debits } = await transfersOf(incoming.id)
    expect(debits).toMatchObject([
      { transferType: 'WITHDRAWAL', state: 'POSTED' },
      { id: received.id, amount: '90', transferType: 'WITHDRAWAL', state: 'PENDING' }
    ])
  })

  it('has its events’ ids to itself: deposits and withdrawals of others are refused under them', async () => {
    const incoming = await createIncoming('90')
    const paymentId = await createOutgoing((await quote(incoming.url)).id)
    const created = await node.told('outgoing_payment.created', paymentId)
    const tenantAsset = await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'TTT', scale: 2 }, TENANT)
    const others = async (eventId: string) => {
      const input = (assetId: string) => ({ assetId, amount: '1', id: eventId, idempotencyKey: id() })
      const all = [
        await refused(DEPOSIT_ASSET, input(desk.assetId)),
        await refused(DEPOSIT_ASSET, input(tenantAsset.asset.id), TENANT),
        await refused(WITHDRAW_ASSET, { ...input(desk.assetId), timeoutSeconds: '0' })
      ]
      for (const one of all) expect(one).toMatchObject(asError('DUPLICATE', 'Transfer already exists'))
    }
    await others(created.id)
    await ok(FUND, { outgoingPaymentId: paymentId, idempotencyKey: id() })
    await node.told('outgoing_payment.completed', paymentId)
    const received = await node.told('incoming_payment.completed', incoming.id)
    await others(received.id)
    await ok(WITHDRAW_INCOMING, withdrawal({ incomingPaymentId: incoming.id }))
    await others(received.id)
  })

  it('is within reach again after its withdrawal in two phases was voided, and withdrawn once', async () => {
    const incoming = await createIncoming('90')
    const paymentId = await createOutgoing((await quote(incoming.url)).id)
    await node.told('outgoing_payment.created', paymentId)
    await ok(FUND, { outgoingPaymentId: paymentId, idempotencyKey: id() })
    const received = await node.told('incoming_payment.completed', incoming.id)
    const of = { incomingPaymentId: incoming.id, timeoutSeconds: '60' }
    await ok(WITHDRAW_INCOMING, { ...of, idempotencyKey: id() })
    await ok(VOID, { withdrawalId: received.id, idempotencyKey: id() })
    await ok(WITHDRAW_INCOMING, { ...of, idempotencyKey: id() })
    await ok(POST, { withdrawalId: received.id, idempotencyKey: id() })
    expect(await refused(WITHDRAW_INCOMING, { ...of, idempotencyKey: id() })).toMatchObject(
      asError('DUPLICATE', 'Transfer already exists')
    )
    const { incomingPayment } = await query<{ incomingPayment: { liquidity: string } }>(
      'query ($id: String!) { incomingPayment(id: $id) { liquidity } }',
      { id: incoming.id }
    )
    expect(incomingPayment.liquidity).toBe('0')
  })

  it('goes by the newest fee for sending, history newest first; fees for receiving change nothing', async () => {
    const { url } = await createIncoming()
    const set = (type: string, fixed: string, basisPoints: number) =>
      ok(SET_FEE, { assetId: desk.assetId, type, fee: { fixed, basisPoints } })
    await set('SENDING', '5', 100)
    await set('RECEIVING', '50', 5_000)
    await set('SENDING', '1', 150)
    // ceil(101 · 1.5 %) + 1
    expect(await quote(url, { receiveAmount: amount('101') })).toMatchObject({
      debitAmount: { value: '104' },
      receiveAmount: { value: '101' }
    })
    // A quote made before keeps its fee.
    const before = await quote(url, { debitAmount: amount('100') })
    expect(before.receiveAmount.value).toBe('97')
    await set('SENDING', '0', 0)
    expect(await quote(url, { debitAmount: amount('100') })).toMatchObject({
      receiveAmount: { value: '100' }
    })
    const paymentId = await createOutgoing(before.id)
    await node.told('outgoing_payment.created', paymentId)
    await ok(FUND, { outgoingPaymentId: paymentId, idempotencyKey: id() })
    expect((await node.told('outgoing_payment.completed', paymentId)).data).toMatchObject({
      balance: '3',
      receiveAmount: { value: '97' }
    })
    const { asset } = await query<{ asset: { fees: { edges: { node: { fixed: string } }[] } } }>(
      `query ($id: String!) { asset(id: $id) { fees { edges { node { type fixed } } } } }`,
      { id: desk.assetId }
    )
    expect(asset.fees.edges.slice(0, 4).map((edge) => edge.node)).toMatchObject([
      { type: 'SENDING', fixed: '0' },
      { type: 'SENDING', fixed: '1' },
      { type: 'RECEIVING', fixed: '50' },
      { type: 'SENDING', fixed: '5' }
    ])
  })

  it('is not withdrawn where none was announced: open, unpaid, cancelled, or sent to the last unit', async () => {
    const open = await createIncoming('10')
    expect(await refused(WITHDRAW_INCOMING, withdrawal({ incomingPaymentId: open.id }))).toMatchObject(
      asError('NOT_FOUND', 'Unknown incoming payment')
    )
    const cancelled = await createOutgoing((await quote(open.url)).id)
    await ok(CANCEL, { id: cancelled })
    expect(await refused(WITHDRAW_OUTGOING, withdrawal({ outgoingPaymentId: cancelled }))).toMatchObject(
      asError('NOT_FOUND', 'Unknown outgoing payment')
    )

    const exact = await createOutgoing((await quote(open.url)).id)
    await node.told('outgoing_payment.created', exact)
    await ok(FUND, { outgoingPaymentId: exact, idempotencyKey: id() })
    expect((await node.told('outgoing_payment.completed', exact)).data).toMatchObject({ balance: '0' })
    expect(await refused(WITHDRAW_OUTGOING, withdrawal({ outgoingPaymentId: exact }))).toMatchObject(
      asError('FORBIDDEN', 'Insufficient transfer balance')
    )
  })

  it('that never came is announced by no event: completed without money', async () => {
    const unpaid = await createIncoming()
    await ok(COMPLETE, { incomingPaymentUrl: unpaid.url })
    // One that is paid and completed later has its event; whatever the first had would have come before.
    const paid = await createIncoming('3')
    const paymentId = await createOutgoing((await quote(paid.url)).id)
    await node.told('outgoing_payment.created', paymentId)
    await ok(FUND, { outgoingPaymentId: paymentId, idempotencyKey: id() })
    await node.told('incoming_payment.completed', paid.id)
    const row = () =>
      node.database.knex('incomingPayments').where({ id: unpaid.id }).first('state', 'processAt')
    while ((await row()).processAt !== null);
    expect(await row()).toMatchObject({ state: 'COMPLETED' })
    const events = await node.database.knex('webhookEvents').where({ incomingPaymentId: unpaid.id })
    expect(events.map(({ type }) => type)).toEqual(['incoming_payment.created'])
    expect(await refused(WITHDRAW_INCOMING, withdrawal({ incomingPaymentId: unpaid.id }))).toMatchObject(
      asError('NOT_FOUND', 'Unknown incoming payment')
    )
  })

  it('that a two-phase withdrawal sets aside is neither spent twice nor finished twice', async () => {
    const { assetId } = desk
    const balance = async () =>
      (
        await query<{ asset: { liquidity: string } }>(
          `query ($id: String!) { asset(id: $id) { liquidity } }`,
          { id: assetId }
        )
      ).asset.liquidity
    const before = BigInt(await balance())
    const [first, second] = [id(), id()]
    const ask = (of: string, value: bigint) => ({
      assetId,
      amount: String(value),
      id: of,
      idempotencyKey: id(),
      timeoutSeconds: '3600'
    })
    await ok(WITHDRAW_ASSET, ask(first, before - 1n))
    expect(await balance()).toBe('1')
    expect(await refused(WITHDRAW_ASSET, ask(second, 2n))).toMatchObject(
      asError('FORBIDDEN', 'Insufficient transfer balance')
    )
    await ok(VOID, { withdrawalId: first, idempotencyKey: id() })
    expect(await balance()).toBe(String(before))
    expect(await refused(POST, { withdrawalId: first, idempotencyKey: id() })).toMatchObject({
      extensions: { failure: 'AlreadyVoided' }
    })
    await ok(WITHDRAW_ASSET, ask(second, 2n))
    await ok(POST, { withdrawalId: second, idempotencyKey: id() })
    expect(await refused(VOID, { withdrawalId: second, idempotencyKey: id() })).toMatchObject({
      extensions: { failure: 'AlreadyPosted' }
    })
    expect(await balance()).toBe(String(before - 2n))
  })

  it('that a deleted asset holds is found by its id alone, and comes back with it', async () => {
    const { asset } = await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'GONE', scale: 3 })
    await ok(DEPOSIT_ASSET, { assetId: asset.id, amount: '7', id: id(), idempotencyKey: id() })
    await ok(DELETE_ASSET, { id: asset.id })
    const byCode = () =>
      query(`{ assetByCodeAndScale(code: "GONE", scale: 3) { id liquidity liquidityThreshold } }`)
    expect(await byCode()).toEqual({ assetByCodeAndScale: null })
    expect(await transfersOf(asset.id)).toMatchObject({ credits: [{ amount: '7' }], debits: [] })
    await ok(CREATE_ASSET, { code: 'GONE', scale: 3, liquidityThreshold: '2' })
    expect(await byCode()).toEqual({
      assetByCodeAndScale: { id: asset.id, liquidity: '7', liquidityThreshold: '2' }
    })
  })

  it('that a deleted peer or asset holds is withdrawn afterwards, what was set aside and comes back too, by its own tenant', async () => {
    const { asset } = await ok<{ asset: { id: string } }>(CREATE_ASSET, { code: 'LEFT', scale: 2 })
    await ok(DEPOSIT_ASSET, { assetId: asset.id, amount: '9', id: id(), idempotencyKey: id() })
    const { peer } = await ok<{ peer: { id: string } }>(CREATE_PEER, {
      assetId: asset.id,
      staticIlpAddress: 'test.left',
      http: { outgoing: { endpoint: 'http://localhost:1/', authToken: 'x' } },
      initialLiquidity: '12'
    })
    const withdraw = (amount: string, more: object = {}) => ({
      ...{ peerId: peer.id, amount, id: id(), idempotencyKey: id(), timeoutSeconds: '0' },
      ...more
    })
    const aside = id()
    await ok(WITHDRAW_PEER, withdraw('5', { id: aside, timeoutSeconds: '3600' }))
    expect(await ok(DELETE_PEER, { id: peer.id })).toEqual({ success: true, liquidity: '7' })
    // Both phases of what began before, and a withdrawal in two phases now.
    await ok(VOID, { withdrawalId: aside, idempotencyKey: id() })
    expect(await refused(WITHDRAW_PEER, withdraw('13'))).toMatchObject(
      asError('FORBIDDEN', 'Insufficient transfer balance')
    )
    const unknown = asError('NOT_FOUND', 'Unknown peer')
    expect(await refused(WITHDRAW_PEER, withdraw('1'), TENANT)).toMatchObject(unknown)
    for (const other of [UNKNOWN_ID, desk.assetId, asset.id])
      expect(await refused(WITHDRAW_PEER, withdraw('1', { peerId: other }))).toMatchObject(unknown)
    expect(
      await refused(DEPOSIT_PEER, { peerId: peer.id, amount: '1', id: id(), idempotencyKey: id() })
    ).toMatchObject(unknown)
    expect(await ok(DELETE_ASSET, { id: asset.id })).toMatchObject({ asset: { id: asset.id } })
    const posted = id()
    await ok(WITHDRAW_PEER, withdraw('12', { id: posted, timeoutSeconds: '60' }))
    await ok(POST, { withdrawalId: posted, idempotencyKey: id() })
    await ok(WITHDRAW_ASSET, {
      assetId: asset.id,
      amount: '9',
      id: id(),
      idempotencyKey: id(),
      timeoutSeconds: '0'
    })
    expect(
      await refused(DEPOSIT_ASSET, { assetId: asset.id, amount: '1', id: id(), idempotencyKey: id() })
    ).toMatchObject(asError('NOT_FOUND', 'Unknown asset'))
    // Nothing is left.
    expect(await refused(WITHDRAW_PEER, withdraw('1'))).toMatchObject(
      asError('FORBIDDEN', 'Insufficient transfer balance')
    )
    expect(await desk.node.database.knex('peers').where({ id: peer.id })).toEqual([])
  })

  it('stays in the books of a peer that is deleted, and of an asset that wallet addresses use', async () => {
    expect(await refused(DELETE_ASSET, { id: desk.assetId })).toMatchObject({
      extensions: { failure: 'CannotDeleteInUseAsset' }
    })
    const { peer } = await ok<{ peer: { id: string } }>(CREATE_PEER, {
      assetId: desk.assetId,
      staticIlpAddress: 'test.gone',
      http: { outgoing: { endpoint: 'http://localhost:1/', authToken: 'x' } },
      initialLiquidity: '12'
    })
    await ok(DELETE_PEER, { id: peer.id })
    expect(await transfersOf(peer.id)).toMatchObject({
      credits: [{ amount: '12', transferType: 'DEPOSIT', state: 'POSTED' }],
      debits: []
    })
  })
})
