import type { LoaderFunctionArgs } from '@remix-run/node'
import { Form, useLoaderData } from '@remix-run/react'
import { useEffect, useRef } from 'react'
import { credentialsForm } from '../session/credentials-form.ts'
import { requireLogin } from '../login/login.server.ts'
import { SubmitButton, LinkButton } from '../ui/button.tsx'
import { CsrfToken } from '../ui/csrf-token.tsx'
import { TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { Page, Section, Facts, Id } from '../ui/page.tsx'

export async function loader({ request, context }: LoaderFunctionArgs) {
  const { sessions, config } = context.frontend
  const url = new URL(request.url)
  const { session, hasExpired } = sessions.read(request)
  await requireLogin(context, { request, session, hasExpired, url })
  const given = (name: string) => url.searchParams.get(name) ?? undefined
  return {
    node: config.OPEN_PAYMENTS_URL,
    tenantId: session.credentials?.tenantId,
    isOperator: session.credentials?.isOperator ?? false,
    hasExpired: given('expired') === 'true',
    prefilled: { tenantId: given('tenantId'), apiSecret: given('apiSecret'), next: given('next') }
  }
}

export { action } from '../session/set-credentials.ts'

export default function HomePage() {
  const { tenantId, isOperator, node } = useLoaderData<typeof loader>()
  return (
    <Page title="Rafiki Admin">
      <p className="text-muted">
        The node of <span className="break-all font-mono text-sm">{node}</span>
      </p>
      {tenantId === undefined ? (
        <GiveCredentials />
      ) : (
        <SignedIn tenantId={tenantId} isOperator={isOperator} />
      )}
    </Page>
  )
}

function SignedIn({ tenantId, isOperator }: { tenantId: string; isOperator: boolean }) {
  return (
    <Section
      title="API credentials"
      help="This session calls the node with them. The secret never reaches the browser's scripts."
    >
      <Facts
        facts={[
          ['Tenant', <Id key="tenant">{tenantId}</Id>],
          ['Role', isOperator ? 'Operator of this node' : 'Tenant']
        ]}
      />
      <div className="flex flex-wrap gap-3">
        <LinkButton to="/overview" look="primary">
          To the overview
        </LinkButton>
        <Form method="post" action="/api/set-credentials">
          <CsrfToken.Input />
          <SubmitButton look="secondary" intent="clear">
            Clear credentials
          </SubmitButton>
        </Form>
      </div>
    </Section>
  )
}

function GiveCredentials() {
  const { prefilled, hasExpired } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(credentialsForm, { intent: 'save', values: prefilled })
  useSubmitPrefilled(form.id, prefilled.tenantId !== undefined && prefilled.apiSecret !== undefined)
  return (
    <Section
      title="API credentials"
      help="A tenant's id and its API secret. They are kept encrypted in this browser's cookie until the session ends."
    >
      {hasExpired && (
        <p role="status" className="rounded border border-warn bg-warn-soft p-3 text-warn">
          The session has ended: give the credentials again.
        </p>
      )}
      <NodeForm form={form} intent="save" action="/?index">
        <TextField field={fields.tenantId} label="Tenant ID" autoComplete="username" />
        <TextField
          field={fields.apiSecret}
          label="API secret"
          type="password"
          autoComplete="current-password"
        />
        <input type="hidden" name={fields.next.name} value={prefilled.next ?? ''} />
        <div>
          <SubmitButton>Save</SubmitButton>
        </div>
      </NodeForm>
    </Section>
  )
}

/** A link with both credentials signs in by itself, once; without JavaScript they stand in the form. */
function useSubmitPrefilled(formId: string, isPrefilled: boolean): void {
  const done = useRef(false)
  useEffect(() => {
    if (!isPrefilled || done.current) return
    done.current = true
    // The secret shall not stay in the address bar and the history.
    window.history.replaceState(window.history.state, '', '/')
    // A whole new document: in this one the secret stands.
    document.querySelector<HTMLFormElement>(`#${formId}`)?.submit()
  }, [formId, isPrefilled])
}
