import type { Knex } from 'knex'
import type { Database } from '../../runtime/index.ts'
import { TABLE as INCOMING_TABLE } from '../incoming-payments/store.ts'
import { TABLE as OUTGOING_TABLE } from '../outgoing-payments/store.ts'
import { selectPage } from '../../pagination/index.ts'
import { isUuid } from '../sql.ts'
import { PAYMENT_TYPES } from './model.ts'
import type { Payment, Payments, PaymentType } from './model.ts'

interface PaymentRow {
  id: string
  type: PaymentType
  tenantId: string
  walletAddressId: string
  state: Payment['state']
  client: string | null
  metadata: Record<string, unknown> | null
  createdAt: Date
}

const COLUMNS = ['id', 'tenantId', 'walletAddressId', 'state', 'client', 'metadata', 'createdAt']
const TABLES: Record<PaymentType, string> = { INCOMING: INCOMING_TABLE, OUTGOING: OUTGOING_TABLE }
const UNION = 'payments'

/** The list of both kinds, in one order: PostgreSQL merges the two tables' indexes by creation time. */
export function createPayments({ database: { knex } }: { database: Pick<Database, 'knex'> }): Payments {
  return {
    async page(request, { tenantId, types = PAYMENT_TYPES, walletAddressId }) {
      if (types.length === 0) return { rows: [], hasNextPage: false, hasPreviousPage: false }
      const union = () => {
        const kinds = types.map((type): Knex.QueryBuilder => {
          const kind = knex(TABLES[type])
            .select(COLUMNS)
            .select(knex.raw('?::text AS type', [type]))
          if (tenantId !== undefined) void kind.where({ tenantId })
          if (walletAddressId) void kind.whereIn('walletAddressId', walletAddressId.filter(isUuid))
          return type === 'INCOMING' ? kind.whereNull('deletedAt') : kind
        })
        return knex.from(knex.unionAll(kinds as never).as(UNION))
      }
      const tables = types.map((type) => TABLES[type])
      const page = await selectPage<PaymentRow>(UNION, union, request, { tenantId }, tables)
      return { ...page, rows: page.rows.map(toPayment) }
    }
  }
}

function toPayment({ client, metadata, ...row }: PaymentRow): Payment {
  return { ...row, ...(client !== null && { client }), ...(metadata !== null && { metadata }) }
}
