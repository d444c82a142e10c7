import { describe, expect, it } from 'vitest'
import type { AdminClient } from '../../actors/admin-client.ts'
import type { WebhookEvent } from '../../actors/wallet/webhooks.ts'
import { NEEDS } from './payments-needs.ts'
import { createWalletPayments } from './payments-wallet.ts'

const TERMS = {
  payerWalletAddressId: 'alice',
  receiverUrl: 'https://baobab/bob',
  receiveAmount: { value: '1000', assetCode: 'EUR', assetScale: 4 }
}

/** A node that answers at once; `tell` is its webhook. `onPayment` runs before the payment's creation is answered. */
function world(onPayment: (id: string) => void = () => undefined) {
  const calls: unknown[] = []
  const listeners: ((event: WebhookEvent) => void)[] = []
  let made = 0
  const admin: AdminClient = {
    async call<Data>(query: string, variables?: Record<string, unknown>) {
      calls.push(variables!.input)
      if (query.includes('createReceiver'))
        return { createReceiver: { receiver: { id: 'receiver' } } } as Data
      if (query.includes('createQuote')) return { createQuote: { quote: { id: 'quote' } } } as Data
      const id = `payment ${++made}`
      onPayment(id)
      return { createOutgoingPayment: { payment: { id } } } as Data
    }
  }
  const payments = createWalletPayments(
    { admin, onEvent: (listener) => (listeners.push(listener), () => undefined) },
    TERMS
  )
  const tell = (type: string, id: string) => {
    for (const listener of listeners) listener({ id: 'event', type, data: { id } })
  }
  return { payments, tell, calls }
}

describe('a wallet that pays for the benchmark', () => {
  it('creates receiver, quote and payment, and is done when it was told of the end', async () => {
    const { payments, tell, calls } = world()
    let isDone = false
    const paying = payments.pay().then(() => (isDone = true))
    await new Promise(setImmediate)
    tell('outgoing_payment.created', 'payment 1')
    tell('outgoing_payment.completed', 'payment of another')
    await new Promise(setImmediate)
    expect(isDone).toBe(false)
    tell('outgoing_payment.completed', 'payment 1')
    await paying
    expect([...payments.completed()]).toEqual(['payment 1'])
    expect(calls).toEqual([
      { walletAddressUrl: 'https://baobab/bob', incomingAmount: TERMS.receiveAmount },
      { walletAddressId: 'alice', receiver: 'receiver' },
      { walletAddressId: 'alice', quoteId: 'quote' }
    ])
  })

  it('does not miss an end that is told before the creation is answered', async () => {
    const { payments, tell } = world((id) => tell('outgoing_payment.completed', id))
    await payments.pay()
    expect(payments.completed().size).toBe(1)
  })

  it('counts no payment that failed', async () => {
    const { payments, tell } = world((id) => tell('outgoing_payment.failed', id))
    await expect(payments.pay()).rejects.toThrow('payment 1 failed')
    expect(payments.completed().size).toBe(0)
  })
})

describe('what a payment needs', () => {
  it('begins with a round trip, so that every commit has one that waits for it', () => {
    expect(NEEDS[0]!.roundTrips).toBeGreaterThan(0)
  })
})
