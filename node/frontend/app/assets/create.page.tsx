import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { handleForm, pageLoader } from '../page.server.ts'
import { tenantOptions } from '../tenants/tenant-options.ts'
import { SubmitButton } from '../ui/button.tsx'
import { SelectField, TextField } from '../ui/fields.tsx'
import { amountOf } from '../ui/form-fields.ts'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { Page, Section } from '../ui/page.tsx'
import { createAssetForm } from './asset-forms.ts'
import { CREATE_ASSET } from './assets.ts'

export const meta = () => [{ title: 'Create asset · Rafiki Admin' }]

export const loader = pageLoader(async (page) => ({ tenants: await tenantOptions(page) }))

export const action = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    createAssetForm,
    async ({ api, value: { code, scale, withdrawalThreshold, tenantId }, refuse }) => {
      const threshold = withdrawalThreshold === undefined ? undefined : amountOf(withdrawalThreshold, scale)
      if (threshold?.ok === false) return refuse(threshold.error, 'withdrawalThreshold')
      const { createAsset } = await api.call(CREATE_ASSET, {
        input: {
          code,
          scale,
          ...(threshold && { withdrawalThreshold: threshold.amount.toString() }),
          ...(tenantId !== undefined && { tenantId })
        }
      })
      return { to: `/assets/${createAsset.asset.id}`, flash: `Asset ${code} was created` }
    },
    ({ code }) => (code === 'DUPLICATE' || code === 'CONFLICT' ? 'code' : undefined)
  )

export default function CreateAssetPage() {
  const { tenants } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(createAssetForm)
  return (
    <Page title="Create asset" parents={[{ to: '/assets', label: 'Assets' }]}>
      <Section title="General">
        <NodeForm form={form}>
          <TextField field={fields.code} label="Code" help="3 to 6 letters, such as USD" />
          <TextField
            field={fields.scale}
            label="Scale"
            inputMode="numeric"
            help="How many decimals an amount has: 2 for cents. It cannot be changed later."
          />
          <TextField
            field={fields.withdrawalThreshold}
            label="Withdrawal threshold"
            inputMode="decimal"
            help="Money that wallet addresses received directly is announced for withdrawal from here on, in units of the asset"
          />
          {tenants && (
            <SelectField field={fields.tenantId} label="Tenant" options={tenants} emptyOption="Yourself" />
          )}
          <div>
            <SubmitButton>Create</SubmitButton>
          </div>
        </NodeForm>
      </Section>
    </Page>
  )
}
