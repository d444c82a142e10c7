import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { isLongRun, testCount } from '../../../test-counts.ts'
import { createManualClock } from '../../runtime/index.ts'
import { ledgerHistory, runBesideModel, withoutTime } from '../model-based.ts'
import type { CreateTransferResult } from '../model.ts'
import { openTigerBeetleUnderTest } from './testing.ts'
import type { TigerBeetleUnderTest } from './testing.ts'

const found = inject('tigerBeetle')

const MAX_COMMANDS_PER_HISTORY = 200
/** A history has half of the commands that it may have, on average. */
const HISTORIES = testCount('ledgerCommands') / (MAX_COMMANDS_PER_HISTORY / 2)
const TIMEOUT_MS = isLongRun ? 3_600_000 : 180_000

describe.skipIf('missing' in found)('the TigerBeetle ledger beside the model', () => {
  let cluster: TigerBeetleUnderTest
  beforeAll(() => {
    if ('missing' in found) throw new Error(found.missing)
    cluster = openTigerBeetleUnderTest(found)
  })
  afterAll(() => cluster?.close())

  it('answers every history as the model does', { timeout: TIMEOUT_MS }, async () => {
    const seen = new Map<CreateTransferResult, number>()
    await fc.assert(
      fc.asyncProperty(ledgerHistory(MAX_COMMANDS_PER_HISTORY), (history) =>
        runBesideModel(withoutTime(history), {
          processes: cluster.emptyLedger(),
          clock: createManualClock(),
          onBatch(_, results) {
            for (const result of results) seen.set(result, (seen.get(result) ?? 0) + 1)
          }
        })
      ),
      { numRuns: HISTORIES, interruptAfterTimeLimit: TIMEOUT_MS * 0.8, markInterruptAsFailure: true }
    )
    const often: CreateTransferResult[] = [
      'ok',
      'exists',
      'exists_with_different_fields',
      'id_already_failed',
      'linked_event_failed',
      'linked_event_chain_open',
      'exceeds_credits',
      'amount_must_not_exceed_64_bits',
      'pending_transfer_not_found',
      'pending_transfer_already_posted',
      'pending_transfer_already_voided'
    ]
    expect([...seen.keys()]).toEqual(expect.arrayContaining(often))
  })
})
