import { Link, Outlet, useLoaderData } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { LinkButton } from '../ui/button.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { JsonBox } from '../ui/json-box.tsx'
import { Facts, Id, Page, Section } from '../ui/page.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { outgoingActions } from './actions.ts'
import { failureWords } from './failure-words.ts'
import { MoneyPicture } from './money-picture.tsx'
import { getOutgoingPayment } from './outgoing.server.ts'
import { PaymentAmount } from './payment-amount.tsx'
import { PaymentState } from './payment-states.tsx'
import { listPaymentWebhooks } from './payment-webhooks.ts'
import { GET_WALLET_ADDRESS } from './payments.ts'
import { ReceiverFacts } from './receiver-facts.tsx'
import { askReceiver, ownReceiver } from './receiver.ts'
import { WalletAddressLink } from './wallet-address-link.tsx'
import { getTimeline } from './timeline.ts'
import { TimelineSection } from './timeline-section.tsx'
import { WebhooksSection } from './webhooks-section.tsx'
import { moneyOfOutgoing } from './where-money-is.ts'

export const meta = () => [{ title: 'Outgoing payment · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, params, url, credentials, context }) => {
  const payment = await getOutgoingPayment(api, params.paymentId)
  const own = ownReceiver(payment.receiver, context.frontend.config.OPEN_PAYMENTS_URL)
  const isWanted = own !== undefined || url.searchParams.get('receiver') === 'ask'
  const [{ walletAddress }, webhooks, receiver, timeline] = await Promise.all([
    api.call(GET_WALLET_ADDRESS, { id: payment.walletAddressId }),
    listPaymentWebhooks(api, payment.id),
    askReceiver(api, payment.receiver, isWanted),
    getTimeline(api, 'outgoing', payment.id)
  ])
  const { tenantId, isOperator } = credentials
  return {
    payment,
    walletAddress,
    webhooks,
    timeline,
    receiver,
    /** A tenant sees its own payments alone. */
    receiverId: own && (isOperator || own.tenantId === tenantId) ? own.id : undefined,
    actions: outgoingActions(payment, tenantId)
  }
})

/** Whoever comes back from a dialog sees the payment as it is now, also where nothing was done there. */
export const shouldRevalidate = () => true

export default function OutgoingPaymentPage() {
  const { payment, webhooks, timeline } = useLoaderData<typeof loader>()
  const { debitAmount, metadata, receiver } = payment
  return (
    <Page title="Outgoing payment" parents={[{ to: '/payments', label: 'Payments' }]} actions={<Actions />}>
      <General />
      {payment.error !== null && <WhyItFailed error={payment.error} />}
      <Section title="Where the money is">
        <MoneyPicture
          caption="Where the debit amount is"
          parts={moneyOfOutgoing(payment)}
          code={debitAmount.assetCode}
          scale={debitAmount.assetScale}
        />
        <ReceiverFacts />
      </Section>
      <QuoteSection />
      <TimelineSection timeline={timeline} />
      <WebhooksSection paymentId={payment.id} webhooks={webhooks} />
      {metadata !== null && (
        <Section title="Metadata">
          <JsonBox label="Metadata" value={metadata} />
        </Section>
      )}
      <p className="text-sm">
        <Link
          to={`/payments?${new URLSearchParams({ receiver }).toString()}`}
          className="text-accent underline"
        >
          All payments to this receiver
        </Link>
      </p>
      <Outlet />
    </Page>
  )
}

function Actions() {
  const { actions } = useLoaderData<typeof loader>()
  return (
    <>
      {actions.deposit === true && (
        <LinkButton to="deposit-liquidity" look="primary">
          Deposit liquidity
        </LinkButton>
      )}
      {actions.withdraw === true && <LinkButton to="withdraw-liquidity">Withdraw liquidity</LinkButton>}
      {actions.cancel === true && (
        <LinkButton to="cancel" look="danger">
          Cancel
        </LinkButton>
      )}
    </>
  )
}

const MEANINGS = {
  FUNDING: 'It waits for its deposit. The wallet was asked for it by the webhook outgoing_payment.created.',
  SENDING: 'Its money was deposited and is on its way.',
  COMPLETED: 'It is over: what was promised was delivered, or the receiver took no more.',
  FAILED: 'It is over. What had been delivered before stays delivered.',
  CANCELLED: 'It is over: it was cancelled before its deposit.'
} as const

function General() {
  const { payment, walletAddress } = useLoaderData<typeof loader>()
  const { id, state, createdAt, client, grantId, stateAttempts, tenant } = payment
  return (
    <Section title="General" help={MEANINGS[state]}>
      <Facts
        facts={[
          ['ID', <Id key="id">{id}</Id>],
          ['State', <PaymentState key="state" state={state} />],
          [
            'Wallet address that pays',
            <WalletAddressLink key="from" id={payment.walletAddressId} address={walletAddress?.address} />
          ],
          ['Created', <DateTime key="created" value={createdAt} />],
          ['Tenant', <TenantName key="tenant" tenant={tenant} />],
          ['Failed attempts', stateAttempts],
          ['Client', client ?? 'Made over the Admin API'],
          ['Grant', grantId === null ? 'None' : <Id key="grant">{grantId}</Id>]
        ]}
      />
    </Section>
  )
}

function WhyItFailed({ error }: { error: string }) {
  const { meaning, remedy } = failureWords(error)
  return (
    <section
      aria-labelledby="why-it-failed"
      className="rounded-lg border border-bad bg-bad-soft p-4 text-bad md:p-6"
    >
      <h2 id="why-it-failed" className="text-lg font-semibold">
        Why it failed
      </h2>
      <p className="mt-1">{meaning}</p>
      <p className="mt-2 text-ink">{remedy}</p>
      <p className="mt-2 text-sm text-ink">
        Error: <code className="break-all font-mono">{error}</code>
      </p>
    </section>
  )
}

function QuoteSection() {
  const { payment } = useLoaderData<typeof loader>()
  const { quote, debitAmount, receiveAmount, sentAmount } = payment
  return (
    <Section title="Amounts" help="What the quote promised, and what was sent of it.">
      <Facts
        facts={[
          ['Debited at most, fee included', <PaymentAmount key="debit" amount={debitAmount} />],
          ['Delivered at least', <PaymentAmount key="receive" amount={receiveAmount} />],
          ['Sent, without the fee', <PaymentAmount key="sent" amount={sentAmount} />],
          ...(quote === null
            ? []
            : ([
                ['Quote expires', <DateTime key="expires" value={quote.expiresAt} />],
                ['Estimated exchange rate', quote.estimatedExchangeRate ?? 'Not known']
              ] as const))
        ]}
      />
    </Section>
  )
}
