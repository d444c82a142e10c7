import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { assetOptions } from '../assets/asset-options.ts'
import { handleForm, pageLoader } from '../page.server.ts'
import { SubmitButton } from '../ui/button.tsx'
import { SelectField, TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { Page, Section } from '../ui/page.tsx'
import { createWalletAddressForm, fieldOfCreationFailure } from './wallet-address-forms.ts'
import { CREATE_WALLET_ADDRESS } from './wallet-addresses.ts'
import { tenantPrefixes } from './wallet-addresses.server.ts'

export const meta = () => [{ title: 'Create wallet address · Rafiki Admin' }]

export const loader = pageLoader(async (page) => {
  const [assets, prefixes] = await Promise.all([assetOptions(page), tenantPrefixes(page)])
  return { assets, prefixes, isOperator: page.credentials.isOperator, ownId: page.credentials.tenantId }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    createWalletAddressForm,
    async (form) => {
      const { name, publicName, tenantId, assetId } = form.value
      const owner = tenantId ?? form.credentials.tenantId
      const prefix = (await tenantPrefixes(form)).find(({ id }) => id === owner)?.prefix
      if (prefix === undefined) return form.refuse('This tenant is not there any more', 'tenantId')
      const { createWalletAddress } = await form.api.call(CREATE_WALLET_ADDRESS, {
        input: {
          address: `${prefix}/${name}`,
          assetId,
          ...(publicName !== undefined && { publicName }),
          ...(tenantId !== undefined && { tenantId })
        }
      })
      const { id, address } = createWalletAddress.walletAddress
      return { to: `/wallet-addresses/${id}`, flash: `${address} was created` }
    },
    fieldOfCreationFailure
  )

export default function CreateWalletAddressPage() {
  const { assets, prefixes, isOperator, ownId } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(createWalletAddressForm, { values: { tenantId: ownId } })
  const chosen = fields.tenantId.value ?? ownId
  const prefix = prefixes.find(({ id }) => id === chosen)?.prefix ?? ''
  return (
    <Page title="Create wallet address" parents={[{ to: '/wallet-addresses', label: 'Wallet addresses' }]}>
      <Section title="General">
        <NodeForm form={form}>
          {isOperator && (
            <SelectField
              field={fields.tenantId}
              label="Tenant"
              options={prefixes.map(({ id, name, prefix }) => ({ value: id, label: `${name}: ${prefix}` }))}
              help="Whose customer it is, and what its wallet addresses begin with"
            />
          )}
          <TextField
            field={fields.name}
            label="Wallet address name"
            help={<span className="break-all">{`What follows ${prefix}/`}</span>}
          />
          <TextField field={fields.publicName} label="Public name" help="What payers see" />
          <SelectField
            field={fields.assetId}
            label="Asset"
            options={assets}
            emptyOption="Choose one"
            help="The currency of the account; it cannot be changed later"
          />
          <div>
            <SubmitButton>Create</SubmitButton>
          </div>
        </NodeForm>
      </Section>
    </Page>
  )
}
