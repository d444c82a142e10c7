import type { AdminApi } from '../admin-api/admin-api.ts'
import { notFound } from '../page.server.ts'
import { GET_OUTGOING_PAYMENT } from './outgoing-payments.ts'
import type { OutgoingPayment } from './outgoing-payments.ts'

/** @throws an answer 404 where there is none, or it is another tenant's */
export async function getOutgoingPayment(api: AdminApi, id: string | undefined): Promise<OutgoingPayment> {
  const { outgoingPayment } = await api.call(GET_OUTGOING_PAYMENT, { id })
  if (outgoingPayment === null) throw notFound('Payment')
  return outgoingPayment
}
