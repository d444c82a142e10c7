import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { isLongRun, testCount } from '../../../test-counts.ts'
import { ledgerHistory, runBesideModel } from '../model-based.ts'
import type { CreateTransferResult } from '../model.ts'
import { createPlainBatch, createReservationMemory, reservationOf } from './plain-batch.ts'
import { createLedgerDatabase } from './testing.ts'
import type { LedgerDatabase } from './testing.ts'

const MAX_COMMANDS_PER_HISTORY = 200
/** A history has half of the commands that it may have, on average. */
const HISTORIES = testCount('ledgerCommands') / (MAX_COMMANDS_PER_HISTORY / 2)
const TIMEOUT_MS = isLongRun ? 3_600_000 : 120_000

describe('the PostgreSQL ledger beside the model', () => {
  let server: LedgerDatabase
  beforeAll(async () => {
    server = await createLedgerDatabase(inject('postgresUrl'))
  })
  afterAll(() => server?.drop())

  it('answers every history as the model does', { timeout: TIMEOUT_MS }, async () => {
    let plainBatches = 0
    let plainBatchesWithEnds = 0
    const seen = new Map<CreateTransferResult, number>()
    await fc.assert(
      fc.asyncProperty(ledgerHistory(MAX_COMMANDS_PER_HISTORY), async (history) => {
        const { ledger, other, clock } = await server.emptyLedger()
        const reservations = createReservationMemory(MAX_COMMANDS_PER_HISTORY * 100)
        await runBesideModel(history, {
          processes: [ledger, other],
          clock,
          onBatch(transfers, results) {
            for (const result of results) seen.set(result, (seen.get(result) ?? 0) + 1)
            const batch = createPlainBatch(reservations.get)
            for (const transfer of transfers) batch.add(transfer)
            const plain = batch.finish()
            if (plain && results.every((result) => result === 'ok')) {
              plainBatches += 1
              if (plain.ended.length > 0) plainBatchesWithEnds += 1
            }
            for (const [index, transfer] of transfers.entries()) {
              if (results[index] !== 'ok' || !transfer.flags?.pending || transfer.flags.balancingDebit)
                continue
              reservations.add(transfer.id, reservationOf(transfer))
            }
          }
        })
      }),
      // A failure is reported with what shrinking reached by then.
      { numRuns: HISTORIES, interruptAfterTimeLimit: TIMEOUT_MS * 0.8, markInterruptAsFailure: true }
    )
    // The histories reach what matters, and both ways of the store: each of these comes up dozens of times.
    const often: CreateTransferResult[] = [
      'ok',
      'exists',
      'exists_with_different_fields',
      'id_already_failed',
      'linked_event_failed',
      'linked_event_chain_open',
      'exceeds_credits',
      'pending_transfer_not_found',
      'pending_transfer_already_posted',
      'pending_transfer_already_voided',
      'pending_transfer_expired'
    ]
    expect([...seen.keys()]).toEqual(expect.arrayContaining(often))
    expect(plainBatches).toBeGreaterThan(HISTORIES)
    expect(plainBatchesWithEnds).toBeGreaterThan(HISTORIES / 10)
  })
})
