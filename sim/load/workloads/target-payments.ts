import { createHttpClient } from '../../../node/runtime/index.ts'
import { createAdminClient } from '../../actors/admin-client.ts'
import type { AdminClient } from '../../actors/admin-client.ts'
import type { LoadContext, Workload } from './model.ts'
import { generator, ownVersions } from './network.ts'
import type { CallOutcome } from '../engine/stage.ts'
import type { LoadTarget } from '../target.ts'
import { PAYMENT_BOUNDS, PAYMENT_CALLERS, PAYMENT_SCRIPT, PAYMENTS_IN_FLIGHT } from './payments.ts'
import { outcomeOf } from './payments-network.ts'
import { reconcileRows } from './stored-rows.ts'

const WARM_UP_MS = 8_000
const PAYMENT_TIMEOUT_MS = 60_000
/** Looks at a payment's state: the first, and how much later each next one comes. */
const FIRST_LOOK_MS = 50
const GROWTH = 1.5
const LONGEST_WAIT_MS = 2_000
/** Payments of one page of the list. */
const PAGE = 100

/**
 * End-to-end payments over the Admin API of a node of anybody's, which its wallet funds: receiver, quote, payment, and
 * its state again and again until it is an end.
 */
export async function startTargetPaymentsWorkload(
  context: LoadContext,
  { name, payments }: LoadTarget & { payments: NonNullable<LoadTarget['payments']> }
): Promise<Workload> {
  const { runtime } = context
  const { payerWalletAddressId: walletAddressId, receiverUrl, receiveAmount } = payments
  const http = createHttpClient(runtime)
  context.defer(() => http.close())
  const admin = createAdminClient({ http, clock: runtime.clock }, payments.admin)
  context.step('target', `${name}: payments over ${payments.admin.url} to ${receiverUrl}`)
  const completedBefore = await countCompleted(admin, walletAddressId)

  async function pay(): Promise<string> {
    const { createReceiver } = await admin.call<{ createReceiver: { receiver: { id: string } } }>(
      CREATE_RECEIVER,
      { input: { walletAddressUrl: receiverUrl, incomingAmount: receiveAmount } }
    )
    const { createQuote } = await admin.call<{ createQuote: { quote: { id: string } } }>(CREATE_QUOTE, {
      input: { walletAddressId, receiver: createReceiver.receiver.id }
    })
    const { createOutgoingPayment } = await admin.call<{
      createOutgoingPayment: { payment: { id: string } }
    }>(CREATE_PAYMENT, { input: { walletAddressId, quoteId: createQuote.quote.id } })
    return ending(createOutgoingPayment.payment.id)
  }

  async function ending(id: string): Promise<string> {
    const untilMs = runtime.clock.monotonicMs() + PAYMENT_TIMEOUT_MS
    for (let waitMs = FIRST_LOOK_MS; runtime.clock.monotonicMs() < untilMs;) {
      await runtime.clock.sleep(waitMs)
      waitMs = Math.min(LONGEST_WAIT_MS, waitMs * GROWTH)
      const { outgoingPayment } = await admin.call<{ outgoingPayment: { state: string } }>(PAYMENT_STATE, {
        id
      })
      if (outgoingPayment.state !== 'FUNDING' && outgoingPayment.state !== 'SENDING') {
        return outgoingPayment.state
      }
    }
    return 'no end was told'
  }

  const call = (): Promise<CallOutcome> =>
    pay().then(
      (state) => ({ ok: state === 'COMPLETED', name: state }),
      (error: Error) => ({ ok: false, name: outcomeOf(error) })
    )

  return {
    unit: 'payments',
    topology: {
      name,
      nodes: [
        { name: 'payer', role: 'generator', detail: 'Admin API', column: 0 },
        { name, role: 'node', detail: new URL(payments.admin.url).host, column: 1 },
        { name: 'receiver', role: 'peer', detail: new URL(receiverUrl).host, column: 2 }
      ],
      links: [
        { from: 'payer', to: name, detail: 'GraphQL' },
        { from: name, to: 'receiver', detail: 'Open Payments, ILP' }
      ]
    },
    call,
    maxInFlight: PAYMENTS_IN_FLIGHT,
    probeCallers: PAYMENT_CALLERS,
    warmUpMs: WARM_UP_MS,
    bounds: PAYMENT_BOUNDS,
    processes: [generator()],
    profiled: [],
    settings: { target: name },
    versions: ownVersions(),
    k6: { script: PAYMENT_SCRIPT, target: payments },
    async reconcile({ COMPLETED: made = 0, ...failures }) {
      const stored = (await countCompleted(admin, walletAddressId)) - completedBefore
      return reconcileRows([{ what: 'payments COMPLETED', made, stored }], failures)
    },
    // Nobody tells when another's process ends: its calls fail.
    failure: new Promise(() => undefined)
  }
}

/** All COMPLETED payments of a wallet address, page by page. */
async function countCompleted(admin: AdminClient, walletAddressId: string): Promise<number> {
  let count = 0
  for (let after: string | undefined; ;) {
    const { outgoingPayments } = await admin.call<{
      outgoingPayments: {
        edges: { cursor: string }[]
        pageInfo: { hasNextPage: boolean; endCursor: string | null }
      }
    }>(COMPLETED_PAYMENTS, {
      first: PAGE,
      ...(after !== undefined && { after }),
      filter: { walletAddressId: { in: [walletAddressId] }, state: { in: ['COMPLETED'] } }
    })
    const { edges, pageInfo } = outgoingPayments
    count += edges.length
    if (!pageInfo.hasNextPage || pageInfo.endCursor === null) return count
    after = pageInfo.endCursor
  }
}

const CREATE_RECEIVER = `mutation CreateReceiver($input: CreateReceiverInput!) {
  createReceiver(input: $input) { receiver { id } } }`
const CREATE_QUOTE = `mutation CreateQuote($input: CreateQuoteInput!) {
  createQuote(input: $input) { quote { id } } }`
const CREATE_PAYMENT = `mutation CreateOutgoingPayment($input: CreateOutgoingPaymentInput!) {
  createOutgoingPayment(input: $input) { payment { id } } }`
const PAYMENT_STATE = `query PaymentState($id: String!) { outgoingPayment(id: $id) { state } }`
const COMPLETED_PAYMENTS = `query CompletedPayments($first: Int, $after: String, $filter: OutgoingPaymentFilter) {
  outgoingPayments(first: $first, after: $after, filter: $filter) {
    edges { cursor } pageInfo { hasNextPage endCursor } } }`
