import { adminError, toConnection } from '../../../admin-api/index.ts'
import { outgoingPaymentFailures, quoteFailures } from '../../failures.ts'
import type { Amount } from '../../model.ts'
import type { CardDetails, OutgoingPayment } from '../../outgoing-payments/model.ts'
import type { Quote } from '../../quotes/model.ts'
import { isUuid } from '../../sql.ts'
import { listScope, pageRequest, parseTime, scopeOf } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { failureError, orUnavailable, unwrap } from '../errors.ts'
import { outgoingPaymentFilter } from '../filters.ts'
import type { FilterString } from '../filters.ts'
import type { Creation } from '../creation-claims.ts'
import { creation, madeOnce, mutation } from '../mutation.ts'

interface CreateQuoteInput {
  walletAddressId: string
  receiver: string
  debitAmount?: Amount | null
  receiveAmount?: Amount | null
}

interface CreateOutgoingPaymentInput {
  walletAddressId: string
  quoteId: string
  metadata?: Record<string, unknown> | null
}

interface FromIncomingPaymentInput {
  walletAddressId: string
  incomingPayment: string
  debitAmount?: Amount | null
  metadata?: Record<string, unknown> | null
  cardDetails?: { requestId: string; data: Record<string, unknown>; initiatedAt: string } | null
}

interface CancelInput {
  id: string
  reason?: string | null
  cardPaymentFailureReason?: string | null
}

interface OutgoingPaymentsArguments extends PageArguments {
  tenantId?: string | null
  filter?: {
    receiver?: FilterString | null
    walletAddressId?: FilterString | null
    state?: FilterString | null
  } | null
}

export const outgoingPaymentResolvers = {
  Query: {
    async quote(_: unknown, { id }: { id: string }, { services, tenant }: AdminContext) {
      const quote = isUuid(id) ? await services.quotes.get(id, tenant.id) : undefined
      if (!quote) throw adminError('NOT_FOUND', 'quote does not exist')
      return quote
    },
    outgoingPayment: (_: unknown, { id }: { id: string }, context: AdminContext) =>
      findOutgoingPayment(context, id),
    async outgoingPayments(_: unknown, args: OutgoingPaymentsArguments, context: AdminContext) {
      const filter = { ...listScope(context, args.tenantId), ...outgoingPaymentFilter(args.filter) }
      return toConnection(await context.services.outgoingPayments.page(pageRequest(args), filter))
    }
  },

  Mutation: {
    createQuote: creation('createQuote', async (input: CreateQuoteInput, context, claimed) => ({
      quote: await createQuote(context, input, claimed)
    })),
    createOutgoingPayment: creation(
      'createOutgoingPayment',
      async (input: CreateOutgoingPaymentInput, context, claimed) => ({
        payment: await createPayment(context, input, claimed)
      })
    ),
    createOutgoingPaymentFromIncomingPayment: creation(
      'createOutgoingPaymentFromIncomingPayment',
      async (input: FromIncomingPaymentInput, context, claimed) => {
        const { walletAddressId, incomingPayment: receiver, debitAmount, metadata } = input
        const cardDetails = readCardDetails(input.cardDetails)
        // The quote's id, which is the payment's: both are made once.
        const quote = await createQuote(context, { walletAddressId, receiver, debitAmount }, claimed)
        const ofQuote = { walletAddressId, quoteId: quote.id, metadata }
        return { payment: await createPayment(context, ofQuote, claimed, cardDetails) }
      }
    ),
    cancelOutgoingPayment: mutation(
      'cancelOutgoingPayment',
      async ({ id, reason, cardPaymentFailureReason }: CancelInput, { services, tenant }) => {
        if (!isUuid(id)) throw failureError(outgoingPaymentFailures, { failure: 'UnknownPayment' })
        const payment = await services.outgoingPayments.cancel({
          id,
          tenantId: tenant.id,
          ...(reason != null && { reason }),
          ...(cardPaymentFailureReason != null && { cardPaymentFailureReason })
        })
        return { payment: unwrap(outgoingPaymentFailures, payment) }
      }
    )
  },

  OutgoingPayment: {
    liquidity: ({ id }: OutgoingPayment, _: unknown, { loaders }: AdminContext) => loaders.balance.load(id),
    debitAmount: ({ quote }: OutgoingPayment) => quote.debitAmount,
    receiveAmount: ({ quote }: OutgoingPayment) => quote.receiveAmount,
    sentAmount: ({ sentAmount, quote }: OutgoingPayment): Amount => ({
      value: sentAmount,
      assetCode: quote.asset.code,
      assetScale: quote.asset.scale
    }),
    createdAt: ({ createdAt }: OutgoingPayment) => createdAt.toISOString(),
    tenant: ({ tenantId }: OutgoingPayment, _: unknown, { services }: AdminContext) =>
      services.tenants.get(tenantId)
  },

  Quote: {
    createdAt: ({ createdAt }: Quote) => createdAt.toISOString(),
    expiresAt: ({ expiresAt }: Quote) => expiresAt.toISOString()
  }
}

