import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createCustomerAccounts } from './accounts.ts'

const USD = { code: 'USD', scale: 2 }

it('an account is never short of what it holds, whatever is asked in which order and how often', () => {
  const payment = fc.integer({ min: 0, max: 4 }).map(String)
  const command = fc.oneof(
    fc.record({ kind: fc.constant('hold' as const), payment, amount: fc.bigInt(0n, 80n) }),
    fc.record({ kind: fc.constant('capture' as const), payment, share: fc.integer({ min: 0, max: 100 }) }),
    fc.record({ kind: fc.constant('release' as const), payment }),
    fc.record({ kind: fc.constant('refuse' as const), payment }),
    fc.record({ kind: fc.constant('credit' as const), payment, amount: fc.bigInt(0n, 50n) })
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
      const accounts = createCustomerAccounts()
      accounts.open('alice', USD, 100n)
      const held = new Map<string, bigint>()
      const answers = new Map<string, boolean>()
      const credited = new Map<string, bigint>()
      let captured = 0n
      for (const one of commands) {
        if (one.kind === 'hold') {
          const answer = accounts.hold('alice', one.payment, one.amount)
          if (!answers.has(one.payment) && answer) held.set(one.payment, one.amount)
          // The first answer for a payment is the only one.
          expect(answer).toBe(answers.get(one.payment) ?? answer)
          answers.set(one.payment, answer)
        } else if (one.kind === 'refuse') {
          accounts.refuse('alice', one.payment)
          if (!answers.has(one.payment)) answers.set(one.payment, false)
        } else if (one.kind === 'credit') {
          accounts.credit('alice', one.payment, one.amount)
          if (!credited.has(one.payment)) credited.set(one.payment, one.amount)
        } else {
          const amount = held.get(one.payment)
          if (one.kind === 'capture') {
            const taken = ((amount ?? 0n) * BigInt(one.share)) / 100n
            accounts.capture(one.payment, taken)
            captured += taken
          } else accounts.release(one.payment)
          held.delete(one.payment)
        }
        const { balance, held: heldNow } = accounts.get('alice')!
        const sum = (values: Iterable<bigint>) => [...values].reduce((total, value) => total + value, 0n)
        expect(heldNow).toBe(sum(held.values()))
        expect(balance).toBe(100n + sum(credited.values()) - captured)
        expect(balance).toBeGreaterThanOrEqual(heldNow)
      }
    })
  )
})
