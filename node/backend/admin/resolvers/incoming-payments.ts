import { adminError, toConnection } from '../../../admin-api/index.ts'
import { incomingPaymentFailures, receiverFailures } from '../../failures.ts'
import type { IncomingPayment } from '../../incoming-payments/model.ts'
import { isFailure } from '../../model.ts'
import type { Amount } from '../../model.ts'
import type { Receiver } from '../../receivers/model.ts'
import { isUuid } from '../../sql.ts'
import { listScope, pageRequest, parseTime, scopeOf } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { failureError, orUnavailable, unwrap } from '../errors.ts'
import { incomingPaymentFilter } from '../filters.ts'
import type { FilterString } from '../filters.ts'
import { creation, madeOnce, mutation } from '../mutation.ts'

interface NewPayment {
  expiresAt?: string | null
  metadata?: Record<string, unknown> | null
  incomingAmount?: Amount | null
}

interface CreateIncomingPaymentInput extends NewPayment {
  walletAddressId: string
  isCardPayment?: boolean | null
  senderWalletAddress?: string | null
}

interface PartialPaymentInput {
  incomingPaymentId: string
  partialIncomingPaymentId: string
}

interface CreateReceiverInput extends NewPayment {
  walletAddressUrl: string
}

export const incomingPaymentResolvers = {
  Query: {
    incomingPayment: (_: unknown, { id }: { id: string }, context: AdminContext) =>
      findIncomingPayment(context, id),
    async incomingPayments(
      _: unknown,
      args: PageArguments & {
        tenantId?: string | null
        filter?: { initiatedBy?: FilterString | null } | null
      },
      context: AdminContext
    ) {
      const filter = { ...listScope(context, args.tenantId), ...incomingPaymentFilter(args.filter) }
      return toConnection(await context.services.incomingPayments.page(pageRequest(args), filter))
    },
    async receiver(_: unknown, { id }: { id: string }, { services, tenant }: AdminContext) {
      const receiver = await orUnavailable(services.receivers.get(tenant.id, id), 'NotFound')
      if (isFailure(receiver) && receiver.failure === 'NotFound') {
        throw adminError('NOT_FOUND', 'receiver does not exist', {
          ...(receiver.message !== undefined && { details: { reason: receiver.message } })
        })
      }
      return unwrap(receiverFailures, receiver)
    }
  },

  Mutation: {
    createIncomingPayment: creation(
      'createIncomingPayment',
      async (input: CreateIncomingPaymentInput, { services, tenant, isOperator, logger }, claimed) => {
        const { walletAddressId, isCardPayment, senderWalletAddress } = input
        if (isCardPayment && !isOperator) {
          logger.warn(
            { tenantId: tenant.id, walletAddressId },
            'isCardPayment is ignored: only the operator may set it'
          )
        }
        const { id } = claimed
        const make = async () => {
          const created = services.incomingPayments.create({
            id,
            tenantId: tenant.id,
            walletAddressId,
            ...newPayment(input),
            ...(senderWalletAddress != null && { senderWalletAddress }),
            initiatedBy: isCardPayment && isOperator ? 'CARD' : 'ADMIN'
          })
          return unwrap(incomingPaymentFailures, await created)
        }
        return { payment: await madeOnce(claimed, () => services.incomingPayments.get(id, tenant.id), make) }
      }
    ),
    updateIncomingPayment: mutation(
      'updateIncomingPayment',
      async ({ id, metadata }: { id: string; metadata: Record<string, unknown> }, context) => {
        const { tenantId } = await findIncomingPayment(context, id)
        const payment = await context.services.incomingPayments.updateMetadata({ id, tenantId, metadata })
        return { payment: unwrap(incomingPaymentFailures, payment) }
      }
    ),
    approveIncomingPayment: mutation(
      'approveIncomingPayment',
      async ({ id }: { id: string }, { services, tenant }) => ({
        payment: unwrap(incomingPaymentFailures, await services.incomingPayments.approve(id, tenant.id))
      })
    ),
    cancelIncomingPayment: mutation(
      'cancelIncomingPayment',
      async (
        { id, cancellationReason }: { id: string; cancellationReason?: string | null },
        { services, tenant }
      ) => ({
        payment: unwrap(
          incomingPaymentFailures,
          await services.incomingPayments.cancel(id, tenant.id, cancellationReason ?? undefined)
        )
      })
    ),
    confirmPartialIncomingPayment: mutation(
      'confirmPartialIncomingPayment',
      async (input: PartialPaymentInput, context) => decided(context, input, { isAccepted: true })
    ),
    rejectPartialIncomingPayment: mutation(
      'rejectPartialIncomingPayment',
      async ({ reason, ...input }: PartialPaymentInput & { reason?: string | null }, context) =>
        decided(context, input, { isAccepted: false, ...(reason != null && { reason }) })
    ),
    // On this node it is made once. On another, whose answer was lost, a second one is made, which nobody pays.
    createReceiver: creation(
      'createReceiver',
      async (input: CreateReceiverInput, { services, tenant }, claimed) => {
        const { walletAddressUrl } = input
        const { id } = claimed
        const find = async () => {
          const payment = await services.incomingPayments.get(id)
          return payment && services.receivers.get(tenant.id, services.incomingPayments.url(payment))
        }
        const make = () =>
          services.receivers.create({ id, tenantId: tenant.id, walletAddressUrl, ...newPayment(input) })
        const receiver = await orUnavailable(madeOnce(claimed, find, make), 'InvalidRequest')
        return { receiver: withoutSecret(unwrap(receiverFailures, receiver)) }
      }
    ),
    completeReceiver: mutation(
      'completeReceiver',
      async ({ incomingPaymentUrl }: { incomingPaymentUrl: string }, context) => {
        const receiver = await orUnavailable(
          context.services.receivers.complete(scopeOf(context).tenantId, incomingPaymentUrl),
          'InvalidRequest'
        )
        return { receiver: withoutSecret(unwrap(receiverFailures, receiver)) }
      }
    )
  },

  IncomingPayment: {
    url: (payment: IncomingPayment, _: unknown, { services }: AdminContext) =>
      services.incomingPayments.url(payment),
    liquidity: ({ id }: IncomingPayment, _: unknown, { loaders }: AdminContext) => loaders.balance.load(id),
    incomingAmount: ({ incomingAmount, asset }: IncomingPayment): Amount | null =>
      incomingAmount === undefined
        ? null
        : { value: incomingAmount, assetCode: asset.code, assetScale: asset.scale },
    receivedAmount: async (
      { id, asset }: IncomingPayment,
      _: unknown,
      { loaders }: AdminContext
    ): Promise<Amount> => ({
      value: await loaders.received.load(id),
      assetCode: asset.code,
      assetScale: asset.scale
    }),
    expiresAt: ({ expiresAt }: IncomingPayment) => expiresAt.toISOString(),
    createdAt: ({ createdAt }: IncomingPayment) => createdAt.toISOString(),
    cancelledAt: ({ cancelledAt }: IncomingPayment) => cancelledAt?.toISOString(),
    tenant: ({ tenantId }: IncomingPayment, _: unknown, { services }: AdminContext) =>
      services.tenants.get(tenantId)
  },

  Receiver: {
    id: ({ incomingPaymentUrl }: Receiver) => incomingPaymentUrl,
    expiresAt: ({ expiresAt }: Receiver) => expiresAt?.toISOString(),
    createdAt: ({ createdAt }: Receiver) => createdAt.toISOString()
  }
}

