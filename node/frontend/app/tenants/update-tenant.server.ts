import type { ActionFunctionArgs } from '@remix-run/node'
import { handleForm } from '../page.server.ts'
import { confirmForm } from '../ui/form-fields.ts'
import {
  DELETE_TENANT_WORDS,
  FIELD_OF_SETTING,
  generalForm,
  idpForm,
  sensitiveForm,
  settingsForm,
  settingsOf
} from './tenant-forms.ts'
import { DELETE_TENANT, GET_TENANT, SET_SETTINGS, UPDATE_TENANT } from './tenants.ts'

/** The forms of a tenant's page, each saved by itself (facts 9.2). */

export const updateGeneral = (args: ActionFunctionArgs) =>
  handleForm(args, generalForm, async ({ api, params, value: { publicName, email } }) => {
    await api.call(UPDATE_TENANT, {
      input: { id: params.tenantId, publicName: publicName ?? null, email: email ?? null }
    })
    return { to: `/tenants/${params.tenantId}`, flash: 'The tenant was changed' }
  })

export const updateIdp = (args: ActionFunctionArgs) =>
  handleForm(args, idpForm, async ({ api, params, value: { idpConsentUrl, idpSecret } }) => {
    await api.call(UPDATE_TENANT, {
      input: {
        id: params.tenantId,
        idpConsentUrl: idpConsentUrl ?? null,
        ...(idpSecret !== undefined && { idpSecret })
      }
    })
    return { to: `/tenants/${params.tenantId}`, flash: 'The identity provider was changed' }
  })

/** A tenant's own: for the operator the node refuses it. The session goes on with the new one. */
export const updateSecret = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    sensitiveForm,
    async ({ api, params, value: { apiSecret }, credentials }) => {
      await api.call(UPDATE_TENANT, { input: { id: params.tenantId, apiSecret } })
      return {
        to: `/tenants/${params.tenantId}`,
        flash: 'The API secret was replaced',
        credentials: { ...credentials, apiSecret }
      }
    },
    () => 'apiSecret'
  )

export const updateSettings = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    settingsForm,
    async ({ api, params, value, credentials, refuse }) => {
      if (params.tenantId !== credentials.tenantId) return refuse('Only a tenant sets its own settings')
      const { tenant } = await api.call(GET_TENANT, { id: params.tenantId })
      const settings = settingsOf(value).filter(
        ({ key, value }) => !tenant.settings.some((old) => old.key === key && old.value === value)
      )
      if (settings.length === 0) return refuse('Nothing was changed; a setting cannot be taken away')
      await api.call(SET_SETTINGS, { input: { settings } })
      return { to: `/tenants/${params.tenantId}`, flash: 'The settings were changed' }
    },
    // The node names the setting that it refuses.
    ({ message }) => Object.entries(FIELD_OF_SETTING).find(([key]) => message.includes(key))?.[1]
  )

export const deleteTenant = (args: ActionFunctionArgs) =>
  handleForm(args, confirmForm(DELETE_TENANT_WORDS), async ({ api, params }) => {
    await api.call(DELETE_TENANT, { id: params.tenantId })
    return { to: '/tenants', flash: 'The tenant was deleted' }
  })
