import { SubmitButton } from './button.tsx'
import { TextField } from './fields.tsx'
import { liquidityForm } from './form-fields.ts'
import { NodeForm, useNodeForm } from './node-form.tsx'
import { RouteDialog } from './route-dialog.tsx'

/** Asks for an amount to deposit or withdraw. */
export function LiquidityDialog({
  title,
  parent,
  id,
  code,
  scale,
  submitLabel
}: {
  title: string
  parent: string
  /** The transfer's id. */
  id: string
  code: string
  scale: number
  submitLabel: string
}) {
  const { form, fields } = useNodeForm(liquidityForm, { values: { id } })
  return (
    <RouteDialog title={title} parent={parent}>
      <NodeForm form={form}>
        <input type="hidden" name={fields.id.name} value={id} />
        <TextField
          field={fields.amount}
          label={`Amount in ${code}`}
          inputMode="decimal"
          help={scale === 0 ? 'Whole units' : `Up to ${scale} decimals`}
        />
        <div>
          <SubmitButton>{submitLabel}</SubmitButton>
        </div>
      </NodeForm>
    </RouteDialog>
  )
}
