import { outgoingPaymentFailures, quoteFailures } from '../failures.ts'
import { isFailure } from '../model.ts'
import type { OutgoingPayment, OutgoingPayments } from '../outgoing-payments/model.ts'
import type { Quotes } from '../quotes/model.ts'
import { isUuid } from '../sql.ts'
import { parseAmount } from './amounts.ts'
import type { Authorization } from './authorize.ts'
import { isRefusal, refuse, refuseFailure } from './errors.ts'
import type { Refusal } from './errors.ts'
import { pageRequest, serializePage } from './pages.ts'
import type { Answer, AuthorizedRequest, Handler, RequestOn } from './request.ts'
import { serializeGrantSpentAmounts, serializeOutgoingPayment, serializeSpentBefore } from './serialize.ts'

/** Outgoing payments on the resource server: `/:tenantId/outgoing-payments` and below, and the grant's sums. */
export function createOutgoingPaymentHandlers({
  outgoingPayments,
  quotes
}: {
  outgoingPayments: OutgoingPayments
  quotes: Quotes
}) {
  const body = (payment: OutgoingPayment, walletAddressUrl: string) =>
    serializeOutgoingPayment(payment, {
      url: outgoingPayments.url(payment),
      quoteUrl: quotes.url(payment.quote),
      walletAddressUrl
    })

  /** The quote that the request names, or one made for it from `incomingPayment` and `debitAmount`. */
  async function quoteIdFor({
    body: input,
    tenantId,
    walletAddress,
    client
  }: AuthorizedRequest): Promise<string | Refusal> {
    const { quoteId, incomingPayment, debitAmount } = input as {
      quoteId?: string
      incomingPayment?: string
      debitAmount?: unknown
    }
    if (quoteId !== undefined) {
      const id = quoteId.slice(quoteId.lastIndexOf('/') + 1)
      return isUuid(id) ? id : refuse(400, 'Invalid quote id trying to create outgoing payment')
    }
    const debit = parseAmount(debitAmount)
    if (!debit) return refuseFailure(outgoingPaymentFailures, { failure: 'InvalidAmount' })
    const quote = await quotes.create({
      tenantId,
      walletAddressId: walletAddress.id,
      receiver: incomingPayment!,
      debitAmount: debit,
      client
    })
    return isFailure(quote) ? refuseFailure(quoteFailures, quote) : quote.id
  }

  const create: Handler<AuthorizedRequest> = async (request) => {
    const { tenantId, walletAddress, client, grant } = request
    const quoteId = await quoteIdFor(request)
    if (isRefusal(quoteId)) return quoteId
    const { metadata } = request.body as { metadata?: Record<string, unknown> }
    const created = await outgoingPayments.create({
      tenantId,
      walletAddressId: walletAddress.id,
      quoteId,
      ...(metadata && { metadata }),
      client,
      grant,
      initiatedBy: 'OPEN_PAYMENTS'
    })
    if (isFailure(created)) return refuseFailure(outgoingPaymentFailures, created)
    const { payment, spent } = created
    return {
      status: 201,
      body: { ...body(payment, walletAddress.address), ...serializeSpentBefore(payment, spent) }
    }
  }

  const get: Handler<RequestOn<OutgoingPayment>> = async ({ resource, walletAddress, client, all }) => {
    if (!all && resource.client !== client) {
      return refuse(404, 'Outgoing payment does not exist')
    }
    return { status: 200, body: body(resource, walletAddress.address) }
  }

  const list: Handler<AuthorizedRequest> = async ({ query, tenantId, walletAddress, client, all }) => {
    const asked = pageRequest(query)
    if (isRefusal(asked)) return asked
    const page = await outgoingPayments.page(asked, {
      walletAddressId: [walletAddress.id],
      tenantId,
      ...(!all && { client })
    })
    return {
      status: 200,
      body: serializePage(page, (payment) => body(payment, walletAddress.address))
    }
  }

  const grantSpentAmounts = async ({ grant }: Authorization): Promise<Answer> => ({
    status: 200,
    body: serializeGrantSpentAmounts(await outgoingPayments.grantSpentAmounts(grant))
  })

  const find = async (id: string, tenantId: string) =>
    isUuid(id) && isUuid(tenantId) ? outgoingPayments.get(id, tenantId) : undefined

  return { find, create, get, list, grantSpentAmounts }
}
