import type { ActionFunctionArgs } from '@remix-run/node'
import { data, redirect } from '@remix-run/node'
import { parseWithZod } from '@conform-to/zod/v4'
import {
  AdminApiError,
  createAdminApi,
  CredentialsRefusedError,
  NodeUnreachableError
} from '../admin-api/admin-api.ts'
import type { AdminApi } from '../admin-api/admin-api.ts'
import { TENANT_NAME, WHOAMI } from '../admin-api/whoami.ts'
import { pathWithin } from '../shell/path-within.ts'
import type { FormResult } from '../ui/form-result.ts'
import { checkForm } from './csrf.ts'
import { credentialsForm } from './credentials-form.ts'
import { requireLogin } from '../login/login.server.ts'

export const loader = () => redirect('/')

/** `intent` save: the session's credentials, once the node has accepted them. `clear`: no credentials any more. */
export async function action({ request, context }: ActionFunctionArgs) {
  const { sessions, http, signingTimeMs, config } = context.frontend
  const { session, hasExpired } = sessions.read(request)
  await requireLogin(context, { request, session, hasExpired, url: new URL('/', request.url) })
  const form = await checkForm({ request }, sessions)
  const { credentials: _, ...withoutCredentials } = session
  const intent = form.get('intent')
  form.delete('intent')
  if (intent === 'clear') {
    const headers = new Headers({
      'set-cookie': session.user ? sessions.commit(withoutCredentials) : sessions.destroy()
    })
    headers.append(
      'set-cookie',
      sessions.commitFlash({ type: 'success', message: 'The credentials are forgotten' })
    )
    return redirect('/', { headers })
  }
  const submission = parseWithZod(form, { schema: credentialsForm })
  if (submission.status !== 'success') return refuse(submission.reply({ hideFields: ['apiSecret'] }))
  const { tenantId, apiSecret, next } = submission.value
  const api = createAdminApi(
    { http, signingTimeMs },
    { url: config.GRAPHQL_URL, signatureVersion: config.SIGNATURE_VERSION },
    { tenantId, apiSecret }
  )
  try {
    const { whoami } = await api.call(WHOAMI)
    const publicName = await nameOf(api, whoami.id)
    const renewed = sessions.renewed({
      ...withoutCredentials,
      credentials: {
        tenantId,
        apiSecret,
        isOperator: whoami.isOperator,
        ...(publicName !== null && { publicName })
      }
    })
    return redirect(pathWithin(next), { headers: { 'set-cookie': sessions.commit(renewed) } })
  } catch (error) {
    return refuse(submission.reply({ formErrors: [reason(error)], hideFields: ['apiSecret'] }))
  }
}

function refuse(result: FormResult['result']) {
  return data<FormResult>({ intent: 'save', result }, { status: 400 })
}

async function nameOf(api: AdminApi, id: string): Promise<string | null> {
  const { tenant } = await api.call(TENANT_NAME, { id })
  return tenant.publicName
}

/** @throws what is no answer about credentials */
function reason(error: unknown): string {
  if (error instanceof CredentialsRefusedError || error instanceof AdminApiError)
    return 'The node refused these credentials: check both against those of the tenant.'
  if (error instanceof NodeUnreachableError)
    return `The node does not answer (${error.message}): start it, or correct GRAPHQL_URL.`
  throw error
}
