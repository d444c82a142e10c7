import { randomBytes } from 'node:crypto'
import type { LoaderFunctionArgs } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import { isLoginRefused, isProviderUnreachable } from './oidc.server.ts'

/**
 * Where the provider sends the browser back to (OpenID Connect Core, 3.1.2.5). Whoever logs in starts a session of
 * their own: another token for forms, and nothing of what was there before.
 */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { sessions, oidc, logger } = context.frontend
  if (!oidc) throw redirect('/')
  const { session } = sessions.read(request)
  const { login } = session
  const refuse = (message: string) =>
    redirect('/auth', { headers: { 'set-cookie': sessions.commitFlash({ type: 'error', message }) } })
  if (login === undefined) {
    return refuse('No login is under way in this browser, or it took too long: begin again')
  }
  try {
    const user = await oidc.finish(new URL(request.url), login)
    const csrfToken = randomBytes(24).toString('base64url')
    const renewed = sessions.renewed({ csrfToken, expiresAtMs: 0, user })
    logger.info({ event: 'logged_in', subject: user.subject }, 'somebody logged in')
    return redirect(login.next, { headers: { 'set-cookie': sessions.commit(renewed) } })
  } catch (error) {
    if (isLoginRefused(error)) {
      logger.warn({ err: error }, 'a login was refused')
      return refuse(error.message)
    }
    if (!isProviderUnreachable(error)) throw error
    logger.warn({ err: error }, 'the identity provider does not answer')
    return refuse(`The login service does not answer: ${error.message}`)
  }
}
