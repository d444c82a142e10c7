import { incomingPaymentFailures } from '../failures.ts'
import type { IncomingPayment, IncomingPayments } from '../incoming-payments/model.ts'
import { isFailure } from '../model.ts'
import { isUuid } from '../sql.ts'
import { parseAmount } from './amounts.ts'
import type { WireAmount } from './amounts.ts'
import { isRefusal, refuse, refuseFailure } from './errors.ts'
import { pageRequest, serializePage } from './pages.ts'
import type { AuthorizedRequest, Handler, RequestOn } from './request.ts'
import { serializeIncomingPayment, serializeMethods, serializePublicIncomingPayment } from './serialize.ts'
import type { Doors } from './serialize.ts'

/** Incoming payments on the resource server: `/:tenantId/incoming-payments` and below. */
export function createIncomingPaymentHandlers({
  incomingPayments,
  doors
}: {
  incomingPayments: IncomingPayments
  doors: Doors
}) {
  const body = (payment: IncomingPayment, walletAddressUrl: string, received: bigint) =>
    serializeIncomingPayment(payment, { url: incomingPayments.url(payment), walletAddressUrl, received })

  const withMethods = (payment: IncomingPayment, walletAddressUrl: string, received: bigint) => ({
    ...body(payment, walletAddressUrl, received),
    methods: serializeMethods(incomingPayments.paymentMethods(payment))
  })

  async function receivedBy(payment: IncomingPayment): Promise<bigint> {
    const [received] = await incomingPayments.receivedAmounts([payment.id])
    return received ?? 0n
  }

  const create: Handler<AuthorizedRequest> = async ({ tenantId, walletAddress, client, body: input }) => {
    const { incomingAmount, expiresAt, metadata } = input as {
      incomingAmount?: WireAmount
      expiresAt?: string
      metadata?: Record<string, unknown>
    }
    const amount = incomingAmount === undefined ? undefined : parseAmount(incomingAmount)
    if (incomingAmount !== undefined && !amount) {
      return refuseFailure(incomingPaymentFailures, { failure: 'InvalidAmount' })
    }
    const expiry = expiresAt === undefined ? undefined : new Date(expiresAt)
    if (expiry && Number.isNaN(expiry.getTime())) {
      return refuseFailure(incomingPaymentFailures, { failure: 'InvalidExpiry' })
    }
    const created = await incomingPayments.create({
      tenantId,
      walletAddressId: walletAddress.id,
      ...(amount && { incomingAmount: amount }),
      ...(expiry && { expiresAt: expiry }),
      ...(metadata && { metadata }),
      client,
      initiatedBy: 'OPEN_PAYMENTS'
    })
    if (isFailure(created)) return refuseFailure(incomingPaymentFailures, created)
    // Nobody knew its address before this answer: it has received nothing.
    return { status: 201, body: withMethods(created, walletAddress.address, 0n) }
  }

  const get: Handler<RequestOn<IncomingPayment>> = async ({ resource, walletAddress, client, all }) => {
    if (!all && resource.client !== client) return unknown()
    return {
      status: 200,
      body: withMethods(resource, walletAddress.address, await receivedBy(resource))
    }
  }

  const getPublic = async (payment: IncomingPayment) => ({
    status: 200,
    body: serializePublicIncomingPayment(doors, payment, await receivedBy(payment))
  })

  const list: Handler<AuthorizedRequest> = async ({ query, tenantId, walletAddress, client, all }) => {
    const asked = pageRequest(query)
    if (isRefusal(asked)) return asked
    const page = await incomingPayments.page(asked, {
      walletAddressId: walletAddress.id,
      tenantId,
      ...(!all && { client })
    })
    const received = await incomingPayments.receivedAmounts(page.rows.map(({ id }) => id))
    return {
      status: 200,
      body: serializePage(page, (payment, index) =>
        body(payment, walletAddress.address, received[index] ?? 0n)
      )
    }
  }

  /** For the client that created it: every payer knows its URL, and completing ends what others still pay. */
  const complete: Handler<RequestOn<IncomingPayment>> = async (request) => {
    const { resource, walletAddress, tenantId, client } = request
    if (resource.client !== client) return unknown()
    const completed = await incomingPayments.complete(resource.id, tenantId)
    if (isFailure(completed)) return refuseFailure(incomingPaymentFailures, completed)
    return { status: 200, body: body(completed, walletAddress.address, await receivedBy(completed)) }
  }

  const find = async (id: string, tenantId: string) =>
    isUuid(id) && isUuid(tenantId) ? incomingPayments.get(id, tenantId) : undefined

  return { find, create, get, getPublic, list, complete }
}

function unknown() {
  return refuse(404, 'Incoming payment does not exist')
}
