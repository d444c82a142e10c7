import { randomUUID } from 'node:crypto'
import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { handleForm, pageLoader } from '../page.server.ts'
import { outgoingActions } from './actions.ts'
import { changing } from './changing.server.ts'
import { getOutgoingPayment } from './outgoing.server.ts'
import { WITHDRAW_OUTGOING_PAYMENT } from './outgoing-payments.ts'
import { movementForm } from './payment-forms.ts'
import { WithdrawDialog } from './withdraw-dialog.tsx'

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const payment = await getOutgoingPayment(api, params.paymentId)
  const { assetCode, assetScale } = payment.sentAmount
  return {
    movementKey: randomUUID(),
    parent: `/payments/outgoing/${payment.id}`,
    amount: { value: payment.liquidity ?? 0n, assetCode, assetScale },
    possible: outgoingActions(payment, credentials.tenantId).withdraw
  }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, movementForm, ({ api, params, value, refuse }) =>
    changing(refuse, async () => {
      await api.call(WITHDRAW_OUTGOING_PAYMENT, {
        input: { outgoingPaymentId: params.paymentId, idempotencyKey: value.key, timeoutSeconds: '0' }
      })
      return {
        to: `/payments/outgoing/${params.paymentId}`,
        flash: 'What the payment left over was withdrawn'
      }
    })
  )

export default function WithdrawOutgoingPaymentPage() {
  return <WithdrawDialog {...useLoaderData<typeof loader>()} />
}
