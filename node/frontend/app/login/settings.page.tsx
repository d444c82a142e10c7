import type { LoaderFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { Page } from '../ui/page.tsx'
import { loadFlow } from './flow.server.ts'
import { KratosFlow } from './kratos-flow.tsx'
import { requireLogin } from './login.server.ts'

export const meta = () => [{ title: 'Settings · Rafiki Admin' }]

/** One's own account at Kratos: profile and password. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { session, hasExpired } = context.frontend.sessions.read(request)
  await requireLogin(context, { request, session, hasExpired, url: new URL(request.url) })
  return { flow: await loadFlow(context, 'settings', request) }
}

export default function SettingsPage() {
  const { flow } = useLoaderData<typeof loader>()
  return (
    <Page title="Settings">
      <KratosFlow title="Your account" flow={flow} />
    </Page>
  )
}
