import { AccountCode, MAX_AMOUNT } from '../../ledger/index.ts'
import { uuidToId } from '../../runtime/index.ts'
import type { Clock, Database, Logger, Timer } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { Liquidity } from '../liquidity/model.ts'
import { isUuid } from '../sql.ts'
import { takesMoney } from './approval.ts'
import type { Admission, DeliveryTarget, DeliveryTargets, IncomingPaymentState } from './model.ts'
import type { Progress } from './progress.ts'
import { isOpen, TABLE } from './store.ts'
import type { IncomingPaymentRow } from './store.ts'
import type { SharedAdmission, SharedAdmissions } from './shared-admission.ts'

/** Targets that are remembered; beyond it the one that was resolved longest ago and is idle is forgotten. */
export const MAX_CACHED_TARGETS = 10_000
/** While money arrives, the ledger's total is read this often: other processes may be booking too. */
export const RECOUNT_INTERVAL_MS = 1_000
/** A state that could not be moved on is tried again after this long. */
export const ADVANCE_RETRY_MS = 1_000

export interface PaymentTargets extends DeliveryTargets {
  /** Minor units that were admitted in this process and neither posted nor released yet. */
  booking(id: string): bigint
  /** Closes it in this process at once; other processes hear of it by notification. */
  closed(id: string, state: 'COMPLETED' | 'EXPIRED'): void
  /** Credits were booked past `posted`: reads the ledger's total and moves the state on. */
  recount(id: string): Promise<void>
  /** The row changed. */
  refresh(id: string): Promise<void>
  /** Notifications may have been lost. */
  refreshAll(): Promise<void>
  stop(): void
}

interface Target extends DeliveryTarget {
  state: IncomingPaymentState
  expiresAtMs: number
  /** Cancelled by its wallet, or not approved yet. */
  isHeld: boolean
  received: bigint
  /** Admitted, neither posted nor released. */
  booking: bigint
  /** Admitted at all, ever: tells what became in flight during a look at the ledger. */
  admittedInAll: bigint
  /** Counts with the other processes, where there may be some and the amount is limited. */
  readonly shared: SharedAdmission | undefined
  advancing: Promise<void> | undefined
  advanceAgain: boolean
  timer: Timer | undefined
}

