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
import { DELETE_TENANT, SET_SETTINGS, UPDATE_TENANT } from './tenants.ts'

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

export const updateSecret = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    sensitiveForm,
    async ({ api, params, value: { apiSecret } }) => {
      await api.call(UPDATE_TENANT, { input: { id: params.tenantId, apiSecret } })
      return { to: `/tenants/${params.tenantId}`, flash: 'The API secret was replaced' }
    },
    () => 'apiSecret'
  )

export const updateSettings = (args: ActionFunctionArgs) =>
  handleForm(
    args,
    settingsForm,
    async ({ api, params, value, credentials, refuse }) => {
      if (params.tenantId !== credentials.tenantId) return refuse('Only a tenant sets its own settings')
      const settings = settingsOf(value)
      if (settings.length === 0) return refuse('Give at least one setting; none can be taken away')
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
