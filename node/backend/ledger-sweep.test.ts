import { expect, it } from 'vitest'
import { createMemoryLedger, TransferCode } from '../ledger/index.ts'
import { createLogger, createManualClock } from '../runtime/index.ts'
import { createLedgerSweep, LEDGER_SWEEP_DELAY_MS } from './ledger-sweep.ts'

it('frees what a packet’s reservation held within seconds of its timeout, whenever it was made', async () => {
  const clock = createManualClock()
  const ledger = createMemoryLedger({ clock })
  const logger = createLogger({ name: 'test', level: 'silent', write: () => undefined })
  const sweep = createLedgerSweep({ ledger, clock, logger })
  await ledger.createAccounts([1n, 2n].map((id) => ({ id, ledger: 1, code: 1 })))
  sweep.start()
  for (const [id, timeoutS] of [
    [1n, 65],
    [2n, 60],
    [3n, 90]
  ] as const) {
    await clock.advance(1_700)
    const transfer = {
      id,
      debitAccountId: 1n,
      creditAccountId: 2n,
      amount: 5n,
      ledger: 1,
      code: TransferCode.TRANSFER,
      timeoutS,
      flags: { pending: true }
    }
    expect(await ledger.createTransfers([transfer])).toEqual(['ok'])
    const [held] = await ledger.lookupAccounts([1n])
    expect(held!.debitsPending).toBe(5n)
    await clock.advance(timeoutS * 1_000 + LEDGER_SWEEP_DELAY_MS)
    const [freed] = await ledger.lookupAccounts([1n])
    expect(freed!.debitsPending).toBe(0n)
  }
  await sweep.stop()
})
