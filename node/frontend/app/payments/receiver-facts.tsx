import { Link, useLoaderData } from '@remix-run/react'
import { Facts } from '../ui/page.tsx'
import type { loader } from './outgoing.page.tsx'
import { PaymentAmount } from './payment-amount.tsx'

/** The other end: the incoming payment that is paid, and what it has received. */
export function ReceiverFacts() {
  const { payment, receiver, receiverId } = useLoaderData<typeof loader>()
  const url =
    receiverId === undefined ? (
      <span className="break-all">{payment.receiver}</span>
    ) : (
      <Link to={`/payments/incoming/${receiverId}`} className="break-all text-accent underline">
        {payment.receiver}
      </Link>
    )
  return (
    <div className="flex flex-col gap-4 border-t border-line pt-4">
      <h3 className="font-semibold">At the receiver</h3>
      <Facts
        facts={[
          ['Incoming payment', url],
          ...(receiver.kind === 'known'
            ? ([
                [
                  'Wallet address that is paid',
                  <span className="break-all">{receiver.receiver.walletAddressUrl}</span>
                ],
                [
                  'Delivered: received so far, from everybody',
                  <PaymentAmount key="received" amount={receiver.receiver.receivedAmount} />
                ],
                [
                  'Expected in all',
                  receiver.receiver.incomingAmount === null ? (
                    'Any amount'
                  ) : (
                    <PaymentAmount key="expected" amount={receiver.receiver.incomingAmount} />
                  )
                ],
                ['Complete', receiver.receiver.completed ? 'Yes: it takes no more' : 'No']
              ] as const)
            : [])
        ]}
      />
      {receiver.kind === 'not asked' && (
        <p className="text-sm">
          It is another node’s.{' '}
          <Link to="?receiver=ask" preventScrollReset className="text-accent underline">
            Ask that node what was delivered
          </Link>
        </p>
      )}
      {receiver.kind === 'silent' && (
        <p className="text-sm text-warn">The receiver’s node did not tell: {receiver.reason}.</p>
      )}
    </div>
  )
}