export async function findOutgoingPayment(context: AdminContext, id: string): Promise<OutgoingPayment> {
  const { outgoingPayments } = context.services
  const payment = isUuid(id) ? await outgoingPayments.get(id, scopeOf(context).tenantId) : undefined
  if (!payment) throw adminError('NOT_FOUND', 'payment does not exist')
  return payment
}

async function createQuote(
  { services, tenant }: AdminContext,
  { walletAddressId, receiver, debitAmount, receiveAmount }: CreateQuoteInput,
  claimed: Creation
): Promise<Quote> {
  const { id } = claimed
  const make = async () => {
    const created = services.quotes.create({
      id,
      tenantId: tenant.id,
      walletAddressId,
      receiver,
      ...(debitAmount && { debitAmount }),
      ...(receiveAmount && { receiveAmount })
    })
    return unwrap(quoteFailures, await orUnavailable(created, 'InvalidReceiver'))
  }
  return madeOnce(claimed, () => services.quotes.get(id, tenant.id), make)
}

async function createPayment(
  { services, tenant }: AdminContext,
  { walletAddressId, quoteId, metadata }: CreateOutgoingPaymentInput,
  claimed: Creation,
  cardDetails?: CardDetails
): Promise<OutgoingPayment> {
  if (!isUuid(quoteId)) throw failureError(outgoingPaymentFailures, { failure: 'UnknownQuote' })
  const make = async () => {
    const created = services.outgoingPayments.create({
      tenantId: tenant.id,
      walletAddressId,
      quoteId,
      ...(metadata && { metadata }),
      ...(cardDetails ? { initiatedBy: 'CARD', cardDetails } : { initiatedBy: 'ADMIN' })
    })
    return unwrap(outgoingPaymentFailures, await orUnavailable(created, 'InvalidReceiver')).payment
  }
  return madeOnce(claimed, () => services.outgoingPayments.get(quoteId, tenant.id), make)
}

/** The longest id of a card service's request, in characters. */
const MAX_REQUEST_ID_LENGTH = 255

/** @throws BAD_USER_INPUT for a time that is none, and an id that is none */
function readCardDetails(details: FromIncomingPaymentInput['cardDetails']): CardDetails | undefined {
  if (!details) return undefined
  const { requestId, data, initiatedAt } = details
  if (requestId.trim() === '' || requestId.length > MAX_REQUEST_ID_LENGTH) {
    throw adminError(
      'BAD_USER_INPUT',
      `invalid cardDetails.requestId: 1 to ${MAX_REQUEST_ID_LENGTH} characters are needed`
    )
  }
  return { requestId, data, initiatedAt: parseTime(initiatedAt, 'cardDetails.initiatedAt') }
}
