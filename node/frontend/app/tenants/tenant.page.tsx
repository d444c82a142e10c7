import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData, useLocation } from '@remix-run/react'
import { intentOf, pageLoader } from '../page.server.ts'
import { Badge } from '../ui/badge.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { DeleteSection } from '../ui/delete-section.tsx'
import { Facts, Id, Page, Section } from '../ui/page.tsx'
import { DELETE_TENANT_WORDS } from './tenant-forms.ts'
import { GeneralForm, IdpForm, SensitiveForm, SettingsForm } from './tenant-sections.tsx'
import { GET_TENANT } from './tenants.ts'
import {
  deleteTenant,
  updateGeneral,
  updateIdp,
  updateSecret,
  updateSettings
} from './update-tenant.server.ts'

export const meta = () => [{ title: 'Tenant · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const { tenant } = await api.call(GET_TENANT, { id: params.tenantId })
  return { tenant, isOperator: credentials.isOperator, isSelf: tenant.id === credentials.tenantId }
})

export async function action(args: ActionFunctionArgs) {
  switch (await intentOf(args.request)) {
    case 'idp':
      return updateIdp(args)
    case 'sensitive':
      return updateSecret(args)
    case 'settings':
      return updateSettings(args)
    case 'delete':
      return deleteTenant(args)
    default:
      return updateGeneral(args)
  }
}

export default function TenantPage() {
  const { tenant, isOperator, isSelf } = useLoaderData<typeof loader>()
  const { id, publicName, createdAt, deletedAt } = tenant
  const isDeleted = deletedAt !== null
  // What was typed as a secret is gone from the page once it was sent.
  const { key } = useLocation()
  return (
    <Page title={publicName ?? id} parents={[{ to: '/tenants', label: 'Tenants' }]}>
      {isDeleted && (
        <p className="rounded border border-bad bg-bad-soft p-3 text-bad">
          Deleted <DateTime value={deletedAt} />: nothing of it can be changed any more.
        </p>
      )}
      <Section title="General">
        <Facts
          facts={[
            ['ID', <Id key="id">{id}</Id>],
            ['Created', <DateTime key="created" value={createdAt} />],
            [
              'Status',
              isDeleted ? (
                <Badge key="status" look="bad">
                  Deleted
                </Badge>
              ) : (
                <Badge key="status" look="good">
                  Active
                </Badge>
              )
            ]
          ]}
        />
        <GeneralForm tenant={tenant} />
      </Section>
      <Section title="Identity provider" help="Where its customers are asked for their consent.">
        <IdpForm key={key} tenant={tenant} />
      </Section>
      {isSelf && !isOperator && (
        <Section title="Sensitive" help="What signs the calls of this tenant. It is never shown.">
          <SensitiveForm key={key} />
        </Section>
      )}
      {isSelf ? (
        <Section
          title="Settings"
          help="Where there is none, the node’s configuration counts. One that is set can be changed, not taken away."
        >
          <SettingsForm tenant={tenant} />
        </Section>
      ) : (
        <Section title="Settings" help="Only the tenant itself changes them.">
          {tenant.settings.length === 0 ? (
            <p className="text-muted">It has none of its own.</p>
          ) : (
            <Facts
              facts={tenant.settings.map(({ key, value }) => [
                key,
                <span key={key} className="break-all">
                  {value}
                </span>
              ])}
            />
          )}
        </Section>
      )}
      {isOperator && !isSelf && !isDeleted && (
        <DeleteSection
          what="tenant"
          words={DELETE_TENANT_WORDS}
          consequence="For good: its requests are refused, and its peers and wallet addresses take no more money."
        />
      )}
    </Page>
  )
}
