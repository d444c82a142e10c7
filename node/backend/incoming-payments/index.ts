import type { StreamReceiver } from '../../ilp/index.ts'
import type { Clock, Database, Logger, Random } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { BackendConfig } from '../config.ts'
import type { Liquidity } from '../liquidity/model.ts'
import { Channel } from '../model.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import type { WalletAddresses } from '../wallet-addresses/model.ts'
import type { Outbox } from '../webhooks/model.ts'
import { createApprovals } from './approval.ts'
import { createDeliveryTargets } from './delivery-targets.ts'
import type { PaymentTargets } from './delivery-targets.ts'
import type { IncomingPayments } from './model.ts'
import { createProgress, SETTLE_DELAY_MS } from './progress.ts'
import { createIncomingPaymentService } from './service.ts'
import type { SharedAdmissions } from './shared-admission.ts'
import { postponeEvent } from './store.ts'
import { createIncomingPaymentWorker } from './worker.ts'

export type { PaymentTargets } from './delivery-targets.ts'
export * from './model.ts'
export { createSharedAdmissions } from './shared-admission.ts'

export interface IncomingPaymentsDependencies {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  /** The asset directory, which reads what this process has not heard of yet. */
  assets: { find(id: string): Promise<Asset | undefined> }
  tenants: TenantDirectory
  walletAddresses: Pick<WalletAddresses, 'get'>
  liquidity: Pick<Liquidity, 'ensureAccount' | 'accounts'>
  outbox: Outbox
  streamReceiver: Pick<StreamReceiver, 'createCredentials'>
  /** Absent: no other process of the service receives payments. */
  sharedAdmissions?: SharedAdmissions
  config: Pick<
    BackendConfig,
    | 'OPEN_PAYMENTS_URL'
    | 'INCOMING_PAYMENT_EXPIRY_MAX_MS'
    | 'INCOMING_PAYMENT_WORKERS'
    | 'POLL_INCOMING_PAYMENT_CREATED_WEBHOOK'
    | 'INCOMING_PAYMENT_CREATED_POLL_TIMEOUT_MS'
    | 'INCOMING_PAYMENT_CREATED_POLL_FREQUENCY_MS'
  >
}

export interface RunningIncomingPayments extends IncomingPayments {
  /** What the connector delivers to. */
  readonly targets: PaymentTargets
  /** Listens for changes and starts the worker (unless INCOMING_PAYMENT_WORKERS is 0). */
  start(): Promise<void>
  stop(): Promise<void>
}

/** Incoming payments with their delivery targets and the worker that ends them. */
export function createIncomingPayments(dependencies: IncomingPaymentsDependencies): RunningIncomingPayments {
  const { database, clock, logger, config } = dependencies
  const closedHere = createOwnClosings()
  const progress = createProgress({
    database,
    clock,
    logger,
    onClosed: (id) => closedHere.add(id),
    onDueAt: (atMs) => worker.wakeAt(atMs)
  })
  const targets = createDeliveryTargets({ ...dependencies, progress })
  const worker = createIncomingPaymentWorker({ ...dependencies, targets, progress })
  const approvals = createApprovals(dependencies)
  const service = createIncomingPaymentService({
    ...dependencies,
    approvals,
    onActed: (id) => targets.refresh(id),
    onDueAt: (atMs) => worker.wakeAt(atMs),
    onClosed(id, state) {
      closedHere.add(id)
      targets.closed(id, state)
    }
  })
  let unlisten: (() => Promise<void>) | undefined
  let isStarted = false

  async function onChange(id: string): Promise<void> {
    approvals.changed(id)
    await targets.refresh(id)
    await holdEventBack(id)
    // Of what this process closed itself the worker knows already when the event is due.
    if (!closedHere.take(id)) worker.wake()
  }

  /**
   * What this process admitted before it heard of the closing belongs into the event. It is put off well before
   * it is due, again and again until all is booked: another process's worker does not know what we book.
   */
  async function holdEventBack(id: string): Promise<void> {
    while (isStarted && targets.booking(id) > 0n) {
      const isClosed = await postponeEvent(database.knex, id, new Date(clock.nowMs() + SETTLE_DELAY_MS))
      if (!isClosed) return
      await clock.sleep(SETTLE_DELAY_MS / 2)
    }
  }

  function inBackground(what: string, work: Promise<void>): void {
    work.catch((error: unknown) => {
      logger.error({ err: error }, `${what} could not be read; the sweep will`)
    })
  }

  return {
    ...service,
    targets,
    async start() {
      isStarted = true
      unlisten = await database.listen(
        Channel.INCOMING_PAYMENT_CHANGED,
        (id) => inBackground('a changed incoming payment', onChange(id)),
        () => {
          approvals.changed()
          inBackground('changed incoming payments', targets.refreshAll())
        }
      )
      if (config.INCOMING_PAYMENT_WORKERS > 0) worker.start()
    },
    async stop() {
      isStarted = false
      approvals.stop()
      await unlisten?.()
      targets.stop()
      await worker.stop()
    }
  }
}

/** Closings of this process whose notification has not come back; beyond it the oldest are forgotten. */
export const MAX_OWN_CLOSINGS = 10_000

/** Payments that this process closed, until it is told of it like the others. */
function createOwnClosings() {
  const ids = new Set<string>()
  return {
    add(id: string): void {
      ids.add(id)
      const [oldest] = ids
      if (ids.size > MAX_OWN_CLOSINGS && oldest !== undefined) ids.delete(oldest)
    },
    take: (id: string) => ids.delete(id)
  }
}
