import { randomUUID } from 'node:crypto'
import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { handleForm, pageLoader } from '../page.server.ts'
import { amountOf, liquidityForm } from '../ui/form-fields.ts'
import { LiquidityDialog } from '../ui/liquidity-dialog.tsx'
import { getPeer } from './peers.server.ts'
import { DEPOSIT_PEER_LIQUIDITY } from './peers.ts'

export const loader = pageLoader(async ({ api, params }) => {
  const { id, asset } = await getPeer(api, params.peerId)
  return { transferId: randomUUID(), id, code: asset.code, scale: asset.scale }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    liquidityForm,
    async ({ api, params, value, refuse }) => {
      const { id, asset } = await getPeer(api, params.peerId)
      const amount = amountOf(value.amount, asset.scale)
      if (!amount.ok) return refuse(amount.error, 'amount')
      await api.call(DEPOSIT_PEER_LIQUIDITY, {
        input: {
          peerId: id,
          amount: amount.amount.toString(),
          id: value.id,
          idempotencyKey: value.id
        }
      })
      return { to: `/peers/${id}`, flash: `${value.amount} ${asset.code} were deposited` }
    },
    () => 'amount'
  )

export default function DepositPeerLiquidityPage() {
  const { transferId, id, code, scale } = useLoaderData<typeof loader>()
  return (
    <LiquidityDialog
      title={`Deposit ${code} liquidity`}
      parent={`/peers/${id}`}
      id={transferId}
      code={code}
      scale={scale}
      submitLabel="Deposit"
    />
  )
}
