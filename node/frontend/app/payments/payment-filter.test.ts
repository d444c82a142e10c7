import { describe, expect, it } from 'vitest'
import { paymentListVariables, readPaymentFilter, withoutEmptyFields } from './payment-filter.ts'

const at = (query: string) => new URL(`http://localhost/payments?${query}`)
const WALLET_ADDRESS = '01900000-0000-7000-8000-000000000001'

describe('the filter of the list of payments', () => {
  it('is read from the address; what does not filter is left alone', () => {
    expect(
      readPaymentFilter(
        at(
          `type=OUTGOING&state=FAILED&state=EXPIRED&walletAddressId=${WALLET_ADDRESS}&receiver=https://a.example/t/incoming-payments/1&after=${WALLET_ADDRESS}`
        )
      )
    ).toEqual({
      ok: true,
      filter: {
        type: 'OUTGOING',
        state: ['FAILED', 'EXPIRED'],
        walletAddressId: WALLET_ADDRESS,
        receiver: 'https://a.example/t/incoming-payments/1'
      }
    })
  })

  it.each([
    ['createdAfter=2030-01-31T12:00', '2030-01-31T12:00:00.000Z'],
    ['createdAfter=2030-01-31T12:00:30', '2030-01-31T12:00:30.000Z'],
    ['createdAfter=2030-01-31T12:00:30.5Z', '2030-01-31T12:00:30.500Z'],
    ['createdAfter=2030-01-31T12:00:00%2B02:00', '2030-01-31T10:00:00.000Z']
  ])('takes %s as %s', (query, createdAfter) => {
    expect(readPaymentFilter(at(query))).toEqual({ ok: true, filter: { createdAfter } })
  })

  it.each([
    ['type=BOTH', 'type'],
    ['state=LOST', 'state[0]'],
    ['receiver=nowhere', 'receiver'],
    ['walletAddressId=1', 'walletAddressId'],
    ['tenantId=1', 'tenantId'],
    ['createdAfter=yesterday', 'createdAfter'],
    ['createdBefore=2030-13-31T12:00', 'createdBefore'],
    ['createdAfter=2030-01-02T00:00&createdBefore=2030-01-01T00:00', 'createdBefore']
  ])('refuses %s beside its field', (query, field) => {
    const read = readPaymentFilter(at(query))
    expect(read.ok).toBe(false)
    if (!read.ok) expect(Object.keys(read.refused.error ?? {})).toEqual([field])
  })

  it('leaves empty fields of the form out of the address', () => {
    expect(withoutEmptyFields(at('type=&state=FAILED&receiver=+'))).toBe('/payments?state=FAILED')
    expect(withoutEmptyFields(at('type=&receiver='))).toBe('/payments')
    expect(withoutEmptyFields(at('type=INCOMING'))).toBeUndefined()
  })

  it('becomes the variables of the list', () => {
    expect(paymentListVariables({})).toEqual({})
    expect(
      paymentListVariables({ type: 'INCOMING', walletAddressId: WALLET_ADDRESS, tenantId: WALLET_ADDRESS })
    ).toEqual({
      filter: { type: { in: ['INCOMING'] }, walletAddressId: { in: [WALLET_ADDRESS] } },
      tenantId: WALLET_ADDRESS
    })
    const createdAfter = '2030-01-31T12:00:00.000Z'
    expect(
      paymentListVariables({ state: ['FAILED', 'EXPIRED'], receiver: 'https://a.example/1', createdAfter })
    ).toEqual({
      filter: {
        state: { in: ['FAILED', 'EXPIRED'] },
        receiver: { in: ['https://a.example/1'] },
        createdAfter
      }
    })
  })
})
