import type { LoaderFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { pathWithin } from '../shell/path-within.ts'
import { LinkButton } from '../ui/button.tsx'
import { Page, Section } from '../ui/page.tsx'
import { requireNoLogin } from './login.server.ts'

export const meta = () => [{ title: 'Log in · Rafiki Admin' }]

export async function loader({ request, context }: LoaderFunctionArgs) {
  const { sessions, config } = context.frontend
  const { session } = sessions.read(request)
  await requireNoLogin(context, { request, session })
  const { searchParams } = new URL(request.url)
  return {
    next: pathWithin(searchParams.get('next')),
    hasExpired: searchParams.get('expired') === 'true',
    canRecover: config.AUTH_PROVIDER === 'kratos'
  }
}

export default function LoginStartPage() {
  const { next, hasExpired, canRecover } = useLoaderData<typeof loader>()
  return (
    <Page title="Rafiki Admin">
      <Section title="Log in" help="This admin UI is for people whom your identity provider knows.">
        {hasExpired && (
          <p role="status" className="rounded border border-warn bg-warn-soft p-3 text-warn">
            The session has ended: log in again.
          </p>
        )}
        <div className="flex flex-wrap gap-3">
          <LinkButton
            to={`/auth/login?${new URLSearchParams({ next }).toString()}`}
            look="primary"
            isDocument
          >
            Log in
          </LinkButton>
          {canRecover && (
            <LinkButton to="/auth/recovery" isDocument>
              Recover an account
            </LinkButton>
          )}
        </div>
      </Section>
    </Page>
  )
}
