import { adminError } from '../../../admin-api/index.ts'
import { DEFAULT_TRANSFERS, MAX_TRANSFERS } from '../../accounting/transfers.ts'
import type { AccountingTransfer } from '../../accounting/transfers.ts'
import { scopeOf } from '../arguments.ts'
import type { AdminContext } from '../context.ts'

export const accountingResolvers = {
  Query: {
    accountingTransfers(
      _: unknown,
      { id, limit }: { id: string; limit?: number | null },
      context: AdminContext
    ) {
      const count = limit ?? DEFAULT_TRANSFERS
      if (count < 1 || count > MAX_TRANSFERS) {
        throw adminError('BAD_USER_INPUT', `limit is a number from 1 to ${MAX_TRANSFERS}, not ${count}`)
      }
      return context.services.accountingTransfers.ofAccount(id, count, scopeOf(context).tenantId)
    }
  },

  AccountingTransfer: {
    createdAt: ({ createdAt }: AccountingTransfer) => createdAt.toISOString(),
    expiresAt: ({ expiresAt }: AccountingTransfer) => expiresAt?.toISOString()
  }
}
