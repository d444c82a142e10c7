import { beforeAll, describe, expect, it } from 'vitest'
import type { TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID } from '../testing.ts'
import { asError, TENANT, UNKNOWN_ID, useAdminApi } from './admin-api.test-support.ts'
import { CREATE_INCOMING, FUND, WITHDRAW_INCOMING } from './operations.test-support.ts'

const DEPOSIT_EVENT = `mutation ($input: DepositEventLiquidityInput!) { depositEventLiquidity(input: $input) { success } }`
const WITHDRAW_EVENT = `mutation ($input: WithdrawEventLiquidityInput!) { withdrawEventLiquidity(input: $input) { success } }`
const PAY = `mutation ($input: CreateOutgoingPaymentFromIncomingPaymentInput!) {
  createOutgoingPaymentFromIncomingPayment(input: $input) { payment { id } } }`
const LIST = `query ($after: String, $before: String, $first: Int, $last: Int, $sortOrder: SortOrder, $filter: PaymentFilter) {
  payments(after: $after, before: $before, first: $first, last: $last, sortOrder: $sortOrder, filter: $filter) {
    edges { cursor node { id type walletAddressId client state liquidity metadata createdAt tenant { id } } }
    pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`

interface Created {
  payment: { id: string; url: string }
}
interface List {
  payments: {
    edges: { cursor: string; node: { id: string; type: string; state: string } & Record<string, unknown> }[]
    pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string | null }
  }
}

