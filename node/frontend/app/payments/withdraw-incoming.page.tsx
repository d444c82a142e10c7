import { randomUUID } from 'node:crypto'
import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { handleForm, pageLoader } from '../page.server.ts'
import { incomingActions } from './actions.ts'
import { changing } from './changing.server.ts'
import { getIncomingPayment } from './incoming.server.ts'
import { WITHDRAW_INCOMING_PAYMENT } from './incoming-payments.ts'
import { movementForm } from './payment-forms.ts'
import { WithdrawDialog } from './withdraw-dialog.tsx'

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const payment = await getIncomingPayment(api, params.paymentId)
  const { assetCode, assetScale } = payment.receivedAmount
  return {
    movementKey: randomUUID(),
    parent: `/payments/incoming/${payment.id}`,
    amount: { value: payment.liquidity ?? 0n, assetCode, assetScale },
    possible: incomingActions(payment, credentials.tenantId).withdraw
  }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, movementForm, ({ api, params, value, refuse }) =>
    changing(refuse, async () => {
      await api.call(WITHDRAW_INCOMING_PAYMENT, {
        input: { incomingPaymentId: params.paymentId, idempotencyKey: value.key, timeoutSeconds: '0' }
      })
      return {
        to: `/payments/incoming/${params.paymentId}`,
        flash: 'What the payment received was withdrawn'
      }
    })
  )

export default function WithdrawIncomingPaymentPage() {
  return <WithdrawDialog {...useLoaderData<typeof loader>()} />
}
