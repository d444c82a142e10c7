import { describe, expect, it } from 'vitest'
import { WEBHOOK_EVENT_TYPES } from '../../../backend/webhooks/model.ts'
import { EVENT_TYPES, eventFilterForm, eventListVariables, pageOfResource } from './event-filter.ts'

describe('the filter of webhook events', () => {
  it('has every type that the node knows', () => {
    expect([...EVENT_TYPES].sort()).toEqual([...WEBHOOK_EVENT_TYPES].sort())
  })

  it('asks for all types unless some are named', () => {
    expect(eventListVariables({})).toEqual({ filter: { type: { notIn: [] } } })
    expect(eventListVariables({ type: ['peer.liquidity_low'], deliveryState: 'FAILED' })).toEqual({
      filter: { type: { in: ['peer.liquidity_low'] }, deliveryState: 'FAILED' }
    })
  })

  it('refuses what there is not', () => {
    const parse = (given: Record<string, unknown>) => eventFilterForm.safeParse(given).success
    expect(parse({ type: ['peer.gone'] })).toBe(false)
    expect(parse({ deliveryState: 'LOST' })).toBe(false)
    expect(parse({ resourceId: 'a b' })).toBe(false)
    expect(parse({ tenantId: 'me' })).toBe(false)
    expect(parse({ resourceId: 'https://wallet.example/alice' })).toBe(true)
  })
})

describe('the page of what an event is about', () => {
  it.each([
    ['incoming_payment.completed', { id: 'a' }, '/payments/incoming/a'],
    ['outgoing_payment.failed', { id: 'a' }, '/payments/outgoing/a'],
    ['peer.liquidity_low', { id: 'a' }, '/peers/a'],
    ['asset.liquidity_low', { id: 'a' }, '/assets/a'],
    ['wallet_address.not_found', { walletAddressUrl: 'https://w' }, undefined],
    ['incoming_payment.completed', { id: 5 }, undefined]
  ])('%s', (type, data, page) => expect(pageOfResource(type, data)).toBe(page))
})
