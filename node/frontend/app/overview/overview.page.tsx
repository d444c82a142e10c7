import { data } from '@remix-run/node'
import type { HeadersFunction } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { LinkButton } from '../ui/button.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { Page, Section } from '../ui/page.tsx'
import { Health } from './health-section.tsx'
import { loadHealth } from './health.server.ts'
import { Liquidity } from './liquidity-section.tsx'
import { loadAssetLiquidity, loadPeerLiquidity } from './liquidity.server.ts'
import { PartSection } from './part-section.tsx'
import { createParts } from './parts.server.ts'
import { loadPaymentStates } from './payment-states.server.ts'
import { PaymentsOfDay } from './payments-section.tsx'
import { FailedWebhookEvents } from './webhooks-section.tsx'
import { loadFailedWebhooks } from './webhooks.server.ts'

export const meta = () => [{ title: 'Overview · Rafiki Admin' }]

/** `Server-Timing`: what the page waited for, which browsers show to whoever looks for it. */
export const headers: HeadersFunction = ({ loaderHeaders }) => loaderHeaders

export const loader = pageLoader(async ({ api, context: { frontend }, credentials: { isOperator } }) => {
  const nowMs = frontend.clock.nowMs()
  const parts = createParts(frontend)
  const [assets, peers, payments, webhooks, services] = await Promise.all([
    parts.load('assets', () => loadAssetLiquidity(api)),
    parts.load('peers', () => loadPeerLiquidity(api)),
    parts.load('payments', () => loadPaymentStates(api, nowMs)),
    parts.load('webhooks', () => loadFailedWebhooks(api)),
    parts.time('health', () => loadHealth(frontend, isOperator))
  ])
  parts.throwIfNothingIsThere()
  return data(
    { isOperator, at: new Date(nowMs).toISOString(), assets, peers, payments, webhooks, services },
    { headers: { 'server-timing': parts.serverTiming() } }
  )
})

export default function OverviewPage() {
  const { isOperator, at, assets, peers, payments, webhooks, services } = useLoaderData<typeof loader>()
  return (
    <Page title="Overview" actions={<LinkButton to="/overview">Refresh</LinkButton>}>
      <p className="text-muted">
        {isOperator ? 'All tenants of this node' : 'What is yours'}, as of <DateTime value={at} />
      </p>
      <Section title="Services" help="Whether the services of the node are well, asked just now.">
        <Health services={services} />
      </Section>
      <PartSection
        title="Failing webhooks"
        help="What a wallet was not told, because it did not answer 200 in all attempts."
        part={webhooks}
      >
        {(failed) => <FailedWebhookEvents failed={failed} />}
      </PartSection>
      <PartSection
        title="Payments of the last 24 hours"
        help="By the hour of their creation and the state that they are in now. Hours are UTC."
        part={payments}
      >
        {(day) => <PaymentsOfDay day={day} />}
      </PartSection>
      <PartSection
        title="Liquidity of assets"
        help="What payments between assets draw on. At or below its low mark the wallet is told."
        part={assets}
      >
        {(list) => (
          <Liquidity
            noun={{ one: 'asset', many: 'assets' }}
            all="/assets"
            list={list}
            empty="There are no assets yet."
            hasTenants={isOperator}
          />
        )}
      </PartSection>
      <PartSection
        title="Liquidity of peers"
        help="How much each peer may still send through this node."
        part={peers}
      >
        {(list) => (
          <Liquidity
            noun={{ one: 'peer', many: 'peers' }}
            all="/peers"
            list={list}
            empty="There are no peers yet."
            hasTenants={isOperator}
          />
        )}
      </PartSection>
    </Page>
  )
}
