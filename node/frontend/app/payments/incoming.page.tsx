import { Link, Outlet, useLoaderData } from '@remix-run/react'
import { pageLoader } from '../page.server.ts'
import { LinkButton } from '../ui/button.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { JsonBox } from '../ui/json-box.tsx'
import { Facts, Id, Page, Section } from '../ui/page.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { incomingActions } from './actions.ts'
import { getIncomingPayment } from './incoming.server.ts'
import { MoneyPicture } from './money-picture.tsx'
import { PaymentAmount } from './payment-amount.tsx'
import { PaymentState } from './payment-states.tsx'
import { listPaymentWebhooks } from './payment-webhooks.ts'
import { GET_WALLET_ADDRESS } from './payments.ts'
import { WalletAddressLink } from './wallet-address-link.tsx'
import { getTimeline } from './timeline.ts'
import { TimelineSection } from './timeline-section.tsx'
import { WebhooksSection } from './webhooks-section.tsx'
import { moneyOfIncoming } from './where-money-is.ts'

export const meta = () => [{ title: 'Incoming payment · Rafiki Admin' }]

export const loader = pageLoader(async ({ api, params, credentials }) => {
  const payment = await getIncomingPayment(api, params.paymentId)
  const [{ walletAddress }, webhooks, timeline] = await Promise.all([
    api.call(GET_WALLET_ADDRESS, { id: payment.walletAddressId }),
    listPaymentWebhooks(api, payment.id),
    getTimeline(api, 'incoming', payment.id)
  ])
  return {
    payment,
    walletAddress,
    webhooks,
    timeline,
    actions: incomingActions(payment, credentials.tenantId)
  }
})

/** Whoever comes back from a dialog sees the payment as it is now, also where nothing was done there. */
export const shouldRevalidate = () => true

export default function IncomingPaymentPage() {
  const { payment, webhooks, timeline } = useLoaderData<typeof loader>()
  const { receivedAmount, metadata, url } = payment
  return (
    <Page title="Incoming payment" parents={[{ to: '/payments', label: 'Payments' }]} actions={<Actions />}>
      <General />
      {payment.cancelledAt !== null && (
        <section
          aria-labelledby="cancelled"
          className="rounded-lg border border-warn bg-warn-soft p-4 text-warn md:p-6"
        >
          <h2 id="cancelled" className="text-lg font-semibold">
            Cancelled by the wallet
          </h2>
          <p className="mt-1">
            {payment.cancellationReason ?? 'No reason was given.'} (<DateTime value={payment.cancelledAt} />)
          </p>
        </section>
      )}
      <Section title="Where the money is">
        <MoneyPicture
          caption="Where what was received is"
          parts={moneyOfIncoming(payment)}
          code={receivedAmount.assetCode}
          scale={receivedAmount.assetScale}
        />
      </Section>
      <TimelineSection timeline={timeline} />
      <WebhooksSection paymentId={payment.id} webhooks={webhooks} />
      {metadata !== null && (
        <Section title="Metadata">
          <JsonBox label="Metadata" value={metadata} />
        </Section>
      )}
      <p className="text-sm">
        <Link
          to={`/payments?${new URLSearchParams({ receiver: url }).toString()}`}
          className="text-accent underline"
        >
          Outgoing payments of this node to it
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
      {actions.withdraw === true && <LinkButton to="withdraw-liquidity">Withdraw liquidity</LinkButton>}
      {actions.approve === true && <LinkButton to="approve">Approve</LinkButton>}
      {actions.cancel === true && (
        <LinkButton to="cancel" look="danger">
          Cancel
        </LinkButton>
      )}
    </>
  )
}

const MEANINGS = {
  PENDING: 'It waits for money: nothing was received yet.',
  PROCESSING: 'Something was received, and more may be.',
  COMPLETED: 'It is over: all was received, or it was closed.',
  EXPIRED: 'It is over: its time passed before it had all.'
} as const

function General() {
  const { payment, walletAddress } = useLoaderData<typeof loader>()
  const { id, url, state, createdAt, expiresAt, client, tenant, incomingAmount, receivedAmount } = payment
  return (
    <Section title="General" help={MEANINGS[state]}>
      <Facts
        facts={[
          ['ID', <Id key="id">{id}</Id>],
          ['State', <PaymentState key="state" state={state} />],
          [
            'URL',
            <span key="url" className="break-all">
              {url}
            </span>
          ],
          [
            'Wallet address that is paid',
            <WalletAddressLink key="to" id={payment.walletAddressId} address={walletAddress?.address} />
          ],
          ['Received', <PaymentAmount key="received" amount={receivedAmount} />],
          [
            'Expected in all',
            incomingAmount === null ? 'Any amount' : <PaymentAmount key="expected" amount={incomingAmount} />
          ],
          ['Created', <DateTime key="created" value={createdAt} />],
          ['Expires', <DateTime key="expires" value={expiresAt} />],
          ['Tenant', <TenantName key="tenant" tenant={tenant} />],
          ['Client', client ?? 'Made over the Admin API'],
          ['Wallet address of the payer', payment.senderWalletAddress ?? 'Not given']
        ]}
      />
    </Section>
  )
}
