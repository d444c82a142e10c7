import type { Database } from '../../runtime/index.ts'
import type { Liquidity } from '../liquidity/model.ts'
import type { Quote } from '../quotes/model.ts'
import type { PaymentLedger } from './payment-ledger.ts'
import { createdEventIdOf } from './store.ts'

export interface Funding {
  /**
   * Deposits the debit amount into the payment's account, once: under the id of its created event. Called after
   * the payment became SENDING, and again by whoever sends it, for its first caller may have died in between.
   *
   * @returns false where it can never be funded: the id is another transfer's
   */
  ensureFunded(quote: Quote): Promise<boolean>
}

export function createFunding({
  database,
  liquidity,
  ledger
}: {
  database: Database
  liquidity: Pick<Liquidity, 'accounts'>
  ledger: Pick<PaymentLedger, 'fund' | 'wasFundedHere'>
}): Funding {
  return {
    async ensureFunded(quote) {
      if (ledger.wasFundedHere(quote.id)) return true
      const [account] = await liquidity.accounts([quote.id])
      if (account && account.creditsPosted >= quote.debitAmount.value) return true
      const [event] = await createdEventIdOf(database.knex, quote.id)
      if (event === undefined) throw new Error(`payment ${quote.id} has no created event`)
      return ledger.fund(quote, event.id)
    }
  }
}
