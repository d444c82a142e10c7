import { AccountCode } from '../../ledger/index.ts'
import type { Database } from '../../runtime/index.ts'
import type { Liquidity } from '../liquidity/model.ts'
import type { Quote } from '../quotes/model.ts'
import { createdEventId } from './store.ts'

export interface Funding {
  /**
   * Deposits the debit amount into the payment's account, once: under the id of its created event. Called after
   * the payment became SENDING, and again by whoever sends it, for its first caller may have died in between.
   */
  ensureFunded(quote: Quote): Promise<void>
  /** The deposit itself. @param depositId the id of the payment's created event */
  fund(quote: Quote, depositId: string): Promise<void>
}

export function createFunding({
  database,
  liquidity
}: {
  database: Database
  liquidity: Pick<Liquidity, 'ensureAccount' | 'deposit' | 'accounts'>
}): Funding {
  async function fund(quote: Quote, depositId: string): Promise<void> {
    await liquidity.ensureAccount({ id: quote.id, asset: quote.asset, code: AccountCode.LIQUIDITY_OUTGOING })
    const refused = await liquidity.deposit({
      id: depositId,
      accountId: quote.id,
      asset: quote.asset,
      amount: quote.debitAmount.value
    })
    if (refused && refused.failure !== 'TransferExists') {
      throw new Error(`the deposit of payment ${quote.id} was refused: ${refused.failure}`)
    }
  }

  return {
    fund,
    async ensureFunded(quote) {
      const [account] = await liquidity.accounts([quote.id])
      if (account && account.creditsPosted >= quote.debitAmount.value) return
      const id = await createdEventId(database.knex, quote.id)
      if (id === undefined) throw new Error(`payment ${quote.id} has no created event`)
      await fund(quote, id)
    }
  }
}
