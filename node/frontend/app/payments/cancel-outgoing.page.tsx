import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { handleForm, pageLoader } from '../page.server.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { TextField } from '../ui/fields.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import { outgoingActions } from './actions.ts'
import { changing } from './changing.server.ts'
import { getOutgoingPayment } from './outgoing.server.ts'
import { CANCEL_OUTGOING_PAYMENT } from './outgoing-payments.ts'
import { cancelForm } from './payment-forms.ts'

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const payment = await getOutgoingPayment(api, params.paymentId)
  return { id: payment.id, possible: outgoingActions(payment, credentials.tenantId).cancel }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, cancelForm, ({ api, params, value: { reason }, refuse }) =>
    changing(refuse, async () => {
      await api.call(CANCEL_OUTGOING_PAYMENT, {
        input: { id: params.paymentId, ...(reason !== undefined && { reason }) }
      })
      return { to: `/payments/outgoing/${params.paymentId}`, flash: 'The payment was cancelled' }
    })
  )

export default function CancelOutgoingPaymentPage() {
  const { id, possible } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(cancelForm)
  return (
    <ConfirmDialog
      title="Cancel this payment"
      parent={`/payments/outgoing/${id}`}
      form={form}
      submitLabel="Cancel the payment"
      look="danger"
      {...(possible !== true && { impossible: possible })}
    >
      <p>Nothing was deposited, so nothing is sent. A cancelled payment cannot be taken up again.</p>
      <TextField field={fields.reason} label="Reason" help="Kept in the payment’s metadata" />
    </ConfirmDialog>
  )
}