export async function findIncomingPayment(context: AdminContext, id: string): Promise<IncomingPayment> {
  const payment = await context.services.incomingPayments.get(id, scopeOf(context).tenantId)
  if (!payment) throw adminError('NOT_FOUND', 'payment does not exist')
  return payment
}

/** The wallet's word on a packet with data. */
async function decided(
  context: AdminContext,
  { incomingPaymentId, partialIncomingPaymentId }: PartialPaymentInput,
  decision: { isAccepted: boolean; reason?: string }
): Promise<{ success: true }> {
  const { incomingPayments, partialPayments } = context.services
  const payment = await incomingPayments.get(incomingPaymentId, scopeOf(context).tenantId)
  if (!payment || !isUuid(partialIncomingPaymentId)) {
    throw failureError(incomingPaymentFailures, { failure: 'UnknownPayment' })
  }
  unwrap(incomingPaymentFailures, await partialPayments.decided(payment, partialIncomingPaymentId, decision))
  return { success: true }
}

function newPayment({ expiresAt, metadata, incomingAmount }: NewPayment) {
  return {
    ...(expiresAt != null && { expiresAt: parseTime(expiresAt, 'expiresAt') }),
    ...(metadata && { metadata }),
    ...(incomingAmount && { incomingAmount })
  }
}

/** What is kept for repeats of a mutation holds no STREAM secret. */
function withoutSecret({ credentials: _, ...receiver }: Receiver): Receiver {
  return receiver
}
