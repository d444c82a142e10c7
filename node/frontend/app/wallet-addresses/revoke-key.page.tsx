import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { z } from 'zod'
import { handleForm, notFound, pageLoader } from '../page.server.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import { Id } from '../ui/page.tsx'
import { getWalletAddress } from './wallet-addresses.server.ts'
import { REVOKE_KEY } from './wallet-addresses.ts'

const revokeForm = z.object({})

export const loader = pageLoader(async ({ api, params }) => {
  const { id, walletAddressKeys } = await getWalletAddress(api, params.walletAddressId)
  const key = walletAddressKeys?.edges.find(({ node }) => node.id === params.keyId)?.node
  if (key === undefined) throw notFound('Key')
  return { id, kid: key.jwk.kid, revoked: key.revoked }
})

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, revokeForm, async ({ api, params }) => {
    await api.call(REVOKE_KEY, { input: { id: params.keyId } })
    return { to: `/wallet-addresses/${params.walletAddressId}`, flash: 'The key was revoked' }
  })

export default function RevokeKeyPage() {
  const { id, kid, revoked } = useLoaderData<typeof loader>()
  const { form } = useNodeForm(revokeForm)
  return (
    <ConfirmDialog
      title="Revoke this key"
      parent={`/wallet-addresses/${id}`}
      form={form}
      submitLabel="Revoke"
      look="danger"
      {...(revoked && { impossible: 'It was revoked already.' })}
    >
      <p>
        Nobody signs with <Id>{kid}</Id> any more from now on, and it cannot be brought back.
      </p>
    </ConfirmDialog>
  )
}
