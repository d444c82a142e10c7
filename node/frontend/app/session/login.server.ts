import type { AppLoadContext } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import type { Session } from './session.ts'

/**
 * Where AUTH_ENABLED is true, pages are for people who logged in at the identity provider.
 *
 * @throws a redirect to the login page
 */
export function requireLogin(
  { frontend: { config } }: AppLoadContext,
  { session, hasExpired, url }: { session: Session; hasExpired: boolean; url: URL }
): void {
  if (!config.AUTH_ENABLED || session.user !== undefined) return
  const query = new URLSearchParams({
    next: url.pathname + url.search,
    ...(hasExpired && { expired: 'true' })
  })
  throw redirect(`/auth?${query.toString()}`)
}
