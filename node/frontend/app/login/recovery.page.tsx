import type { LoaderFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { Page } from '../ui/page.tsx'
import { loadFlow } from './flow.server.ts'
import { KratosFlow } from './kratos-flow.tsx'
import { requireNoLogin } from './login.server.ts'

export const meta = () => [{ title: 'Recover an account · Rafiki Admin' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
  const { session } = context.frontend.sessions.read(request)
  await requireNoLogin(context, { request, session })
  return { flow: await loadFlow(context, 'recovery', request) }
}

export default function RecoveryPage() {
  const { flow } = useLoaderData<typeof loader>()
  return (
    <Page title="Recover an account" parents={[{ to: '/auth', label: 'Log in' }]}>
      <KratosFlow title="By e-mail" flow={flow} />
    </Page>
  )
}
