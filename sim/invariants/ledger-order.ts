import type { AuditableLedger } from '../../node/ledger/index.ts'
import { PropertyViolation } from '../scenarios/scenario.ts'

const PAGE = 1_000

/**
 * Transfers of a ledger have an order that never starts again: no two have one timestamp, whatever restarts and
 * upgrades lie between them. Looked at where all money enters and leaves: the settlement accounts.
 *
 * @throws PropertyViolation
 */
export async function requireLedgerOrder(node: string, ledger: AuditableLedger): Promise<void> {
  const seen = new Set<bigint>()
  for (const totals of await ledger.totals()) {
    for (const side of ['debit', 'credit'] as const) {
      let after: bigint | undefined
      for (;;) {
        // A settlement account's id is the ledger's number (facts 5.4).
        const page = await ledger.queryTransfers({
          accountId: BigInt(totals.ledger),
          side,
          order: 'oldestFirst',
          limit: PAGE,
          ...(after !== undefined && { after })
        })
        for (const { id, timestamp } of page) {
          if (seen.has(timestamp)) {
            const message = `${node}: transfer ${id.toString(16)} has the timestamp ${timestamp} of another`
            throw new PropertyViolation('ledger order', message)
          }
          seen.add(timestamp)
        }
        if (page.length < PAGE) break
        after = page.at(-1)!.timestamp
      }
    }
  }
}
