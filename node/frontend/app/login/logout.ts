import type { ActionFunctionArgs } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import { checkForm } from '../session/csrf.ts'
import { isKratosUnreachable } from './kratos.server.ts'
import { isProviderUnreachable } from './oidc.server.ts'

/** Ends the session here, then at the provider. One that does not answer keeps nobody logged in here. */
export async function action(args: ActionFunctionArgs) {
  const { sessions, oidc, kratos, logger } = args.context.frontend
  await checkForm(args, sessions)
  const { session } = sessions.read(args.request)
  const atProvider = oidc
    ? oidc.logoutUrl(session.user)
    : kratos?.logoutUrl(args.request.headers.get('cookie'))
  const url = await Promise.resolve(atProvider).catch((error: unknown) => {
    if (!(isProviderUnreachable(error) || isKratosUnreachable(error))) throw error
    logger.warn({ err: error }, 'the identity provider does not answer')
    return undefined
  })
  return redirect(url ?? '/auth', { headers: { 'set-cookie': sessions.destroy() } })
}

/** Nobody is logged out by following a link. */
export const loader = () => redirect('/')
