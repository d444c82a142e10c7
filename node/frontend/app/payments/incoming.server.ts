import type { AdminApi } from '../admin-api/admin-api.ts'
import { notFound } from '../page.server.ts'
import { GET_INCOMING_PAYMENT } from './incoming-payments.ts'
import type { IncomingPayment } from './incoming-payments.ts'

/** @throws an answer 404 where there is none, or it is another tenant's */
export async function getIncomingPayment(api: AdminApi, id: string | undefined): Promise<IncomingPayment> {
  const { incomingPayment } = await api.call(GET_INCOMING_PAYMENT, { id })
  if (incomingPayment === null) throw notFound('Payment')
  return incomingPayment
}
