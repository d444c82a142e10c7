import type { Knex } from 'knex'
import type { Database } from '../../runtime/index.ts'
import { TABLE as INCOMING_TABLE } from '../incoming-payments/store.ts'
import { TABLE as OUTGOING_TABLE, whereReceiver } from '../outgoing-payments/store.ts'
import { selectPage } from '../../pagination/index.ts'
import type { Nearest } from '../../pagination/index.ts'
import { isUuid } from '../sql.ts'
import { PAYMENT_STATES, PAYMENT_TYPES } from './model.ts'
import { countStates } from './state-counts.ts'
import type { Payment, PaymentFilter, Payments, PaymentState, PaymentType } from './model.ts'

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

/** Payments of one kind, and of one state where the filter names some: in the order of an index. */
interface Part {
  type: PaymentType
  state?: PaymentState
}

function partsOf({ types = PAYMENT_TYPES, states, receiver }: PaymentFilter): Part[] {
  return types
    .filter((type) => receiver === undefined || type === 'OUTGOING')
    .flatMap((type): Part[] => {
      const asked = PAYMENT_STATES[type].filter((state) => states === undefined || states.includes(state))
      if (asked.length === PAYMENT_STATES[type].length) return [{ type }]
      return asked.map((state) => ({ type, state }))
    })
}

/** The list of both kinds, in one order: as many of each part as the page may show, read by an index in that order. */
export function createPayments({ database: { knex } }: { database: Pick<Database, 'knex'> }): Payments {
  function select(part: Part, filter: PaymentFilter): Knex.QueryBuilder {
    const { tenantId, walletAddressId, receiver, createdAfter, createdBefore } = filter
    const { type, state } = part
    const query = knex(TABLES[type])
      .select(COLUMNS)
      .select(knex.raw('?::text AS type', [type]))
    if (tenantId !== undefined) void query.where({ tenantId })
    if (state !== undefined) void query.where({ state })
    if (walletAddressId) void query.whereIn('walletAddressId', walletAddressId.filter(isUuid))
    if (receiver) whereReceiver(query, receiver)
    if (createdAfter) void query.where('createdAt', '>=', createdAfter)
    if (createdBefore) void query.where('createdAt', '<', createdBefore)
    return type === 'INCOMING' ? query.whereNull('deletedAt') : query
  }

  return {
    async page(request, filter) {
      const parts = partsOf(filter)
      if (parts.length === 0) return { rows: [], hasNextPage: false, hasPreviousPage: false }
      const union = (nearest: Nearest) => {
        const queries = parts.map((part) => nearest(select(part, filter), TABLES[part.type]))
        return knex.from(knex.unionAll(queries as never, true).as(UNION))
      }
      const { tenantId } = filter
      const tables = [...new Set(parts.map(({ type }) => TABLES[type]))]
      const page = await selectPage<PaymentRow>(UNION, union, request, { tenantId }, tables)
      return { ...page, rows: page.rows.map(toPayment) }
    },
    countStates: (buckets) => countStates(knex, buckets)
  }
}

function toPayment({ client, metadata, ...row }: PaymentRow): Payment {
  return { ...row, ...(client !== null && { client }), ...(metadata !== null && { metadata }) }
}
