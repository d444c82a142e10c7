import { describe, expect, it } from 'vitest'
import { AdminApiError } from '../admin-client.ts'
import { createCustomerAccounts } from './accounts.ts'
import { signWebhook } from './wallet.test-support.ts'
import { handleWebhookEvent, isSignedBy, WEBHOOK_EVENT_TYPES } from './webhooks.ts'
import type { WalletPolicy, WebhookEvent } from './webhooks.ts'

const SECRET = 'between node and wallet'
const event: WebhookEvent = { id: '1', type: 'outgoing_payment.created', data: { a: 'ü', b: 1 } }

describe('an event', () => {
  it('is taken with a signature of the last five minutes alone', () => {
    const nowMs = 1_700_000_000_000
    const at = (timestampMs: number) =>
      isSignedBy(SECRET, signWebhook(SECRET, event, timestampMs), event, nowMs)
    expect([-300_001, -300_000, 0, 300_000, 300_001].map((offsetMs) => at(nowMs + offsetMs))).toEqual([
      false,
      true,
      true,
      true,
      false
    ])
    // In seconds it would be of 1970.
    expect(at(nowMs / 1000)).toBe(false)
  })

  it('is not taken with another secret, for another body, or without a signature', () => {
    const nowMs = 1_700_000_000_000
    const header = signWebhook(SECRET, event, nowMs)
    expect(isSignedBy('another', header, event, nowMs)).toBe(false)
    expect(isSignedBy(SECRET, header, { ...event, id: '2' }, nowMs)).toBe(false)
    expect(isSignedBy(SECRET, undefined, event, nowMs)).toBe(false)
    expect(isSignedBy(SECRET, header.replace('v1', 'v2'), event, nowMs)).toBe(false)
  })

  it('is of one of thirteen types', () => {
    expect(new Set(WEBHOOK_EVENT_TYPES).size).toBe(13)
  })
})

describe('what the wallet is asked about', () => {
  /** What it says to the node on an event. */
  async function saidOn(type: string, data: Record<string, unknown>, policy: WalletPolicy = {}) {
    const said: unknown[] = []
    const desk = {
      admin: {
        async call<Data>(query: string, variables?: Record<string, unknown>): Promise<Data> {
          said.push([/mutation (\w+)/.exec(query)?.[1], variables?.input])
          return {} as Data
        }
      },
      accounts: createCustomerAccounts(),
      policy,
      cards: new Map(),
      walletAddressOf: async () => 'alice'
    }
    await handleWebhookEvent(desk, { id: 'event', type, data })
    return said
  }

  it('data that came with money: it confirms, or rejects with its reason', async () => {
    const of = { incomingPaymentId: 'p', partialIncomingPaymentId: 'part' }
    const data = { id: 'p', partialIncomingPaymentId: 'part', dataFromSender: 'who am I' }
    const type = 'incoming_payment.partial_payment_received'
    expect(await saidOn(type, data)).toEqual([['ConfirmPartialIncomingPayment', of]])
    expect(await saidOn(type, data, { refusePartial: ({ dataFromSender }) => `${dataFromSender}?` })).toEqual(
      [['RejectPartialIncomingPayment', { ...of, reason: 'who am I?' }]]
    )
  })

  it('an incoming payment: nothing unless it has an opinion, then its approval or cancellation', async () => {
    const type = 'incoming_payment.created'
    expect(await saidOn(type, { id: 'p' })).toEqual([])
    expect(await saidOn(type, { id: 'p' }, { decideIncoming: () => 'approve' })).toEqual([
      ['ApproveIncomingPayment', { id: 'p' }]
    ])
    expect(await saidOn(type, { id: 'p' }, { decideIncoming: () => ({ cancelBecause: 'no' }) })).toEqual([
      ['CancelIncomingPayment', { id: 'p', cancellationReason: 'no' }]
    ])
  })
})

describe('an event whose work', () => {
  function deskThatAnswers(code: string, message: string) {
    const accounts = createCustomerAccounts()
    accounts.open('alice', { code: 'USD', scale: 2 }, 100n)
    const admin = {
      async call<Data>(query: string): Promise<Data> {
        if (query.startsWith('query')) return { outgoingPayment: { state: 'CANCELLED' } } as Data
        throw new AdminApiError('operation', code, message)
      }
    }
    return { admin, accounts, policy: {}, cards: new Map(), walletAddressOf: async () => 'alice' }
  }
  const created = {
    id: 'event',
    type: 'outgoing_payment.created',
    data: {
      id: 'payment',
      walletAddressId: 'w',
      debitAmount: { value: '40', assetCode: 'USD', assetScale: 2 }
    }
  }

  it('is being done by an earlier delivery comes again: that one may fail', async () => {
    const desk = deskThatAnswers('CONFLICT', 'Concurrent request for idempotencyKey: event')
    await expect(handleWebhookEvent(desk, created)).rejects.toThrow('Concurrent request')
    expect(desk.accounts.get('alice')).toMatchObject({ held: 40n })
  })

  it('is over because somebody cancelled the payment frees what was held', async () => {
    const desk = deskThatAnswers('CONFLICT', 'wrong state')
    await handleWebhookEvent(desk, created)
    expect(desk.accounts.get('alice')).toMatchObject({ balance: 100n, held: 0n })
  })

  it('the node refuses for another reason comes again', async () => {
    const desk = deskThatAnswers('NOT_FOUND', 'unknown payment')
    await expect(handleWebhookEvent(desk, created)).rejects.toThrow('unknown payment')
  })
})
