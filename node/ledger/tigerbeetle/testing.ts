import { createSystemRuntime } from '../../runtime/index.ts'
import type { Runtime } from '../../runtime/index.ts'
import { ID_MAX } from '../model.ts'
import type { AuditableLedger, NewAccount, NewTransfer, Transfer, TransferFilter } from '../model.ts'
import { createTotals } from '../totals.ts'
import { createTigerBeetleLedger } from './ledger.ts'

/** Empty ledgers for tests, all in one cluster: nothing can be deleted there, so each has ids of its own. */
export interface TigerBeetleUnderTest {
  /** All that the cluster holds. */
  whole: AuditableLedger
  /** A ledger that looks empty, whatever else the cluster holds, as two processes have it. */
  emptyLedger(): [AuditableLedger, AuditableLedger]
  /** The same, and as another process has it, whose ledger `third` is. */
  emptyLedgerWith(third: AuditableLedger): [AuditableLedger, AuditableLedger, AuditableLedger]
  /** Advancing it means waiting: the cluster has no clock that one could move. */
  clock: { nowMs(): number; advance(byMs: number): Promise<void> }
  close(): Promise<void>
}

export function openTigerBeetleUnderTest({
  clusterId,
  addresses
}: {
  clusterId: string
  addresses: readonly string[]
}): TigerBeetleUnderTest {
  const runtime: Runtime = createSystemRuntime({ name: 'test', logLevel: 'warn' })
  const openLedger = () =>
    createTigerBeetleLedger({
      ...runtime,
      open: () => runtime.openTigerBeetle({ clusterId: BigInt(clusterId), addresses }),
      requestTimeoutMs: 60_000
    })
  const processes = [openLedger(), openLedger()] as const
  // Cheap to tell apart, and new in every run, for a cluster of the environment keeps what former runs left.
  const firstSpace = runtime.random.bytes(3).readUIntBE(0, 3) + 1
  let spaces = 0
  const newSpace = () => ({ number: firstSpace + spaces++, accountIds: new Set<bigint>() })
  return {
    whole: processes[0],
    emptyLedger() {
      const space = newSpace()
      return [createLedgerSpace(processes[0], space), createLedgerSpace(processes[1], space)]
    },
    emptyLedgerWith(third) {
      const space = newSpace()
      const [first, second] = processes
      return [
        createLedgerSpace(first, space),
        createLedgerSpace(second, space),
        createLedgerSpace(third, space)
      ]
    },
    clock: {
      nowMs: runtime.clock.nowMs,
      // Machine and cluster share their clock in tests; some milliseconds for the cluster's own steps.
      advance: (byMs) => runtime.clock.sleep(byMs + 20)
    },
    async close() {
      for (const ledger of processes) await ledger.close()
      runtime.kill()
    }
  }
}

/**
 * A part of a ledger that looks like a whole one. Ids, tags and ledger numbers are moved apart by the number of
 * the space; 0 and the largest id keep their meaning.
 */
function createLedgerSpace(
  whole: AuditableLedger,
  { number, accountIds }: { number: number; accountIds: Set<bigint> }
): AuditableLedger {
  const idStep = BigInt(number) << 64n
  const ledgerStep = number * 16
  const moveTag = (tag: bigint) => (tag <= 0n ? tag : tag >> 127n === 0n ? tag + idStep : tag - idStep)
  const moveTagBack = (tag: bigint) => (tag === 0n ? 0n : tag >> 127n === 0n ? tag - idStep : tag + idStep)
  const moveId = (id: bigint) => (id === ID_MAX ? id : moveTag(id))
  const moveIdBack = (id: bigint) => (id === ID_MAX ? id : moveTagBack(id))
  const moveLedger = (ledger: number) =>
    ledger === 0 ? 0 : ledger < 2 ** 31 ? ledger + ledgerStep : ledger - ledgerStep
  const moveLedgerBack = (ledger: number) =>
    ledger === 0 ? 0 : ledger < 2 ** 31 ? ledger - ledgerStep : ledger + ledgerStep

  const moveAccount = (account: NewAccount): NewAccount => ({
    ...account,
    id: moveId(account.id),
    ledger: moveLedger(account.ledger),
    userData128: moveTag(account.userData128 ?? 0n)
  })
  const moveTransfer = (transfer: NewTransfer): NewTransfer => ({
    ...transfer,
    id: moveId(transfer.id),
    debitAccountId: moveId(transfer.debitAccountId),
    creditAccountId: moveId(transfer.creditAccountId),
    pendingId: moveId(transfer.pendingId ?? 0n),
    ledger: moveLedger(transfer.ledger),
    userData128: moveTag(transfer.userData128 ?? 0n)
  })
  const moveTransferBack = (transfer: Transfer): Transfer => ({
    ...transfer,
    id: moveIdBack(transfer.id),
    debitAccountId: moveIdBack(transfer.debitAccountId),
    creditAccountId: moveIdBack(transfer.creditAccountId),
    pendingId: moveIdBack(transfer.pendingId),
    ledger: moveLedgerBack(transfer.ledger),
    userData128: moveTagBack(transfer.userData128)
  })

  async function lookupAccounts(ids: readonly bigint[]) {
    return (await whole.lookupAccounts(ids.map(moveId))).map(
      (account) =>
        account && {
          ...account,
          id: moveIdBack(account.id),
          ledger: moveLedgerBack(account.ledger),
          userData128: moveTagBack(account.userData128)
        }
    )
  }

  /** Without an account a query would see other spaces: each account of this one is asked for instead. */
  async function queryAllAccounts(filter: TransferFilter): Promise<Transfer[]> {
    const pages = await Promise.all(
      [...accountIds].map((accountId) => whole.queryTransfers({ ...filter, accountId: moveId(accountId) }))
    )
    const byId = new Map(pages.flat().map((transfer) => [transfer.id, transfer]))
    const sign = filter.order === 'newestFirst' ? -1 : 1
    return [...byId.values()]
      .sort((a, b) => sign * (a.timestamp < b.timestamp ? -1 : 1))
      .slice(0, filter.limit)
  }

  return {
    createAccounts(accounts) {
      for (const { id } of accounts) if (id > 0n && id < ID_MAX) accountIds.add(id)
      return whole.createAccounts(accounts.map(moveAccount))
    },
    createTransfers: (transfers) => whole.createTransfers(transfers.map(moveTransfer)),
    lookupAccounts,
    async lookupTransfers(ids) {
      const found = await whole.lookupTransfers(ids.map(moveId))
      return found.map((transfer) => transfer && moveTransferBack(transfer))
    },
    pendingStates: (ids) => whole.pendingStates(ids.map(moveId)),
    async queryTransfers({ accountId, userData128, ...rest }) {
      const filter = { ...rest, ...(userData128 !== undefined && { userData128: moveTag(userData128) }) }
      const found =
        accountId === undefined
          ? await queryAllAccounts(filter)
          : await whole.queryTransfers({ ...filter, accountId: moveId(accountId) })
      return found.map(moveTransferBack)
    },
    sweepExpired: () => whole.sweepExpired(),
    async totals() {
      const totals = createTotals()
      for (const account of await lookupAccounts([...accountIds])) if (account) totals.add(account)
      return totals.all()
    },
    // The whole ledger stays open for other spaces.
    close: async () => undefined
  }
}
