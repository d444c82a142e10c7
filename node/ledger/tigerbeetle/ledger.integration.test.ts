import { CreateAccountStatus, CreateTransferStatus } from 'tigerbeetle-node'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { describeLedgerContract } from '../contract.ts'
import { ACCOUNT_RESULTS, TRANSFER_RESULTS } from './records.ts'
import { openTigerBeetleUnderTest } from './testing.ts'
import type { TigerBeetleUnderTest } from './testing.ts'

const found = inject('tigerBeetle')

describe.skipIf('missing' in found)('TigerBeetle', () => {
  let cluster: TigerBeetleUnderTest
  beforeAll(() => {
    if ('missing' in found) throw new Error(found.missing)
    cluster = openTigerBeetleUnderTest(found)
  })
  afterAll(() => cluster?.close())

  describeLedgerContract(
    'tigerbeetle',
    async () => ({ ledger: cluster.emptyLedger()[0], clock: cluster.clock }),
    { ownTime: true }
  )
})

describe('the numbers of TigerBeetle’s answers', () => {
  it('are those of the client’s package', () => {
    for (const [results, statuses] of [
      [TRANSFER_RESULTS, CreateTransferStatus as unknown as Record<number, string>],
      [ACCOUNT_RESULTS, CreateAccountStatus as unknown as Record<number, string>]
    ] as const) {
      for (const [number, result] of Object.entries(results)) {
        const name = statuses[Number(number)]!
        const expected =
          name === 'created'
            ? 'ok'
            : name.startsWith('exists_with_different_')
              ? 'exists_with_different_fields'
              : name
        expect([number, result]).toEqual([number, expected])
      }
    }
  })
})
