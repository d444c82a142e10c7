import { SubmitButton } from '../ui/button.tsx'
import { TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { SettingsFields } from './settings-fields.tsx'
import { FIELD_OF_SETTING, generalForm, idpForm, sensitiveForm, settingsForm } from './tenant-forms.ts'
import type { Tenant } from './tenants.ts'

export function GeneralForm({ tenant }: { tenant: Tenant }) {
  const isDeleted = tenant.deletedAt !== null
  const { form, fields } = useNodeForm(generalForm, {
    intent: 'general',
    values: { publicName: tenant.publicName, email: tenant.email }
  })
  return (
    <NodeForm form={form} intent="general">
      <TextField field={fields.publicName} label="Public name" isDisabled={isDeleted} />
      <TextField field={fields.email} label="Email" isDisabled={isDeleted} />
      {!isDeleted && (
        <div>
          <SubmitButton intent="general">Save</SubmitButton>
        </div>
      )}
    </NodeForm>
  )
}

export function IdpForm({ tenant }: { tenant: Tenant }) {
  const isDeleted = tenant.deletedAt !== null
  const { form, fields } = useNodeForm(idpForm, {
    intent: 'idp',
    values: { idpConsentUrl: tenant.idpConsentUrl }
  })
  return (
    <NodeForm form={form} intent="idp">
      <TextField field={fields.idpConsentUrl} label="Consent URL" isDisabled={isDeleted} />
      {!isDeleted && (
        <>
          <TextField
            field={fields.idpSecret}
            label="New identity provider secret"
            type="password"
            autoComplete="new-password"
            help="Empty: it stays"
          />
          <div>
            <SubmitButton intent="idp">Save identity provider</SubmitButton>
          </div>
        </>
      )}
    </NodeForm>
  )
}

export function SensitiveForm() {
  const { form, fields } = useNodeForm(sensitiveForm, { intent: 'sensitive' })
  return (
    <NodeForm form={form} intent="sensitive">
      <TextField
        field={fields.apiSecret}
        label="New API secret"
        type="password"
        autoComplete="new-password"
        help="10 to 255 characters. This session goes on with it; whoever else signs with the old one is refused"
      />
      <div>
        <SubmitButton intent="sensitive">Replace the secret</SubmitButton>
      </div>
    </NodeForm>
  )
}

export function SettingsForm({ tenant }: { tenant: Tenant }) {
  const { form, fields } = useNodeForm(settingsForm, {
    intent: 'settings',
    values: Object.fromEntries(tenant.settings.map(({ key, value }) => [FIELD_OF_SETTING[key], value]))
  })
  return (
    <NodeForm form={form} intent="settings">
      <SettingsFields fields={fields} />
      <div>
        <SubmitButton intent="settings">Save settings</SubmitButton>
      </div>
    </NodeForm>
  )
}
