import type { ActionFunctionArgs } from '@remix-run/node'
import { handleForm, operatorsOnly, pageLoader } from '../page.server.ts'
import { SubmitButton } from '../ui/button.tsx'
import { TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { Page, Section } from '../ui/page.tsx'
import { SettingsFields } from './settings-fields.tsx'
import { createTenantForm, fieldOfTenantFailure, settingsOf } from './tenant-forms.ts'
import { CREATE_TENANT } from './tenants.ts'

export const meta = () => [{ title: 'Add tenant · Rafiki Admin' }]

export const loader = pageLoader((page) => {
  operatorsOnly(page)
  return Promise.resolve({})
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    createTenantForm,
    async ({ api, value }) => {
      const { publicName, email, apiSecret, idpConsentUrl, idpSecret } = value
      const settings = settingsOf(value)
      const { createTenant } = await api.call(CREATE_TENANT, {
        input: {
          apiSecret,
          ...(publicName !== undefined && { publicName }),
          ...(email !== undefined && { email }),
          ...(idpConsentUrl !== undefined && { idpConsentUrl }),
          ...(idpSecret !== undefined && { idpSecret }),
          ...(settings.length > 0 && { settings })
        }
      })
      return {
        to: `/tenants/${createTenant.tenant.id}`,
        flash: `Tenant ${publicName ?? createTenant.tenant.id} was created`
      }
    },
    fieldOfTenantFailure
  )

export default function CreateTenantPage() {
  const { form, fields } = useNodeForm(createTenantForm)
  return (
    <Page title="Add tenant" parents={[{ to: '/tenants', label: 'Tenants' }]}>
      <NodeForm form={form}>
        <Section title="General">
          <TextField field={fields.publicName} label="Public name" />
          <TextField field={fields.email} label="Email" />
        </Section>
        <Section title="Sensitive">
          <TextField
            field={fields.apiSecret}
            label="API secret"
            type="password"
            autoComplete="new-password"
            help="The tenant signs its calls with it: 10 to 255 characters. It is never shown again"
          />
        </Section>
        <Section title="Identity provider" help="Where its customers are asked for their consent.">
          <TextField field={fields.idpConsentUrl} label="Consent URL" />
          <TextField
            field={fields.idpSecret}
            label="Identity provider secret"
            type="password"
            autoComplete="new-password"
          />
        </Section>
        <Section title="Settings" help="Empty: as the node is configured.">
          <SettingsFields fields={fields} />
        </Section>
        <div>
          <SubmitButton>Create</SubmitButton>
        </div>
      </NodeForm>
    </Page>
  )
}
