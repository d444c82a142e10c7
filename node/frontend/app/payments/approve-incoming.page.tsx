import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { handleForm, pageLoader } from '../page.server.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import { incomingActions } from './actions.ts'
import { changing } from './changing.server.ts'
import { getIncomingPayment } from './incoming.server.ts'
import { APPROVE_INCOMING_PAYMENT } from './incoming-payments.ts'
import { approveForm } from './payment-forms.ts'

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const payment = await getIncomingPayment(api, params.paymentId)
  return { id: payment.id, possible: incomingActions(payment, credentials.tenantId).approve }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, approveForm, ({ api, params, refuse }) =>
    changing(refuse, async () => {
      await api.call(APPROVE_INCOMING_PAYMENT, { input: { id: params.paymentId } })
      return { to: `/payments/incoming/${params.paymentId}`, flash: 'The payment was approved' }
    })
  )

export default function ApproveIncomingPaymentPage() {
  const { id, possible } = useLoaderData<typeof loader>()
  const { form } = useNodeForm(approveForm)
  return (
    <ConfirmDialog
      title="Approve this payment"
      parent={`/payments/incoming/${id}`}
      form={form}
      submitLabel="Approve the payment"
      {...(possible !== true && { impossible: possible })}
    >
      <p>
        It may be paid then. On a node that waits for its wallet’s word on new payments, it takes no money
        before. An approved payment cannot be cancelled any more.
      </p>
    </ConfirmDialog>
  )
}
