import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { uuidToId } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import { legsBetween } from '../connector/books.ts'
import type { Quote } from '../quotes/index.ts'
import { localChain } from './local-payment.ts'

const assetOf = (ledger: number): Asset => ({
  id: `01900000-0000-7000-8000-00000000000${ledger}`,
  tenantId: 't',
  code: `A${ledger}`,
  scale: 2,
  ledger,
  createdAt: new Date(0)
})
const [USD, EUR] = [assetOf(1), assetOf(2)] as const
const PAYER = '01900000-0000-7000-8000-00000000aaaa'
const RECEIVER = 77n
const amount = fc.bigInt(1n, 2n ** 64n - 1n)

/** What each account gains by a chain, and by ledger what all gain together. */
function gains(legs: readonly { debitAccountId: bigint; creditAccountId: bigint; amount: bigint }[]) {
  const gained = new Map<bigint, bigint>()
  for (const { debitAccountId, creditAccountId, amount: moved } of legs) {
    gained.set(debitAccountId, (gained.get(debitAccountId) ?? 0n) - moved)
    gained.set(creditAccountId, (gained.get(creditAccountId) ?? 0n) + moved)
  }
  return gained
}

describe('the composition of a transfer', () => {
  it('within an asset: the lesser amount goes across, the rest is to or from the asset’s liquidity', () => {
    fc.assert(
      fc.property(amount, fc.oneof(amount, fc.constant(undefined)), (sent, other) => {
        const received = other ?? sent
        const quote = {
          id: PAYER,
          asset: USD,
          debitAmountMinusFees: sent,
          receiveAmount: { value: received }
        } as Quote
        const chain = localChain(quote, RECEIVER, USD)
        const gained = gains(chain)
        expect(gained.get(RECEIVER)).toBe(received)
        expect(gained.get(chain[0]!.debitAccountId)).toBe(-sent)
        expect(gained.get(uuidToId(USD.id)) ?? 0n).toBe(sent - received)
        expect(chain).toHaveLength(sent === received ? 1 : 2)
        expect(chain.every((leg) => leg.ledger === USD.ledger && leg.amount > 0n)).toBe(true)
        expect(chain.map(({ flags }) => flags?.linked)).toEqual(
          chain.map((_, index) => index < chain.length - 1)
        )
        expect(new Set(chain.map(({ id }) => id)).size).toBe(chain.length)
      })
    )
  })

  it('between assets: source to the source asset’s liquidity, the destination asset’s liquidity to the destination', () => {
    fc.assert(
      fc.property(amount, amount, (sent, received) => {
        const quote = {
          id: PAYER,
          asset: USD,
          debitAmountMinusFees: sent,
          receiveAmount: { value: received }
        } as Quote
        const payment = localChain(quote, RECEIVER, EUR)
        const packet = legsBetween(
          { accountId: payment[0]!.debitAccountId, asset: USD, amount: sent },
          { accountId: RECEIVER, asset: EUR, amount: received }
        )
        for (const legs of [payment, packet]) {
          expect(
            legs.map(({ debitAccountId, creditAccountId, amount: moved, ledger }) => ({
              debitAccountId,
              creditAccountId,
              moved,
              ledger
            }))
          ).toEqual([
            {
              debitAccountId: payment[0]!.debitAccountId,
              creditAccountId: uuidToId(USD.id),
              moved: sent,
              ledger: USD.ledger
            },
            {
              debitAccountId: uuidToId(EUR.id),
              creditAccountId: RECEIVER,
              moved: received,
              ledger: EUR.ledger
            }
          ])
        }
      })
    )
  })
})
