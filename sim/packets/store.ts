import type { CreateTransferResult, Ledger, NewTransfer } from '../../node/ledger/index.ts'
import type { Clock } from '../../node/runtime/index.ts'
import { never } from './watched.ts'

/** What happens to one batch of a ledger. */
export type BatchFate = 'lostBefore' | 'lostAfter' | 'killBefore' | 'killAfter' | { delayMs: number }

export interface StoreOptions {
  /** Outlives the process: what it has is what was committed. */
  ledger: Pick<Ledger, 'createTransfers'>
  /** The process's: what it waits for ends with it. */
  clock: Clock
  /** One way, of the next batch. */
  latencyMs(): number
  fateOf(transfers: readonly NewTransfer[]): BatchFate | undefined
  kill(): void
  /** Right when a batch was committed, before anybody hears of it. */
  committed(transfers: readonly NewTransfer[], results: readonly CreateTransferResult[]): void
  /** From here on the process hears nothing of a batch, or late. */
  troubled(): void
}

/** The way to a ledger and back: batches take time, and get lost before or after they were committed. */
export function createStore({
  ledger,
  clock,
  latencyMs,
  fateOf,
  kill,
  committed,
  troubled
}: StoreOptions): Pick<Ledger, 'createTransfers'> {
  return {
    async createTransfers(transfers) {
      const fate = fateOf(transfers)
      if (fate !== undefined) troubled()
      await clock.sleep(latencyMs())
      if (typeof fate === 'object') await clock.sleep(fate.delayMs)
      if (fate === 'lostBefore') throw new Error('the connection to the ledger broke before it had the batch')
      if (fate === 'killBefore') {
        kill()
        return never()
      }
      const results = await ledger.createTransfers(transfers)
      committed(transfers, results)
      if (fate === 'killAfter') {
        kill()
        return never()
      }
      await clock.sleep(latencyMs())
      if (fate === 'lostAfter') throw new Error('the connection to the ledger broke, and its answer was lost')
      return results
    }
  }
}
