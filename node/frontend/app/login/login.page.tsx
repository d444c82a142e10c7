import type { AppLoadContext, LoaderFunctionArgs } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { pathWithin } from '../shell/path-within.ts'
import type { Session } from '../session/session.ts'
import { Page } from '../ui/page.tsx'
import { loadFlow } from './flow.server.ts'
import { KratosFlow } from './kratos-flow.tsx'
import { requireNoLogin } from './login.server.ts'
import { isProviderUnreachable } from './oidc.server.ts'
import type { Oidc } from './oidc.server.ts'

export const meta = () => [{ title: 'Log in · Rafiki Admin' }]

/** Sends the browser to the provider (OpenID Connect), or shows the provider's form (Kratos). */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { sessions, oidc } = context.frontend
  const { session } = sessions.read(request)
  await requireNoLogin(context, { request, session })
  const next = pathWithin(new URL(request.url).searchParams.get('next'))
  if (oidc) throw await beginAtProvider(context, oidc, session, next)
  return { flow: await loadFlow(context, 'login', request) }
}

async function beginAtProvider(
  { frontend: { sessions, logger } }: AppLoadContext,
  oidc: Oidc,
  session: Session,
  next: string
): Promise<Response> {
  try {
    const { url, pending } = await oidc.begin(next)
    return redirect(url, { headers: { 'set-cookie': sessions.commit({ ...session, login: pending }) } })
  } catch (error) {
    if (!isProviderUnreachable(error)) throw error
    logger.warn({ err: error }, 'the identity provider does not answer')
    return redirect('/auth', {
      headers: {
        'set-cookie': sessions.commitFlash({
          type: 'error',
          message: `The login service does not answer: ${error.message}`
        })
      }
    })
  }
}

export default function LoginPage() {
  const { flow } = useLoaderData<typeof loader>()
  return (
    <Page title="Log in">
      <KratosFlow title="Account" flow={flow} />
    </Page>
  )
}
