import { formatAmount } from '../money.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import type { Possible } from './actions.ts'
import { movementForm } from './payment-forms.ts'
import type { Amount } from './payments.ts'

/** Asks before all that a payment's account holds is withdrawn. */
export function WithdrawDialog({
  movementKey,
  parent,
  amount,
  possible
}: {
  movementKey: string
  parent: string
  amount: Amount
  possible: Possible
}) {
  const { form, fields } = useNodeForm(movementForm, { values: { key: movementKey } })
  const text = `${formatAmount(amount.value, amount.assetScale)} ${amount.assetCode}`
  return (
    <ConfirmDialog
      title="Withdraw liquidity"
      parent={parent}
      form={form}
      submitLabel={`Withdraw ${text}`}
      {...(possible !== true && { impossible: possible })}
    >
      <p>
        {text} leave the payment’s account, at once and for good. Do this only when the wallet credits its
        customer by hand: usually it withdraws by itself when it is told that the payment ended.
      </p>
      <input type="hidden" name={fields.key.name} value={movementKey} />
    </ConfirmDialog>
  )
}
