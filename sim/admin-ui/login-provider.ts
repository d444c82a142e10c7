import { createServer } from 'node:http'
import Provider from 'oidc-provider'

/** A real OpenID provider of its own, whose accounts are whatever is typed at its login form. */
export interface LoginProvider {
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  stop(): Promise<void>
}

/** Starts `oidc-provider` with its development pages; the account `mallory…` has an address that nobody verified. */
export async function startLoginProvider(port: number, uiUrl: string): Promise<LoginProvider> {
  const issuer = `http://localhost:${port}`
  const [clientId, clientSecret] = ['admin-ui', 'a secret of a client in a test']
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        redirect_uris: [`${uiUrl}/auth/callback`],
        post_logout_redirect_uris: [`${uiUrl}/auth`]
      }
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    cookies: { keys: ['a key of a test'] },
    findAccount: (_, sub) => ({
      accountId: sub,
      claims: () => ({
        sub,
        name: sub,
        email: `${sub}@example.com`,
        email_verified: !sub.startsWith('mallory')
      })
    })
  })
  const server = createServer(provider.callback())
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    issuer,
    clientId,
    clientSecret,
    stop: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections())
  }
}
