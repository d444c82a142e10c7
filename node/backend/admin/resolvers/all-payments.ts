import { adminError, countsAs, toConnection } from '../../../admin-api/index.ts'
import type { Clock } from '../../../runtime/index.ts'
import { PAYMENT_STATES } from '../../payments/model.ts'
import type { Payment, PaymentBuckets, PaymentStateCount } from '../../payments/model.ts'
import { listScope, pageRequest, parseTime, scopeOf } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { paymentFilter } from '../filters.ts'
import type { PaymentFilterInput } from '../filters.ts'

interface PaymentsArguments extends PageArguments {
  tenantId?: string | null
  filter?: PaymentFilterInput | null
}

interface StatesArguments {
  since: string
  bucketSeconds: number
}

const MAX_BUCKETS = 200
const MAX_BUCKETS_MS = 31 * 86_400_000
/** Of every bucket, the one under way too. */
const MAX_STATE_COUNTS = (MAX_BUCKETS + 1) * Object.values(PAYMENT_STATES).flat().length

export const allPaymentResolvers = {
  Query: {
    async payments(_: unknown, args: PaymentsArguments, context: AdminContext) {
      const filter = { ...listScope(context, args.tenantId), ...paymentFilter(args.filter) }
      return toConnection(await context.services.payments.page(pageRequest(args), filter))
    },
    paymentStates: countsAs(MAX_STATE_COUNTS, (_: unknown, args: StatesArguments, context: AdminContext) =>
      context.services.payments.countStates({ ...scopeOf(context), ...paymentBuckets(args, context.clock) })
    )
  },

  PaymentStateCount: {
    bucketStart: ({ bucketStart }: PaymentStateCount) => bucketStart.toISOString()
  },

  Payment: {
    liquidity: ({ id }: Payment, _: unknown, { loaders }: AdminContext) => loaders.balance.load(id),
    createdAt: ({ createdAt }: Payment) => createdAt.toISOString(),
    tenant: ({ tenantId }: Payment, _: unknown, { services }: AdminContext) => services.tenants.get(tenantId)
  }
}

/**
 * The buckets from then until now, with the one under way on top of the limits: who asks for exactly so much has
 * looked at the clock before.
 *
 * @throws BAD_USER_INPUT for a time that is none, and for what begins too early or has too many buckets
 */
function paymentBuckets({ since, bucketSeconds }: StatesArguments, clock: Clock): PaymentBuckets {
  const start = parseTime(since, 'since')
  if (bucketSeconds < 1) throw adminError('BAD_USER_INPUT', 'bucketSeconds is 1 or more')
  const bucketMs = bucketSeconds * 1_000
  const elapsedMs = clock.nowMs() - start.getTime()
  if (elapsedMs > MAX_BUCKETS_MS + bucketMs)
    throw adminError('BAD_USER_INPUT', 'since is at most 31 days ago')
  const whole = Math.floor(elapsedMs / bucketMs)
  if (whole > MAX_BUCKETS) {
    throw adminError(
      'BAD_USER_INPUT',
      `there are ${whole} buckets since then, and at most ${MAX_BUCKETS} are counted: make bucketSeconds larger`
    )
  }
  return { since: start, bucketMs, buckets: whole + 1 }
}
