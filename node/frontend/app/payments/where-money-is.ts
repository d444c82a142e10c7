import type { IncomingPayment } from './incoming-payments.ts'
import type { OutgoingPayment } from './outgoing-payments.ts'

/** A part of a payment's money, in minor units of the payment's own asset, and where it is. */
export interface MoneyPart {
  name: string
  value: bigint
  meaning: string
  look: 'moved' | 'held' | 'underWay' | 'outside'
}

const notBelowZero = (value: bigint) => (value > 0n ? value : 0n)

/**
 * Where the debit amount of an outgoing payment is. The parts add up to it. The state and the ledger are read one after
 * the other, so while a payment is being sent what is under way is what neither of them shows.
 */
export function moneyOfOutgoing({
  state,
  debitAmount,
  sentAmount,
  liquidity
}: Pick<OutgoingPayment, 'state' | 'debitAmount' | 'sentAmount' | 'liquidity'>): MoneyPart[] {
  const debit = debitAmount.value
  const sent = sentAmount.value
  const held = liquidity ?? 0n
  const rest = notBelowZero(debit - sent - held)
  switch (state) {
    case 'FUNDING':
      return [
        {
          name: 'Not deposited yet',
          value: debit,
          meaning: 'Still with the payer: the wallet has to debit its customer and deposit it here.',
          look: 'outside'
        }
      ]
    case 'CANCELLED':
      return [
        {
          name: 'Never deposited',
          value: debit,
          meaning: 'Stayed with the payer: the payment was cancelled before its deposit.',
          look: 'outside'
        }
      ]
    case 'SENDING':
      return [
        { name: 'Sent', value: sent, meaning: 'Left this node for the receiver, for good.', look: 'moved' },
        {
          name: 'Being sent',
          value: rest,
          meaning: 'Deposited, and set aside for the attempt that runs: it leaves, or comes back.',
          look: 'underWay'
        },
        { name: 'Held', value: held, meaning: 'In the payment’s account.', look: 'held' }
      ]
    case 'COMPLETED':
    case 'FAILED':
      return [
        { name: 'Sent', value: sent, meaning: 'Left this node for the receiver, for good.', look: 'moved' },
        {
          name: 'Held',
          value: held,
          meaning: 'Left over in the payment’s account, the fee included: the wallet may withdraw it.',
          look: 'held'
        },
        {
          name: 'Given back',
          value: rest,
          meaning: 'Withdrawn by the wallet: the fee, and what was not needed.',
          look: 'outside'
        }
      ]
  }
}

/** Where what an incoming payment takes is: received and still here, withdrawn, or still to come. */
export function moneyOfIncoming({
  state,
  cancelledAt,
  incomingAmount,
  receivedAmount,
  liquidity
}: Pick<
  IncomingPayment,
  'state' | 'cancelledAt' | 'incomingAmount' | 'receivedAmount' | 'liquidity'
>): MoneyPart[] {
  const received = receivedAmount.value
  const held = liquidity ?? 0n
  const missing = notBelowZero((incomingAmount?.value ?? 0n) - received)
  const isOpen = (state === 'PENDING' || state === 'PROCESSING') && cancelledAt === null
  return [
    {
      name: 'Given out',
      value: notBelowZero(received - held),
      meaning: 'Received, and withdrawn by the wallet for its customer.',
      look: 'outside'
    },
    {
      name: 'Held',
      value: held,
      meaning: isOpen
        ? 'Received; the wallet may withdraw it once the payment has ended.'
        : 'Received, and not withdrawn by the wallet yet.',
      look: 'held'
    },
    ...(incomingAmount
      ? [
          {
            name: isOpen ? 'Still to come' : 'Never came',
            value: missing,
            meaning: isOpen ? 'Expected, and not received yet.' : 'Was expected when the payment ended.',
            look: 'underWay' as const
          }
        ]
      : [])
  ]
}

/** Where on a line of `width` each part begins and how long it is; what is there at all is seen. */
export function layOut(
  parts: readonly Pick<MoneyPart, 'value'>[],
  width: number
): { start: number; length: number }[] {
  const total = parts.reduce((sum, { value }) => sum + value, 0n)
  let start = 0
  return parts.map(({ value }) => {
    // For the eye alone: a thousandth of the line is as exact as it sees.
    const share = total === 0n ? 0 : Number((value * 1000n) / total) / 1000
    const length = value === 0n ? 0 : Math.max(share * width, 2)
    const part = { start, length: Math.min(length, width - start) }
    start += part.length
    return part
  })
}
