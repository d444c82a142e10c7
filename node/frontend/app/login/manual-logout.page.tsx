import type { LoaderFunctionArgs } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import { Form } from '@remix-run/react'
import { SubmitButton } from '../ui/button.tsx'
import { CsrfToken } from '../ui/csrf-token.tsx'
import { Page, Section } from '../ui/page.tsx'
import { requireLogin } from './login.server.ts'

export const meta = () => [{ title: 'Log out · Rafiki Admin' }]

/** An address to log out by (facts 9.1): it asks first, for a link alone must not end a session. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { sessions, config } = context.frontend
  if (!config.AUTH_ENABLED) throw redirect('/')
  const { session, hasExpired } = sessions.read(request)
  await requireLogin(context, { request, session, hasExpired, url: new URL('/', request.url) })
  return {}
}

export default function ManualLogoutPage() {
  return (
    <Page title="Log out">
      <Section title="End this session" help="Here and at the login service.">
        <Form method="post" action="/auth/logout" reloadDocument>
          <CsrfToken.Input />
          <SubmitButton>Log out</SubmitButton>
        </Form>
      </Section>
    </Page>
  )
}
