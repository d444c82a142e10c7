import type { ActionFunctionArgs } from '@remix-run/node'
import { handleForm } from '../page.server.ts'
import { generalForm, keyForm, propertiesForm } from './wallet-address-forms.ts'
import { CREATE_KEY, UPDATE_WALLET_ADDRESS } from './wallet-addresses.ts'

/** The forms of a wallet address's page: each changes what it shows and nothing else. */

export const updateGeneral = (args: ActionFunctionArgs) =>
  handleForm(args, generalForm, async ({ api, params, value: { publicName, status } }) => {
    const id = params.walletAddressId
    await api.call(UPDATE_WALLET_ADDRESS, { input: { id, publicName: publicName ?? null, status } })
    return { to: `/wallet-addresses/${id}`, flash: 'The wallet address was changed' }
  })

export const updateProperties = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    propertiesForm,
    async ({ api, params, value: { properties } }) => {
      const id = params.walletAddressId
      await api.call(UPDATE_WALLET_ADDRESS, { input: { id, additionalProperties: properties } })
      return { to: `/wallet-addresses/${id}`, flash: 'The properties were changed' }
    },
    () => 'properties'
  )

export const addKey = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    keyForm,
    async ({ api, params, value: { jwk } }) => {
      await api.call(CREATE_KEY, { input: { walletAddressId: params.walletAddressId, jwk } })
      return { to: `/wallet-addresses/${params.walletAddressId}`, flash: `Key ${jwk.kid} was added` }
    },
    () => 'jwk'
  )
