import { randomUUID } from 'node:crypto'
import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { handleForm, notFound, pageLoader } from '../page.server.ts'
import { amountOf, liquidityForm } from '../ui/form-fields.ts'
import { LiquidityDialog } from '../ui/liquidity-dialog.tsx'
import { WITHDRAW_ASSET_LIQUIDITY, GET_ASSET } from './assets.ts'

export const loader = pageLoader(async ({ api, params }) => {
  const { asset } = await api.call(GET_ASSET, { id: params.assetId })
  if (asset === null) throw notFound('Asset')
  return { transferId: randomUUID(), id: asset.id, code: asset.code, scale: asset.scale }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    liquidityForm,
    async ({ api, params, value, refuse }) => {
      const { asset } = await api.call(GET_ASSET, { id: params.assetId })
      if (asset === null) throw notFound('Asset')
      const amount = amountOf(value.amount, asset.scale)
      if (!amount.ok) return refuse(amount.error, 'amount')
      await api.call(WITHDRAW_ASSET_LIQUIDITY, {
        input: {
          assetId: asset.id,
          amount: amount.amount.toString(),
          id: value.id,
          idempotencyKey: value.id,
          timeoutSeconds: '0'
        }
      })
      return { to: `/assets/${asset.id}`, flash: `${value.amount} ${asset.code} were withdrawn` }
    },
    () => 'amount'
  )

export default function WithdrawAssetLiquidityPage() {
  const { transferId, id, code, scale } = useLoaderData<typeof loader>()
  return (
    <LiquidityDialog
      title={`Withdraw ${code} liquidity`}
      parent={`/assets/${id}`}
      id={transferId}
      code={code}
      scale={scale}
      submitLabel="Withdraw"
    />
  )
}
