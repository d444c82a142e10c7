import { afterEach, describe } from 'vitest'
import { describeAccounts } from './contract/accounts.ts'
import { describeChains } from './contract/chains.ts'
import { createContractKit } from './contract/kit.ts'
import type { LedgerUnderTest } from './contract/kit.ts'
import { describeQueries } from './contract/queries.ts'
import { describeTransfers } from './contract/transfers.ts'
import { describeExactTimeouts, describeTwoPhase } from './contract/two-phase.ts'
import type { AuditableLedger } from './model.ts'

/**
 * What every store must do, example by example. `create` gives an empty ledger. `ownTime`: the store keeps its
 * time itself, so that advancing its clock means waiting.
 */
export function describeLedgerContract(
  name: string,
  create: () => Promise<LedgerUnderTest>,
  { ownTime = false }: { ownTime?: boolean } = {}
): void {
  describe(`${name}: the ledger contract`, () => {
    let opened: AuditableLedger | undefined
    const kit = createContractKit(create, (ledger) => {
      opened = ledger
    })
    afterEach(async () => {
      await opened?.close()
      opened = undefined
    })

    describeAccounts(kit)
    describeTransfers(kit)
    describeTwoPhase(kit)
    if (!ownTime) describeExactTimeouts(kit)
    describeChains(kit)
    describeQueries(kit)
  })
}
