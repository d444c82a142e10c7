import { toConnection } from '../../../admin-api/index.ts'
import type { Payment } from '../../payments/model.ts'
import { listScope, pageRequest } from '../arguments.ts'
import type { PageArguments } from '../arguments.ts'
import type { AdminContext } from '../context.ts'
import { paymentFilter } from '../filters.ts'
import type { PaymentFilterInput } from '../filters.ts'

interface PaymentsArguments extends PageArguments {
  tenantId?: string | null
  filter?: PaymentFilterInput | null
}

export const allPaymentResolvers = {
  Query: {
    async payments(_: unknown, args: PaymentsArguments, context: AdminContext) {
      const filter = { ...listScope(context, args.tenantId), ...paymentFilter(args.filter) }
      return toConnection(await context.services.payments.page(pageRequest(args), filter))
    }
  },

  Payment: {
    liquidity: ({ id }: Payment, _: unknown, { loaders }: AdminContext) => loaders.balance.load(id),
    createdAt: ({ createdAt }: Payment) => createdAt.toISOString(),
    tenant: ({ tenantId }: Payment, _: unknown, { services }: AdminContext) => services.tenants.get(tenantId)
  }
}
