import type { Account, LedgerTotals } from './model.ts'

/** Adds accounts up, ledger by ledger: for stores that cannot let a database do it. */
export function createTotals(): { add(account: Account): void; all(): LedgerTotals[] } {
  const byLedger = new Map<number, LedgerTotals>()
  return {
    add({ id, ledger, flags, debitsPending, debitsPosted, creditsPending, creditsPosted }) {
      let sums = byLedger.get(ledger)
      if (!sums) {
        sums = {
          ledger,
          debitsPosted: 0n,
          creditsPosted: 0n,
          debitsPending: 0n,
          creditsPending: 0n,
          overdrawnAccountIds: []
        }
        byLedger.set(ledger, sums)
      }
      sums.debitsPosted += debitsPosted
      sums.creditsPosted += creditsPosted
      sums.debitsPending += debitsPending
      sums.creditsPending += creditsPending
      const overdrawn =
        (flags.debitsMustNotExceedCredits && debitsPending + debitsPosted > creditsPosted) ||
        (flags.creditsMustNotExceedDebits && creditsPending + creditsPosted > debitsPosted)
      if (overdrawn) sums.overdrawnAccountIds.push(id)
    },
    all() {
      for (const sums of byLedger.values())
        sums.overdrawnAccountIds.sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
      return [...byLedger.values()].sort((a, b) => a.ledger - b.ledger)
    }
  }
}
