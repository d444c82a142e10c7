import { createManualClock } from '../../runtime/index.ts'
import { describeLedgerContract } from '../contract.ts'
import { createMemoryLedger } from './ledger.ts'

describeLedgerContract('memory', async () => {
  const clock = createManualClock()
  return { ledger: createMemoryLedger({ clock }), clock }
})
