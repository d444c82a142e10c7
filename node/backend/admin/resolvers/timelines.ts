import { countsAs } from '../../../admin-api/index.ts'
import type { IncomingPayment } from '../../incoming-payments/model.ts'
import type { OutgoingPayment } from '../../outgoing-payments/model.ts'
import type { TimelineEntry } from '../../timelines/model.ts'
import { scopeOf } from '../arguments.ts'
import type { AdminContext } from '../context.ts'

/** What one timeline counts as: it asks several statements of its own, so that no list of 20 payments may have it. */
const TIMELINE_ROWS = 2_500

export const timelineResolvers = {
  IncomingPayment: {
    timeline: countsAs(TIMELINE_ROWS, (payment: IncomingPayment, _: unknown, context: AdminContext) =>
      context.services.timelines.ofIncoming(payment, scopeOf(context).tenantId)
    )
  },

  OutgoingPayment: {
    timeline: countsAs(TIMELINE_ROWS, (payment: OutgoingPayment, _: unknown, context: AdminContext) =>
      context.services.timelines.ofOutgoing(payment, scopeOf(context).tenantId)
    )
  },

  PaymentTimelineEntry: {
    at: ({ at }: TimelineEntry) => at.toISOString()
  }
}
