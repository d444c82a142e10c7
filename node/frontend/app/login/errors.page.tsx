import type { LoaderFunctionArgs } from '@remix-run/node'
import { redirect } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { LinkButton } from '../ui/button.tsx'
import { Page, Section } from '../ui/page.tsx'
import { answerOf } from './flow.server.ts'

export const meta = () => [{ title: 'Login failed · Rafiki Admin' }]

/** Where Kratos sends a browser whose flow went wrong. */
export async function loader({ request, context }: LoaderFunctionArgs) {
  const { kratos } = context.frontend
  if (!kratos) throw redirect('/')
  const id = new URL(request.url).searchParams.get('id')
  const error =
    id === null
      ? undefined
      : await kratos.error(id).catch((cause: unknown) => {
          throw answerOf(cause)
        })
  return { error }
}

export default function ErrorsPage() {
  const { error } = useLoaderData<typeof loader>()
  return (
    <Page title="The login failed">
      <Section title="What happened">
        <p>{error?.message ?? 'Nothing more is known of it.'}</p>
        {error?.reason !== undefined && <p className="text-muted">{error.reason}</p>}
        <div>
          <LinkButton to="/auth">Log in again</LinkButton>
        </div>
      </Section>
    </Page>
  )
}