describe('the Admin API: payments of both kinds, and their events', () => {
  const { desk, id, ok, refused, query } = useAdminApi()
  let node: TestNode
  let payer: string
  let payee: string
  /** Ids in the order of creation: incoming and outgoing by turns. */
  const made: string[] = []

  beforeAll(async () => {
    node = desk.node
    payer = (await node.createWalletAddress('payer', desk.assetId, 5)).id
    payee = (await node.createWalletAddress('payee', desk.assetId, 6)).id
    for (let pair = 0; pair < 3; pair++) {
      const incoming = await ok<Created>(CREATE_INCOMING, { walletAddressId: payee, metadata: { pair } })
      const outgoing = await ok<Created>(PAY, {
        walletAddressId: payer,
        incomingPayment: incoming.payment.url,
        debitAmount: { value: '30', assetCode: 'USD', assetScale: 2 }
      })
      made.push(incoming.payment.id, outgoing.payment.id)
    }
    // Payments of one millisecond are in the order of their ids: here each has one of its own.
    for (const [place, paymentId] of made.entries()) {
      const createdAt = new Date(1_700_000_000_000 + place)
      for (const table of ['incomingPayments', 'outgoingPayments']) {
        await node.database.knex(table).where({ id: paymentId }).update({ createdAt })
      }
    }
  })

  const list = async (variables: object = {}, as?: typeof TENANT) => {
    const { payments } = await query<List>(LIST, variables, as)
    return { ...payments, ids: payments.edges.map(({ node: { id } }) => id) }
  }

  it('are one list, newest first, that pages across both kinds', async () => {
    expect((await list()).ids).toEqual(made.toReversed())
    expect((await list({ sortOrder: 'ASC', first: 3 })).ids).toEqual(made.slice(0, 3))
    expect(await list({ sortOrder: 'ASC', first: 3, after: made[1] })).toMatchObject({
      ids: made.slice(2, 5),
      pageInfo: { hasNextPage: true, hasPreviousPage: true }
    })
    expect(await list({ sortOrder: 'ASC', last: 2, before: made[2] })).toMatchObject({
      ids: made.slice(0, 2),
      pageInfo: { hasNextPage: true, hasPreviousPage: false }
    })
    expect((await list()).edges[5]?.node).toMatchObject({
      type: 'INCOMING',
      walletAddressId: payee,
      state: 'PENDING',
      liquidity: null,
      metadata: { pair: 0 },
      tenant: { id: OPERATOR_ID }
    })
    expect((await list()).edges[0]?.node).toMatchObject({
      type: 'OUTGOING',
      walletAddressId: payer,
      state: 'FUNDING'
    })
  })

  it('are filtered by kind and wallet address; another tenant sees none of them', async () => {
    const filtered = async (filter: object) => (await list({ filter, sortOrder: 'ASC' })).ids
    const incoming = made.filter((_, place) => place % 2 === 0)
    const outgoing = made.filter((_, place) => place % 2 === 1)
    expect(await filtered({ type: { in: ['INCOMING'] } })).toEqual(incoming)
    expect(await filtered({ type: { notIn: ['INCOMING'] } })).toEqual(outgoing)
    expect(await filtered({ type: { in: ['SIDEWAYS'] } })).toEqual([])
    expect(await filtered({ walletAddressId: { in: [payer] } })).toEqual(outgoing)
    expect(await filtered({ walletAddressId: { in: [payer, payee, 'x'] } })).toEqual(made)
    expect(await filtered({ walletAddressId: { in: [payer] }, type: { in: ['INCOMING'] } })).toEqual([])
    const { errors } = await node.admin(LIST, { filter: { walletAddressId: { notIn: [payer] } } })
    expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
    expect((await list({}, TENANT)).ids).toEqual([])
    // What is a cursor of the operator's list is none of the tenant's.
    expect((await list({ after: made[3] }, TENANT)).ids).toEqual([])
    for (const after of [UNKNOWN_ID, desk.assetId, 'x']) expect((await list({ after })).ids).toEqual([])
  })

  it('are searched by state, receiver and time of creation', async () => {
    const filtered = async (filter: object, as?: typeof TENANT) =>
      (await list({ filter, sortOrder: 'ASC' }, as)).ids
    const incoming = made.filter((_, place) => place % 2 === 0)
    const outgoing = made.filter((_, place) => place % 2 === 1)
    expect(await filtered({ state: { in: ['PENDING'] } })).toEqual(incoming)
    expect(await filtered({ state: { in: ['FUNDING', 'FAILED'] } })).toEqual(outgoing)
    expect(await filtered({ state: { in: ['FUNDING', 'PENDING'] } })).toEqual(made)
    expect(await filtered({ state: { notIn: ['FUNDING'] } })).toEqual(incoming)
    expect(await filtered({ state: { in: ['LOST'] } })).toEqual([])
    expect(await filtered({ state: { in: ['FUNDING'] }, type: { in: ['INCOMING'] } })).toEqual([])
    expect(await filtered({ state: { in: ['FUNDING'] } }, TENANT)).toEqual([])

    const urlOf = (place: number) =>
      `${node.openPaymentsUrl}/${OPERATOR_ID}/incoming-payments/${made[place]!}`
    expect(await filtered({ receiver: { in: [urlOf(2)] } })).toEqual([made[3]])
    expect(await filtered({ receiver: { in: [urlOf(4), urlOf(2), `${urlOf(0)}x`] } })).toEqual([
      made[3],
      made[5]
    ])
    expect(await filtered({ receiver: { in: [] } })).toEqual([])
    expect(await filtered({ receiver: { in: [urlOf(2)] }, type: { in: ['INCOMING'] } })).toEqual([])
    expect(await filtered({ receiver: { in: [urlOf(2)] } }, TENANT)).toEqual([])

    const at = (place: number) => new Date(1_700_000_000_000 + place).toISOString()
    expect(await filtered({ createdAfter: at(2) })).toEqual(made.slice(2))
    expect(await filtered({ createdBefore: at(2) })).toEqual(made.slice(0, 2))
    expect(await filtered({ createdAfter: at(1), createdBefore: at(4) })).toEqual(made.slice(1, 4))
    expect(await filtered({ createdAfter: at(1), state: { in: ['PENDING'] } })).toEqual([made[2], made[4]])
    expect(
      await list({ filter: { createdAfter: at(1) }, sortOrder: 'ASC', first: 2, after: made[2] })
    ).toMatchObject({
      ids: [made[3], made[4]],
      pageInfo: { hasNextPage: true, hasPreviousPage: true }
    })
    for (const filter of [
      { receiver: { notIn: [urlOf(2)] } },
      { createdAfter: 'yesterday' },
      { createdBefore: '2026-02-30T25:00:00Z' }
    ]) {
      const { errors } = await node.admin(LIST, { filter })
      expect(errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }])
    }
  })

  it('are counted by state and time of creation, for whom they belong to', async () => {
    const nowMs = node.runtime.clock.nowMs()
    const since = new Date(nowMs - 3 * 3_600_000)
    const counts = (variables: object, as?: typeof TENANT) =>
      node.admin<{ paymentStates: object[] }>(
        `query ($since: String!, $bucketSeconds: Int!) { paymentStates(since: $since, bucketSeconds: $bucketSeconds) {
          type state bucketStart count } }`,
        { since: since.toISOString(), bucketSeconds: 3_600, ...variables },
        as
      )
    const payments = { INCOMING: 'incomingPayments', OUTGOING: 'outgoingPayments' }
    const move = async (paymentId: string, createdAt: Date) => {
      for (const table of Object.values(payments)) {
        await node.database.knex(table).where({ id: paymentId }).update({ createdAt })
      }
    }
    const [one, two, three, four] = made as [string, string, string, string]
    await move(one, since)
    await move(three, new Date(since.getTime() + 1))
    await move(two, new Date(since.getTime() + 3_600_000))
    await move(four, new Date(since.getTime() - 1))
    const bucket = (hour: number) => new Date(since.getTime() + hour * 3_600_000).toISOString()
    const before = node.statementCount()
    expect((await counts({})).data!.paymentStates).toEqual([
      { type: 'INCOMING', state: 'PENDING', bucketStart: bucket(0), count: 2 },
      { type: 'OUTGOING', state: 'FUNDING', bucketStart: bucket(1), count: 1 }
    ])
    expect(node.statementCount() - before).toBeLessThanOrEqual(2)
    expect((await counts({}, TENANT)).data!.paymentStates).toEqual([])
    for (const [place, paymentId] of made.entries())
      await move(paymentId, new Date(1_700_000_000_000 + place))

    const days = (count: number) => ({ since: new Date(nowMs - count * 86_400_000).toISOString() })
    for (const taken of [
      { ...days(31), bucketSeconds: 14_400 },
      { ...days(1), bucketSeconds: 432 }
    ]) {
      expect((await counts(taken)).errors).toBeUndefined()
    }
    for (const wrong of [
      { ...days(32), bucketSeconds: 86_400 },
      { ...days(1), bucketSeconds: 400 },
      { bucketSeconds: 0 },
      { bucketSeconds: -3_600 },
      { since: 'yesterday' }
    ]) {
      expect((await counts(wrong)).errors, JSON.stringify(wrong)).toMatchObject([
        { extensions: { code: 'BAD_USER_INPUT' } }
      ])
    }
    const many = Array.from(
      { length: 40 },
      (_, n) => `a${n}: paymentStates(since: "${since.toISOString()}", bucketSeconds: 3600) { count }`
    )
    expect((await node.admin(`{ ${many.join(' ')} }`)).errors).toMatchObject([
      { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }
    ])
  })

  it('are funded and withdrawn by their events, each once', async () => {
    const paymentId = made[1]!
    const created = await node.told('outgoing_payment.created', paymentId)
    for (const eventId of [UNKNOWN_ID, 'x']) {
      for (const mutation of [DEPOSIT_EVENT, WITHDRAW_EVENT]) {
        expect(await refused(mutation, { eventId, idempotencyKey: id() })).toMatchObject(
          asError('BAD_USER_INPUT', 'Invalid transfer id')
        )
      }
    }
    const eventId = created.id
    expect(await refused(WITHDRAW_EVENT, { eventId, idempotencyKey: id() })).toMatchObject(
      asError('BAD_USER_INPUT', 'Invalid transfer id')
    )
    expect(await refused(DEPOSIT_EVENT, { eventId, idempotencyKey: id() }, TENANT)).toMatchObject(
      asError('BAD_USER_INPUT', 'Invalid transfer id')
    )
    expect(await ok(DEPOSIT_EVENT, { eventId, idempotencyKey: id() })).toEqual({ success: true })
    for (const [mutation, input] of [
      [DEPOSIT_EVENT, { eventId }],
      [FUND, { outgoingPaymentId: paymentId }]
    ] as const) {
      const again = await refused(mutation, { ...input, idempotencyKey: id() })
      expect(again).toMatchObject(asError('CONFLICT', 'wrong state'))
    }
    await node.told('outgoing_payment.completed', paymentId)

    const incomingId = made[0]!
    await ok(
      `mutation ($input: CompleteReceiverInput!) { completeReceiver(input: $input) { receiver { id } } }`,
      { incomingPaymentUrl: `${node.openPaymentsUrl}/${OPERATOR_ID}/incoming-payments/${incomingId}` }
    )
    const completed = await node.told('incoming_payment.completed', incomingId)
    const withdrawal = { eventId: completed.id }
    expect(await refused(WITHDRAW_EVENT, { ...withdrawal, idempotencyKey: id() }, TENANT)).toMatchObject(
      asError('BAD_USER_INPUT', 'Invalid transfer id')
    )
    expect(await ok(WITHDRAW_EVENT, { ...withdrawal, idempotencyKey: id() })).toEqual({ success: true })
    for (const [mutation, input] of [
      [WITHDRAW_EVENT, withdrawal],
      [WITHDRAW_INCOMING, { incomingPaymentId: incomingId, timeoutSeconds: '0' }]
    ] as const) {
      expect(await refused(mutation, { ...input, idempotencyKey: id() })).toMatchObject(
        asError('DUPLICATE', 'Transfer already exists')
      )
    }
    const { payments } = await query<List>(LIST, { filter: { type: { in: ['INCOMING'] } }, sortOrder: 'ASC' })
    expect(payments.edges[0]?.node).toMatchObject({ id: incomingId, state: 'COMPLETED', liquidity: '0' })
  })
})
