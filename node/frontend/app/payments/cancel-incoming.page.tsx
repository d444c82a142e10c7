import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { handleForm, pageLoader } from '../page.server.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { TextField } from '../ui/fields.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import { incomingActions } from './actions.ts'
import { changing } from './changing.server.ts'
import { getIncomingPayment } from './incoming.server.ts'
import { CANCEL_INCOMING_PAYMENT } from './incoming-payments.ts'
import { cancelForm } from './payment-forms.ts'

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const payment = await getIncomingPayment(api, params.paymentId)
  return { id: payment.id, possible: incomingActions(payment, credentials.tenantId).cancel }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, cancelForm, ({ api, params, value: { reason }, refuse }) =>
    changing(refuse, async () => {
      await api.call(CANCEL_INCOMING_PAYMENT, {
        input: { id: params.paymentId, ...(reason !== undefined && { cancellationReason: reason }) }
      })
      return { to: `/payments/incoming/${params.paymentId}`, flash: 'The payment was cancelled' }
    })
  )

export default function CancelIncomingPaymentPage() {
  const { id, possible } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(cancelForm)
  return (
    <ConfirmDialog
      title="Cancel this payment"
      parent={`/payments/incoming/${id}`}
      form={form}
      submitLabel="Cancel the payment"
      look="danger"
      {...(possible !== true && { impossible: possible })}
    >
      <p>It takes no money any more, and ends when it expires. That cannot be taken back.</p>
      <TextField field={fields.reason} label="Reason" help="Shown to whoever reads the payment" />
    </ConfirmDialog>
  )
}
