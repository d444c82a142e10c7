import * as client from 'openid-client'
import type { FrontendConfig } from '../../config.ts'
import type { User } from '../session/session.ts'

/** What a login that is under way keeps in the session until the provider sends the browser back. */
export interface PendingLogin {
  state: string
  nonce: string
  codeVerifier: string
  next: string
}

/** The provider refused, or what it said is not good enough to let somebody in: told to the person. */
export class LoginRefusedError extends Error {
  override name = 'LoginRefusedError'
}

/** The provider does not answer, or is none: OIDC_ISSUER_URL is wrong, or it is down. */
export class ProviderUnreachableError extends Error {
  override name = 'ProviderUnreachableError'
}

/*
 * Pages are built apart from the server that makes this: each has a class of its own, so a name tells what an error is.
 */
export const isLoginRefused = (error: unknown): error is LoginRefusedError =>
  error instanceof Error && error.name === 'LoginRefusedError'
export const isProviderUnreachable = (error: unknown): error is ProviderUnreachableError =>
  error instanceof Error && error.name === 'ProviderUnreachableError'

/** Login by OpenID Connect (Core 1.0): the authorization code flow with PKCE (RFC 7636), state and nonce. */
export interface Oidc {
  /** Where to send the browser, and what to keep meanwhile. @throws ProviderUnreachableError */
  begin(next: string): Promise<{ url: string; pending: PendingLogin }>
  /** Who came back. @throws LoginRefusedError, ProviderUnreachableError */
  finish(url: URL, pending: PendingLogin): Promise<User>
  /** Where the provider ends its own session (RP-Initiated Logout); undefined where it does not. */
  logoutUrl(user: User | undefined): Promise<string | undefined>
}

const SCOPE = 'openid email profile'
/** A longer one would make the session's cookie more than browsers keep. */
const MAX_ID_TOKEN_LENGTH = 1_500
const TIMEOUT_S = 10

type OidcConfig = Pick<
  FrontendConfig,
  'OIDC_ISSUER_URL' | 'OIDC_CLIENT_ID' | 'OIDC_CLIENT_SECRET' | 'OIDC_ALLOWED_EMAILS' | 'FRONTEND_URL'
>

export function createOidc(config: OidcConfig): Oidc {
  const issuer = new URL(config.OIDC_ISSUER_URL!)
  const base = config.FRONTEND_URL!.replace(/\/+$/, '')
  const redirectUri = `${base}/auth/callback`
  const allowed = config.OIDC_ALLOWED_EMAILS.split(',')
    .map((email) => email.trim().toLowerCase())
    .filter((email) => email !== '')
  let discovered: Promise<client.Configuration> | undefined

  /** Asked once; again after it failed. */
  function discover(): Promise<client.Configuration> {
    discovered ??= client
      .discovery(issuer, config.OIDC_CLIENT_ID!, config.OIDC_CLIENT_SECRET, undefined, {
        timeout: TIMEOUT_S,
        // A provider without TLS is one of a test, or within one's own network.
        ...(issuer.protocol === 'http:' && { execute: [client.allowInsecureRequests] })
      })
      .catch((error: Error) => {
        discovered = undefined
        throw new ProviderUnreachableError(reasonOf(error), { cause: error })
      })
    return discovered
  }

  return {
    async begin(next) {
      const provider = await discover()
      const pending = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        codeVerifier: client.randomPKCECodeVerifier(),
        next
      }
      const url = client.buildAuthorizationUrl(provider, {
        redirect_uri: redirectUri,
        scope: SCOPE,
        state: pending.state,
        nonce: pending.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(pending.codeVerifier),
        code_challenge_method: 'S256'
      })
      return { url: url.href, pending }
    },
    async finish(url, { state, nonce, codeVerifier }) {
      const provider = await discover()
      // What the browser called, by the name that the provider knows: a proxy may have changed the host.
      const called = new URL(`${redirectUri}${url.search}`)
      const tokens = await client
        .authorizationCodeGrant(provider, called, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: codeVerifier,
          idTokenExpected: true
        })
        .catch((error: Error) => {
          throw refusalOf(error)
        })
      const claims = await claimsOf(provider, tokens)
      const email = typeof claims.email === 'string' ? claims.email : undefined
      if (allowed.length > 0) checkAllowed(allowed, email, claims.email_verified)
      const name = email ?? (typeof claims.name === 'string' ? claims.name : claims.sub)
      const idToken = tokens.id_token
      return {
        subject: claims.sub,
        name,
        ...(idToken !== undefined && idToken.length <= MAX_ID_TOKEN_LENGTH && { idToken })
      }
    },
    async logoutUrl(user) {
      const provider = await discover()
      if (provider.serverMetadata().end_session_endpoint === undefined) return undefined
      return client.buildEndSessionUrl(provider, {
        post_logout_redirect_uri: `${base}/auth`,
        ...(user?.idToken !== undefined && { id_token_hint: user.idToken })
      }).href
    }
  }
}

/** Many providers tell the e-mail address at the userinfo endpoint alone (Core 1.0, 5.4). */
async function claimsOf(
  provider: client.Configuration,
  tokens: Awaited<ReturnType<typeof client.authorizationCodeGrant>>
): Promise<{ sub: string; email?: unknown; email_verified?: unknown; name?: unknown }> {
  const claims = tokens.claims()!
  if (claims.email !== undefined || provider.serverMetadata().userinfo_endpoint === undefined) return claims
  const told = await client.fetchUserInfo(provider, tokens.access_token, claims.sub).catch((error: Error) => {
    throw refusalOf(error)
  })
  return { ...claims, ...told }
}

/** @throws LoginRefusedError */
function checkAllowed(allowed: readonly string[], email: string | undefined, isVerified: unknown): void {
  if (email === undefined || !allowed.includes(email.toLowerCase())) {
    throw new LoginRefusedError(
      `${email ?? 'An account without an e-mail address'} is not among those who may use this admin UI`
    )
  }
  if (isVerified !== true) {
    throw new LoginRefusedError(`The provider has not verified that ${email} is this account’s`)
  }
}

function refusalOf(error: Error): Error {
  if (error instanceof client.AuthorizationResponseError) {
    const isDenied = error.error === 'access_denied'
    return new LoginRefusedError(
      isDenied ? 'The login was cancelled' : `The provider refused: ${error.error_description ?? error.error}`
    )
  }
  if (error instanceof client.ResponseBodyError || error instanceof client.ClientError) {
    const code = 'code' in error ? String(error.code) : ''
    if (code === 'OAUTH_TIMEOUT') return new ProviderUnreachableError(reasonOf(error), { cause: error })
    return new LoginRefusedError(`The login cannot be completed: ${error.message}`, { cause: error })
  }
  return new ProviderUnreachableError(reasonOf(error), { cause: error })
}

function reasonOf(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause.message : undefined
  return cause === undefined || cause === '' ? error.message : `${error.message}: ${cause}`
}
