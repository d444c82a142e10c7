import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { layOut, moneyOfIncoming, moneyOfOutgoing } from './where-money-is.ts'

const usd = (value: bigint) => ({ value, assetCode: 'USD', assetScale: 2 })
const sum = (parts: readonly { value: bigint }[]) => parts.reduce((total, { value }) => total + value, 0n)

/** A payment that ended, or is being sent: what was sent and is held never exceeds what was deposited. */
const deposited = fc
  .record({
    sent: fc.bigInt(0n, 2n ** 64n - 1n),
    held: fc.bigInt(0n, 2n ** 64n - 1n),
    rest: fc.bigInt(0n, 2n ** 64n - 1n),
    state: fc.constantFrom('SENDING' as const, 'COMPLETED' as const, 'FAILED' as const)
  })
  .map(({ sent, held, rest, state }) => ({
    state,
    debitAmount: usd(sent + held + rest),
    sentAmount: usd(sent),
    liquidity: held
  }))

describe('where an outgoing payment’s money is', () => {
  it('adds up to the debit amount', () => {
    fc.assert(
      fc.property(deposited, (payment) => {
        expect(sum(moneyOfOutgoing(payment))).toBe(payment.debitAmount.value)
      })
    )
  })

  it.each(['FUNDING', 'CANCELLED'] as const)('is with the payer while %s', (state) => {
    const parts = moneyOfOutgoing({ state, debitAmount: usd(500n), sentAmount: usd(0n), liquidity: null })
    expect(parts.map(({ value, look }) => ({ value, look }))).toEqual([{ value: 500n, look: 'outside' }])
  })

  it('shows nothing below zero where state and ledger were read at two moments', () => {
    const parts = moneyOfOutgoing({
      state: 'SENDING',
      debitAmount: usd(500n),
      sentAmount: usd(300n),
      liquidity: 300n
    })
    expect(parts.every(({ value }) => value >= 0n)).toBe(true)
  })
})

describe('where an incoming payment’s money is', () => {
  const payment = {
    state: 'PROCESSING' as const,
    cancelledAt: null,
    incomingAmount: usd(1000n),
    receivedAmount: usd(400n),
    liquidity: 400n
  }

  it('is held, withdrawn, or still to come', () => {
    expect(moneyOfIncoming(payment).map(({ name, value }) => [name, value])).toEqual([
      ['Given out', 0n],
      ['Held', 400n],
      ['Still to come', 600n]
    ])
  })

  it('never came, once the payment has ended', () => {
    const ended = { ...payment, state: 'EXPIRED' as const, liquidity: 0n }
    expect(moneyOfIncoming(ended).map(({ name, value }) => [name, value])).toEqual([
      ['Given out', 400n],
      ['Held', 0n],
      ['Never came', 600n]
    ])
  })

  it('expects nothing of an open amount', () => {
    const parts = moneyOfIncoming({ ...payment, incomingAmount: null })
    expect(sum(parts)).toBe(400n)
  })
})

describe('the line', () => {
  it('holds every part, in order and within its width', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 2n ** 64n - 1n), { maxLength: 4 }), (values) => {
        const width = 600
        let end = 0
        for (const [index, { start, length }] of layOut(
          values.map((value) => ({ value })),
          width
        ).entries()) {
          expect(start).toBe(end)
          expect(length > 0).toBe(values[index]! > 0n && start < width)
          end = start + length
        }
        expect(end).toBeLessThanOrEqual(width)
      })
    )
  })
})
