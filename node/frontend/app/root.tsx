import type { AppLoadContext, LinksFunction, LoaderFunctionArgs, MetaFunction } from '@remix-run/node'
import { data } from '@remix-run/node'
import { Links, Meta, Outlet, Scripts, ScrollRestoration, useRouteLoaderData } from '@remix-run/react'
import { useContext } from 'react'
import type { ReactNode } from 'react'
import { loggedIn } from './login/login.server.ts'
import { readTheme } from './shell/theme.ts'
import type { Theme } from './shell/theme.ts'
import { Shell } from './shell/shell.tsx'
import type { ShellData } from './shell/shell.tsx'
import { ErrorPage } from './ui/error-page.tsx'
import { ScriptNonce } from './ui/script-nonce.ts'
import styles from './styles.css?url'

export const links: LinksFunction = () => [
  { rel: 'stylesheet', href: styles },
  {
    rel: 'icon',
    href: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='7' fill='%230b5cad'/><path d='M4 8h8M8 4v8' stroke='white' stroke-width='2'/></svg>"
  }
]

export const meta: MetaFunction = () => [{ title: 'Rafiki Admin' }]

/** What every page shows around itself. No secret is in it: it goes to the browser. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { sessions, config } = context.frontend
  const { session, isNew } = sessions.read(request)
  const flash = sessions.readFlash(request)
  const shell: ShellData & { theme: Theme } = {
    theme: readTheme(request),
    csrfToken: session.csrfToken,
    signedIn: session.credentials && {
      tenantId: session.credentials.tenantId,
      isOperator: session.credentials.isOperator,
      ...(session.credentials.publicName !== undefined && { publicName: session.credentials.publicName })
    },
    user: (await userOf(context, { request, session }))?.name,
    hasLogin: config.AUTH_ENABLED,
    hasSettings: config.AUTH_ENABLED && config.AUTH_PROVIDER === 'kratos',
    flash
  }
  const headers = new Headers()
  if (isNew) headers.append('set-cookie', sessions.commit(session))
  if (flash) headers.append('set-cookie', sessions.clearFlash())
  return data(shell, { headers })
}

/** Who is named beside the pages; where the login service does not say, the page itself tells why. */
function userOf(context: AppLoadContext, asking: Parameters<typeof loggedIn>[1]) {
  return loggedIn(context, asking).catch((error: unknown) => {
    if (error instanceof Response) return undefined
    throw error
  })
}

export function Layout({ children }: { children: ReactNode }) {
  const nonce = useContext(ScriptNonce)
  const theme = useRouteLoaderData<typeof loader>('root')?.theme
  return (
    <html lang="en" {...(theme !== undefined && theme !== 'system' && { 'data-theme': theme })}>
      <head>
        <meta charSet="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <Meta />
        <Links />
      </head>
      <body>
        {children}
        <ScrollRestoration nonce={nonce} />
        <Scripts nonce={nonce} />
      </body>
    </html>
  )
}

export default function App() {
  const data = useRouteLoaderData<typeof loader>('root')!
  return (
    <Shell data={data}>
      <Outlet />
    </Shell>
  )
}

export function ErrorBoundary() {
  const data = useRouteLoaderData<typeof loader>('root')
  return data ? (
    <Shell data={data}>
      <ErrorPage />
    </Shell>
  ) : (
    <main className="mx-auto max-w-3xl p-6">
      <ErrorPage />
    </main>
  )
}
