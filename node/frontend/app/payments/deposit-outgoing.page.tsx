import { randomUUID } from 'node:crypto'
import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { formatAmount } from '../money.ts'
import { handleForm, pageLoader } from '../page.server.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { TextField } from '../ui/fields.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import { outgoingActions } from './actions.ts'
import { changing } from './changing.server.ts'
import { getOutgoingPayment } from './outgoing.server.ts'
import { DEPOSIT_OUTGOING_PAYMENT_LIQUIDITY } from './outgoing-payments.ts'
import { depositForm } from './payment-forms.ts'

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const payment = await getOutgoingPayment(api, params.paymentId)
  return {
    key: randomUUID(),
    id: payment.id,
    debitAmount: payment.debitAmount,
    possible: outgoingActions(payment, credentials.tenantId).deposit
  }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, depositForm, ({ api, params, value, refuse }) =>
    changing(refuse, async () => {
      const { key, dataToTransmit } = value
      await api.call(DEPOSIT_OUTGOING_PAYMENT_LIQUIDITY, {
        input: {
          outgoingPaymentId: params.paymentId,
          idempotencyKey: key,
          ...(dataToTransmit !== undefined && { dataToTransmit })
        }
      })
      return {
        to: `/payments/outgoing/${params.paymentId}`,
        flash: 'The deposit was made: the payment is being sent'
      }
    })
  )

export default function DepositOutgoingPaymentPage() {
  const { key, id, debitAmount, possible } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(depositForm, { values: { key } })
  const amount = `${formatAmount(debitAmount.value, debitAmount.assetScale)} ${debitAmount.assetCode}`
  return (
    <ConfirmDialog
      title="Deposit liquidity"
      parent={`/payments/outgoing/${id}`}
      form={form}
      submitLabel={`Deposit ${amount}`}
      {...(possible !== true && { impossible: possible })}
    >
      <p>
        {amount} are deposited into the payment’s account, and it is sent at once. Do this only when the payer
        was debited: usually the wallet does it by itself when it is told of the payment.
      </p>
      <input type="hidden" name={fields.key.name} value={key} />
      <TextField
        field={fields.dataToTransmit}
        label="Data for the receiver"
        rows={3}
        help="Sent inside the payment, encrypted; leave it empty for none"
      />
    </ConfirmDialog>
  )
}