export function createDeliveryTargets({
  database,
  clock,
  logger,
  assets,
  liquidity,
  progress,
  sharedAdmissions
}: {
  database: Database
  clock: Clock
  logger: Logger
  assets: { find(id: string): Promise<Asset | undefined> }
  liquidity: Pick<Liquidity, 'ensureAccount' | 'accounts'>
  progress: Progress
  /** Absent: no other process delivers. */
  sharedAdmissions?: SharedAdmissions
}): PaymentTargets {
  /** In the order of their last resolution, the oldest first. */
  const targets = new Map<string, Target>()
  const loading = new Map<string, Promise<Target | undefined>>()
  let stopped = false

  async function resolve(paymentTag: string): Promise<DeliveryTarget | undefined> {
    const id = paymentTag.toLowerCase()
    const known = targets.get(id)
    if (known) {
      targets.delete(id)
      targets.set(id, known)
      return known
    }
    if (!isUuid(id)) return undefined
    let load = loading.get(id)
    if (!load) {
      load = loadTarget(id).finally(() => loading.delete(id))
      loading.set(id, load)
    }
    return load
  }

  async function loadTarget(id: string): Promise<Target | undefined> {
    const row = await readRow(id)
    if (row === undefined) return undefined
    const asset = await assets.find(row.assetId)
    if (asset === undefined) throw new Error(`incoming payment ${id} has the unknown asset ${row.assetId}`)
    const isNew =
      isOpen(row.state) &&
      (await liquidity.ensureAccount({ id, asset, code: AccountCode.LIQUIDITY_INCOMING }))
    const target = createTarget(row, asset, isNew ? 0n : await ledgerTotal(id))
    targets.set(id, target)
    forgetIdle()
    return target
  }

  function readRow(id: string): Promise<IncomingPaymentRow | undefined> {
    return database.knex<IncomingPaymentRow>(TABLE).where({ id }).first()
  }

  async function ledgerTotal(id: string): Promise<bigint> {
    const [account] = await liquidity.accounts([id])
    return account?.creditsPosted ?? 0n
  }

  function createTarget(row: IncomingPaymentRow, asset: Asset, total: bigint): Target {
    const accountId = uuidToId(row.id)
    const receiveMax = row.incomingAmountValue ?? undefined
    const shared =
      receiveMax === undefined
        ? undefined
        : sharedAdmissions?.of({ id: row.id, accountId, receiveMax, received: total })
    const target: Target = {
      kind: 'incomingPayment',
      id: row.id,
      tenantId: row.tenantId,
      asset,
      accountId,
      state: row.state,
      expiresAtMs: row.expiresAt.getTime(),
      isHeld: isHeld(row),
      received: total,
      receiveMax,
      booking: 0n,
      admittedInAll: 0n,
      shared,
      advancing: undefined,
      advanceAgain: false,
      timer: undefined,
      get isClosed() {
        return target.isHeld || !isOpen(target.state) || clock.nowMs() >= target.expiresAtMs
      },
      admit(amount) {
        if (target.isClosed) return 'closed'
        const taken = target.received + target.booking
        if (receiveMax !== undefined && taken >= receiveMax) return 'full'
        // Its wallet withdraws it by one transfer, whatever it asked for.
        if (taken + amount > MAX_AMOUNT) return 'full'
        if (shared) return admitAmongAll(target, shared, amount)
        book(target, amount)
        return 'admitted'
      },
      learned(received) {
        if (received <= target.received) return
        target.received = received
        const { state } = target
        if (isOpen(state) && receiveMax !== undefined && received >= receiveMax) advanceInBackground(target)
      },
      posted(amount, tag) {
        shared?.posted(amount, tag)
        target.booking -= amount
        target.received += amount
        const { state } = target
        if (state !== 'PROCESSING' || (receiveMax !== undefined && target.received >= receiveMax)) {
          advanceInBackground(target)
        } else if (receiveMax !== undefined) {
          advanceLater(target, RECOUNT_INTERVAL_MS)
        }
      },
      released(amount) {
        shared?.released(amount)
        target.booking -= amount
      }
    }
    return target
  }

  function book(target: Target, amount: bigint): void {
    target.booking += amount
    target.admittedInAll += amount
  }

  async function admitAmongAll(target: Target, shared: SharedAdmission, amount: bigint): Promise<Admission> {
    const claim = await shared.claim(amount)
    if (claim === 'admitted') {
      if (target.isClosed) {
        shared.released(amount)
        return 'closed'
      }
      book(target, amount)
    }
    target.learned(shared.settled)
    return claim
  }

  /**
   * Reads the ledger's total. What is in flight meanwhile may or may not be in it, and is added when it is
   * posted: it is left out here, so that nothing counts twice. The total shown never shrinks.
   */
  async function recountTarget(target: Target): Promise<bigint> {
    const inFlight = target.booking
    const admittedBefore = target.admittedInAll
    const total = await ledgerTotal(target.id)
    const known = total - inFlight - (target.admittedInAll - admittedBefore)
    if (known > target.received) target.received = known
    return total
  }

  async function advance(target: Target): Promise<void> {
    const total = await recountTarget(target)
    const state = await progress.moveOn({ ...target, incomingAmount: target.receiveMax }, total)
    if (isOpen(target.state)) target.state = state
  }

  /** One at a time for each target: what is posted meanwhile is looked at in one more round. */
  function advanceInBackground(target: Target): void {
    if (target.advancing) {
      target.advanceAgain = true
      return
    }
    target.timer?.cancel()
    target.timer = undefined
    target.advancing = advance(target).then(
      () => {
        target.advancing = undefined
        if (!target.advanceAgain) return
        target.advanceAgain = false
        advanceInBackground(target)
      },
      (error: unknown) => {
        target.advancing = undefined
        target.advanceAgain = false
        if (stopped) return
        logger.error({ err: error, incomingPaymentId: target.id }, 'a credited payment could not be moved on')
        advanceLater(target, ADVANCE_RETRY_MS)
      }
    )
  }

  function advanceLater(target: Target, delayMs: number): void {
    if (stopped || target.timer) return
    target.timer = clock.setTimer(delayMs, () => {
      target.timer = undefined
      advanceInBackground(target)
    })
  }

  function apply(target: Target, row: IncomingPaymentRow | undefined): void {
    if (row === undefined) return void targets.delete(target.id)
    target.expiresAtMs = row.expiresAt.getTime()
    target.isHeld = isHeld(row)
    // A state that moved on in this process is never taken back by an older look at the row.
    if (isOpen(target.state) && !(target.state === 'PROCESSING' && row.state === 'PENDING')) {
      target.state = row.state
    }
  }

  function forgetIdle(): void {
    if (targets.size <= MAX_CACHED_TARGETS) return
    for (const [id, target] of targets) {
      if (target.booking > 0n || target.shared?.isBusy || target.advancing || target.timer) continue
      targets.delete(id)
      if (targets.size <= MAX_CACHED_TARGETS) return
    }
  }

  return {
    resolve,
    booking: (id) => targets.get(id)?.booking ?? 0n,
    closed(id, state) {
      const target = targets.get(id)
      if (target && isOpen(target.state)) target.state = state
    },
    async recount(id) {
      const target = (await resolve(id)) as Target | undefined
      if (target) await advance(target)
    },
    async refresh(id) {
      await loading.get(id)
      const target = targets.get(id)
      // Of one that was closed nothing changes any more; this process may have closed it.
      if (target && isOpen(target.state)) apply(target, await readRow(id))
    },
    async refreshAll() {
      const open = [...targets.values()].filter((target) => isOpen(target.state))
      for (let start = 0; start < open.length; start += 1_000) {
        const some = open.slice(start, start + 1_000)
        const rows = await database.knex<IncomingPaymentRow>(TABLE).whereIn(
          'id',
          some.map((target) => target.id)
        )
        const byId = new Map(rows.map((row) => [row.id, row]))
        for (const target of some) apply(target, byId.get(target.id))
      }
    },
    stop() {
      stopped = true
      sharedAdmissions?.stop()
      for (const target of targets.values()) target.timer?.cancel()
    }
  }
}

function isHeld(row: IncomingPaymentRow): boolean {
  return isOpen(row.state) && !takesMoney(row)
}
