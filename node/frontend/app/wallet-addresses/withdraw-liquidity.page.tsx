import { randomUUID } from 'node:crypto'
import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { formatAmount } from '../money.ts'
import { handleForm, pageLoader } from '../page.server.ts'
import { movementForm } from '../payments/payment-forms.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import { getWalletAddress } from './wallet-addresses.server.ts'
import { WITHDRAW_WALLET_ADDRESS_LIQUIDITY } from './wallet-addresses.ts'

export const loader = pageLoader(async ({ api, params }) => {
  const { id, liquidity, asset } = await getWalletAddress(api, params.walletAddressId)
  const { code, scale } = asset
  return { key: randomUUID(), id, code, scale, liquidity: liquidity ?? 0n }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, movementForm, async ({ api, params, value: { key } }) => {
    await api.call(WITHDRAW_WALLET_ADDRESS_LIQUIDITY, {
      input: {
        walletAddressId: params.walletAddressId,
        id: key,
        idempotencyKey: key,
        timeoutSeconds: '0'
      }
    })
    return { to: `/wallet-addresses/${params.walletAddressId}`, flash: 'The liquidity was withdrawn' }
  })

export default function WithdrawWalletAddressPage() {
  const { key, id, code, scale, liquidity } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(movementForm, { values: { key } })
  const text = `${formatAmount(liquidity, scale)} ${code}`
  return (
    <ConfirmDialog
      title="Withdraw liquidity"
      parent={`/wallet-addresses/${id}`}
      form={form}
      submitLabel={`Withdraw ${text}`}
      {...(liquidity === 0n && { impossible: 'There is nothing to withdraw.' })}
    >
      <p>
        {text} leave the wallet address, at once and for good. Do this only when the wallet credits its
        customer by hand.
      </p>
      <input type="hidden" name={fields.key.name} value={key} />
    </ConfirmDialog>
  )
}
