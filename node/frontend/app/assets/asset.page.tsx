import type { ActionFunctionArgs } from '@remix-run/node'
import { Outlet, useLoaderData } from '@remix-run/react'
import type { AdminApi } from '../admin-api/admin-api.ts'
import { formatAmount } from '../money.ts'
import { handleForm, intentOf, notFound, pageLoader } from '../page.server.ts'
import { Amount } from '../ui/amount.tsx'
import { LinkButton, SubmitButton } from '../ui/button.tsx'
import { DeleteSection } from '../ui/delete-section.tsx'
import { TextField } from '../ui/fields.tsx'
import { amountOf, confirmForm } from '../ui/form-fields.ts'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { Facts, Id, Page, Section } from '../ui/page.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { DELETE_ASSET_WORDS, feeForm, updateAssetForm } from './asset-forms.ts'
import { DELETE_ASSET, GET_ASSET, SET_FEE, UPDATE_ASSET } from './assets.ts'

export const meta = () => [{ title: 'Asset · Rafiki Admin' }]

async function getAsset(api: AdminApi, id: string | undefined) {
  const { asset } = await api.call(GET_ASSET, { id })
  if (asset === null) throw notFound('Asset')
  return asset
}

export const loader = pageLoader(async ({ api, params }) => ({ asset: await getAsset(api, params.assetId) }))

export async function action(args: ActionFunctionArgs) {
  switch (await intentOf(args.request)) {
    case 'fee':
      return setSendingFee(args)
    case 'delete':
      return deleteAsset(args)
    default:
      return updateAsset(args)
  }
}

const updateAsset = (args: ActionFunctionArgs) =>
  handleForm(args, updateAssetForm, async ({ api, params, value: { withdrawalThreshold }, refuse }) => {
    const { id, scale } = await getAsset(api, params.assetId)
    const threshold = withdrawalThreshold === undefined ? null : amountOf(withdrawalThreshold, scale)
    if (threshold?.ok === false) return refuse(threshold.error, 'withdrawalThreshold')
    await api.call(UPDATE_ASSET, {
      input: { id, withdrawalThreshold: threshold && threshold.amount.toString() }
    })
    return { to: `/assets/${id}`, flash: 'The asset was changed' }
  })

const setSendingFee = (args: ActionFunctionArgs) =>
  handleForm(args, feeForm, async ({ api, params, value: { fixed, basisPoints }, refuse }) => {
    const { id, scale } = await getAsset(api, params.assetId)
    const amount = amountOf(fixed, scale)
    if (!amount.ok) return refuse(amount.error, 'fixed')
    await api.call(SET_FEE, {
      input: { assetId: id, type: 'SENDING', fee: { fixed: amount.amount.toString(), basisPoints } }
    })
    return { to: `/assets/${id}`, flash: 'The sending fee was set' }
  })

const deleteAsset = (args: ActionFunctionArgs) =>
  handleForm(args, confirmForm(DELETE_ASSET_WORDS), async ({ api, params }) => {
    await api.call(DELETE_ASSET, { input: { id: params.assetId } })
    return { to: '/assets', flash: 'The asset was deleted' }
  })

export default function AssetPage() {
  const { asset } = useLoaderData<typeof loader>()
  const { id, code, scale, liquidity, liquidityThreshold, tenant } = asset
  return (
    <Page title={`${code}, scale ${scale}`} parents={[{ to: '/assets', label: 'Assets' }]}>
      <Section title="General">
        <Facts
          facts={[
            ['ID', <Id key="id">{id}</Id>],
            ['Code', code],
            ['Scale', scale],
            ['Tenant', <TenantName key="tenant" tenant={tenant} />]
          ]}
        />
        <GeneralForm />
      </Section>
      <Section title="Liquidity">
        <Facts
          facts={[
            ['Amount', <Amount key="amount" value={liquidity ?? 0n} code={code} scale={scale} />],
            [
              'Low mark',
              liquidityThreshold === null ? (
                'None'
              ) : (
                <Amount key="mark" value={liquidityThreshold} code={code} scale={scale} />
              )
            ]
          ]}
        />
        <div className="flex flex-wrap gap-3">
          <LinkButton to="deposit-liquidity">Deposit</LinkButton>
          <LinkButton to="withdraw-liquidity">Withdraw</LinkButton>
        </div>
      </Section>
      <Section
        title="Sending fee"
        help="What a payment that sends this asset costs: a fixed amount and a part of it."
      >
        <FeeForm />
        <div>
          <LinkButton to="fee-history">Fee history</LinkButton>
        </div>
      </Section>
      <DeleteSection
        what="asset"
        words={DELETE_ASSET_WORDS}
        consequence="Only an asset that no peer and no wallet address uses can be deleted."
      />
      <Outlet />
    </Page>
  )
}

function GeneralForm() {
  const { asset } = useLoaderData<typeof loader>()
  const { withdrawalThreshold, scale, code } = asset
  const { form, fields } = useNodeForm(updateAssetForm, {
    intent: 'general',
    values: {
      ...(withdrawalThreshold !== null && { withdrawalThreshold: formatAmount(withdrawalThreshold, scale) })
    }
  })
  return (
    <NodeForm form={form} intent="general">
      <TextField
        field={fields.withdrawalThreshold}
        label={`Withdrawal threshold in ${code}`}
        inputMode="decimal"
        help="Empty: money that wallet addresses received directly is announced at once"
      />
      <div>
        <SubmitButton>Save</SubmitButton>
      </div>
    </NodeForm>
  )
}

function FeeForm() {
  const { asset } = useLoaderData<typeof loader>()
  const { sendingFee, scale, code } = asset
  const { form, fields } = useNodeForm(feeForm, {
    intent: 'fee',
    values: sendingFee
      ? { fixed: formatAmount(sendingFee.fixed, scale), basisPoints: String(sendingFee.basisPoints) }
      : { fixed: '0', basisPoints: '0' }
  })
  return (
    <NodeForm form={form} intent="fee">
      <TextField field={fields.fixed} label={`Fixed fee in ${code}`} inputMode="decimal" />
      <TextField
        field={fields.basisPoints}
        label="Basis points"
        inputMode="numeric"
        help="Hundredths of a percent of the amount: 0 to 10000"
      />
      <div>
        <SubmitButton>Set fee</SubmitButton>
      </div>
    </NodeForm>
  )
}
