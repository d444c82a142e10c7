import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createRatio, ceilDivide, parseRatio } from '../ratio.ts'
import { createSendingAccount } from './account.ts'
import type { Hold } from './account.ts'

const fresh = { alreadySent: 0n, alreadyDelivered: 0n }

describe('the minimum rate of a payment', () => {
  it('carries what earlier packets brought above it', () => {
    const account = createSendingAccount({ minimumRate: parseRatio('0.9')!, ...fresh })
    expect(account.minimumFor(15n)).toBe(14n)
    account.settle(account.hold(15n, 14n), 14n)
    expect(account.minimumFor(15n)).toBe(13n)
  })

  it('goes on from earlier attempts', () => {
    const account = createSendingAccount({
      minimumRate: parseRatio('0.9')!,
      alreadySent: 100n,
      alreadyDelivered: 95n
    })
    expect(account.minimumFor(10n)).toBe(4n)
    expect([account.sent, account.delivered]).toEqual([100n, 95n])
  })

  it('takes a packet in flight for no credit', () => {
    const account = createSendingAccount({ minimumRate: parseRatio('0.9')!, ...fresh })
    const first = account.hold(5n, account.minimumFor(5n))
    expect(first.minimum).toBe(5n)
    expect(account.minimumFor(5n)).toBe(5n)
    account.settle(first, 5n)
    expect(account.minimumFor(5n)).toBe(4n)
  })

  it('gives one outcome to each packet', () => {
    const account = createSendingAccount({ minimumRate: parseRatio('1')!, ...fresh })
    const hold = account.hold(5n, 5n)
    account.release(hold)
    expect(() => account.settle(hold, 5n)).toThrow('one outcome')
  })

  it('holds at any time, whichever packets are rejected, and asks at least what the plain rule asks', () => {
    const step = fc.record({
      source: fc.bigInt({ min: 1n, max: 1_000n }),
      bonus: fc.bigInt({ min: 0n, max: 5n }),
      end: fc.option(fc.record({ which: fc.nat(), fulfilled: fc.boolean() }), { nil: undefined })
    })
    const rate = fc.tuple(fc.bigInt({ min: 0n, max: 5_000n }), fc.bigInt({ min: 1n, max: 1_000n }))
    fc.assert(
      fc.property(rate, fc.array(step, { maxLength: 40 }), ([numerator, denominator], steps) => {
        const minimumRate = createRatio(numerator, denominator)
        const account = createSendingAccount({ minimumRate, ...fresh })
        const open: { hold: Hold; bonus: bigint }[] = []
        for (const { source, bonus, end } of steps) {
          const minimum = account.minimumFor(source)
          const held = open.reduce((sum, { hold }) => sum + hold.minimum, 0n)
          const plain = ceilDivide((account.sent + account.heldSource + source) * numerator, denominator)
          expect(minimum >= plain - account.delivered - held).toBe(true)
          open.push({ hold: account.hold(source, minimum), bonus })
          if (end) {
            const [ended] = open.splice(end.which % open.length, 1)
            if (end.fulfilled) account.settle(ended!.hold, ended!.hold.minimum + ended!.bonus)
            else account.release(ended!.hold)
          }
          expect(account.delivered * denominator >= account.sent * numerator).toBe(true)
          expect(account.heldSource).toBe(open.reduce((sum, { hold }) => sum + hold.source, 0n))
        }
      })
    )
  })
})
