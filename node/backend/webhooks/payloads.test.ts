import { describe, expect, it } from 'vitest'
import { WEBHOOK_EVENT_TYPES } from './model.ts'
import { createWebhookCheck, webhooksDocument } from './payloads.test-support.ts'

const ID = '01900000-0000-7000-8000-00000000cccc'
const TIME = '2030-01-31T12:00:00.000Z'
const amount = (value: string) => ({ value, assetCode: 'USD', assetScale: 2 })

const incoming = {
  id: ID,
  walletAddressId: ID,
  createdAt: TIME,
  expiresAt: TIME,
  receivedAmount: amount('0'),
  completed: false
}
const outgoing = {
  id: ID,
  walletAddressId: ID,
  state: 'FUNDING',
  receiver: 'https://wallet.example/incoming-payments/1',
  debitAmount: amount('10'),
  receiveAmount: amount('9'),
  sentAmount: amount('0'),
  stateAttempts: 0,
  createdAt: TIME,
  balance: '0'
}
const cardDetails = { requestId: ID, data: { signature: 'x' }, initiatedAt: TIME }
const low = { id: ID, asset: { id: ID, code: 'USD', scale: 2 }, liquidityThreshold: '10', balance: '9' }

/** One right payload of each type. */
const RIGHT: Record<(typeof WEBHOOK_EVENT_TYPES)[number], Record<string, unknown>> = {
  'incoming_payment.created': {
    ...incoming,
    incomingAmount: amount('5'),
    client: 'https://x.example/y',
    metadata: {}
  },
  'incoming_payment.completed': {
    ...incoming,
    completed: true,
    receivedAmount: amount('5'),
    approvedAt: TIME
  },
  'incoming_payment.expired': { ...incoming, receivedAmount: amount('4'), cancelledAt: TIME },
  'incoming_payment.partial_payment_received': {
    ...incoming,
    partialIncomingPaymentId: ID,
    dataFromSender: 'kyc'
  },
  'outgoing_payment.created': { ...outgoing, grantId: 'g' },
  'outgoing_payment.completed': { ...outgoing, state: 'COMPLETED', balance: '1' },
  'outgoing_payment.failed': { ...outgoing, state: 'FAILED', error: 'why' },
  'outgoing_payment.funded': { ...outgoing, state: 'SENDING', cardDetails },
  'outgoing_payment.cancelled': {
    ...outgoing,
    state: 'CANCELLED',
    cardDetails,
    metadata: { cardPaymentFailureReason: 'invalid_signature' }
  },
  'wallet_address.not_found': { walletAddressUrl: 'https://wallet.example/nobody' },
  'wallet_address.web_monetization': {
    walletAddress: { id: ID, createdAt: TIME, receivedAmount: amount('7') }
  },
  'asset.liquidity_low': low,
  'peer.liquidity_low': low
}

describe('the description of the webhooks', () => {
  const check = createWebhookCheck()

  it('has every type that is sent, and no other', () => {
    expect(Object.keys(webhooksDocument.webhooks).toSorted()).toEqual([...WEBHOOK_EVENT_TYPES].toSorted())
    expect(WEBHOOK_EVENT_TYPES).toHaveLength(13)
  })

  it.each(WEBHOOK_EVENT_TYPES)(
    '%s: takes what is right, and nothing with a member less, more or null',
    (type) => {
      const data = RIGHT[type]
      expect(check({ id: ID, type, data })).toBeUndefined()
      expect(check({ id: ID, type, data: { ...data, surplus: 1 } })).toContain(type)
      expect(check({ id: ID, type, data, surplus: 1 } as never)).toContain(type)
      expect(check({ id: 'x', type, data })).toContain(type)
      for (const member of Object.keys(data)) {
        expect(check({ id: ID, type, data: { ...data, [member]: null } }), member).toContain(type)
      }
      const { [Object.keys(data)[0]!]: _, ...less } = data
      expect(check({ id: ID, type, data: less })).toContain(type)
    }
  )

  it('tells events of one noun apart by what they must say', () => {
    for (const [type, data] of [
      ['incoming_payment.created', RIGHT['incoming_payment.completed']],
      ['incoming_payment.completed', RIGHT['incoming_payment.expired']],
      ['outgoing_payment.completed', RIGHT['outgoing_payment.failed']],
      ['outgoing_payment.failed', { ...outgoing, state: 'FAILED' }],
      ['outgoing_payment.funded', { ...outgoing, state: 'SENDING' }],
      ['asset.liquidity_low', { ...low, balance: 9 }],
      ['incoming_payment.deleted', incoming]
    ] as const) {
      expect(check({ id: ID, type, data }), type).toBeDefined()
    }
  })
})
