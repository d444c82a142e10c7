import type { AppLoadContext } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import type { Session, User } from '../session/session.ts'
import type { PageProblem } from '../ui/problem.ts'
import { isKratosUnreachable } from './kratos.server.ts'

/** What a page knows of who asks. */
interface Asking {
  request: Request
  session: Session
  hasExpired: boolean
  url: URL
}

/**
 * Where AUTH_ENABLED is true, pages are for people who logged in at the identity provider.
 *
 * @throws a redirect to the login page; an answer 502 where the provider does not say who it is
 */
export async function requireLogin(context: AppLoadContext, asking: Asking): Promise<void> {
  if (!context.frontend.config.AUTH_ENABLED) return
  if ((await loggedIn(context, asking)) !== undefined) return
  const { url, hasExpired } = asking
  const query = new URLSearchParams({
    next: url.pathname + url.search,
    ...(hasExpired && { expired: 'true' })
  })
  throw redirect(`/auth?${query.toString()}`)
}

/** Who logged in: kept in the session (OpenID Connect), or asked each time by the browser's cookies (Kratos). */
export async function loggedIn(
  { frontend: { kratos, logger } }: AppLoadContext,
  { request, session }: Pick<Asking, 'request' | 'session'>
): Promise<User | undefined> {
  if (!kratos) return session.user
  return kratos.whoami(request.headers.get('cookie')).catch((error: unknown) => {
    if (!isKratosUnreachable(error)) throw error
    logger.warn({ err: error }, 'the identity provider does not answer')
    const problem: PageProblem = {
      kind: 'node-down',
      title: 'The login service does not answer',
      detail: `${error.message}. Start it, or correct KRATOS_CONTAINER_PUBLIC_URL, then try again.`
    }
    throw Response.json(problem, { status: 502 })
  })
}

/** For pages of people who are not logged in: others are sent home, and so is everybody where there is no login. */
export async function requireNoLogin(
  context: AppLoadContext,
  asking: Pick<Asking, 'request' | 'session'>
): Promise<void> {
  if (!context.frontend.config.AUTH_ENABLED) throw redirect('/')
  if ((await loggedIn(context, asking)) !== undefined) throw redirect('/')
}
