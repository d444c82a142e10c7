import { describe, expect, it } from 'vitest'
import type { AuditableLedger, Transfer } from '../../node/ledger/index.ts'
import { requireLedgerOrder } from './ledger-order.ts'

describe('the order of a ledger', () => {
  const ledgerOf = (debits: bigint[], credits: bigint[]) =>
    ({
      totals: async () => [{ ledger: 1 }],
      queryTransfers: async ({ side }: { side: 'debit' | 'credit' }) =>
        (side === 'debit' ? debits : credits).map((timestamp) => ({ id: timestamp, timestamp }) as Transfer)
    }) as unknown as AuditableLedger

  it('is a number of its own for each transfer', async () => {
    await expect(requireLedgerOrder('acacia', ledgerOf([1n, 3n], [2n]))).resolves.toBeUndefined()
  })

  it('is violated where numbers begin again', async () => {
    await expect(requireLedgerOrder('acacia', ledgerOf([1n, 3n], [2n, 3n]))).rejects.toThrow(
      'ledger order: acacia: transfer 3 has the timestamp 3 of another'
    )
  })
})
