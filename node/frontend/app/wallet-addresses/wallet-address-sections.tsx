import { SubmitButton } from '../ui/button.tsx'
import { SelectField, TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { generalForm, propertiesForm, writeProperties } from './wallet-address-forms.ts'
import type { WalletAddress } from './wallet-addresses.ts'

const STATUSES = [
  { value: 'ACTIVE', label: 'Active' },
  { value: 'INACTIVE', label: 'Inactive' }
]

export function GeneralForm({ walletAddress }: { walletAddress: WalletAddress }) {
  const { form, fields } = useNodeForm(generalForm, {
    intent: 'general',
    values: { publicName: walletAddress.publicName, status: walletAddress.status }
  })
  return (
    <NodeForm form={form} intent="general">
      <TextField field={fields.publicName} label="Public name" help="What payers see" />
      <SelectField
        field={fields.status}
        label="Status"
        options={STATUSES}
        help="An inactive one takes no new payments; those under way end after a period of grace"
      />
      <div>
        <SubmitButton intent="general">Save</SubmitButton>
      </div>
    </NodeForm>
  )
}

export function PropertiesForm({ walletAddress, isOwn }: { walletAddress: WalletAddress; isOwn: boolean }) {
  const properties = walletAddress.additionalProperties ?? []
  const { form, fields } = useNodeForm(propertiesForm, {
    intent: 'properties',
    values: { properties: writeProperties(properties) }
  })
  return (
    <NodeForm form={form} intent="properties">
      <TextField
        field={fields.properties}
        label="Properties"
        rows={4}
        isReadOnly={!isOwn}
        help="One per line: name = value; with (hidden) at its end the public does not see it"
      />
      {isOwn && (
        <div>
          <SubmitButton intent="properties">Save properties</SubmitButton>
        </div>
      )}
    </NodeForm>
  )
}
