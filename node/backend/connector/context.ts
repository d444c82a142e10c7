import type { StreamReceiver } from '../../ilp/index.ts'
import type { Ledger, LedgerWriter } from '../../ledger/index.ts'
import type { Cache, Clock, Logger, Random } from '../../runtime/index.ts'
import type { DeliveryTargets } from '../incoming-payments/model.ts'
import type { PartialPaymentGate } from '../partial-payments/model.ts'
import type { Peer, PeerDirectory } from '../peers/model.ts'
import type { Rates } from '../rates/model.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import type { Books } from './books.ts'
import type { ConnectionTotals } from './connection-totals.ts'
import type { Deadlines } from './deadlines.ts'
import type { ConnectorLimits, PeerUsages } from './limits.ts'
import type { Load } from './load.ts'
import type { Orphans } from './orphans.ts'
import type { Refusals } from './refusals.ts'
import type { Step } from './step.ts'
import type { Transport } from './transport.ts'

/** The processes of this service that died, as `incarnation.ts` knows them. */
export interface DeadIncarnations {
  dead(): Promise<readonly bigint[]>
  /** Nothing of it is left in the ledger. */
  forget(id: bigint): Promise<void>
}

/** What a connector is made of. */
export interface ConnectorDependencies {
  tenants: Pick<TenantDirectory, 'get'>
  peers: PeerDirectory
  rates: Pick<Rates, 'ratio' | 'cachedRatio'>
  /** What the STREAM payment tags of this node stand for. */
  deliveryTargets: DeliveryTargets
  streamReceiver: Pick<StreamReceiver, 'readPaymentTag' | 'open'>
  /** Asked about packets with data for incoming payments. Absent: they are taken as any other. */
  partialPayments?: PartialPaymentGate
  writer: LedgerWriter
  ledger: Pick<Ledger, 'queryTransfers' | 'lookupTransfers'>
  transport: Transport
  /** What the processes of this service share totals of STREAM connections through. Absent: this is the only one. */
  cache?: Pick<Cache, 'shareField'>
  /** Tags the reservations of this process (the incarnation's UUID as a number). */
  incarnationId: bigint
  /** Absent: nothing is recovered (a ledger that lives in this process). */
  deadIncarnations?: DeadIncarnations
  clock: Clock
  random: Pick<Random, 'orderedId'>
  logger: Logger
  /** Where not given: DEFAULT_CONNECTOR_LIMITS. */
  limits?: Partial<ConnectorLimits>
  /** Where not given: `pipeline`. Others are for tests that plant defects. */
  steps?: readonly Step[]
}

/** What the steps of the pipeline work with. */
export interface ConnectorContext extends Omit<ConnectorDependencies, 'limits' | 'steps'> {
  limits: ConnectorLimits
  books: Books
  orphans: Orphans
  connectionTotals: ConnectionTotals
  usages: PeerUsages
  load: Load
  refusals: Refusals
  deadlines: Deadlines
  /** The ledger account of a peer. */
  accountIdOf(peer: Peer): bigint
  /** Packets of all sources that are not settled. */
  packetsInFlight: number
  /** Aborted with a ConnectorStoppedError when the connector gives up what is still unsettled. */
  stopped: AbortSignal
}

/** Resolves to undefined when the wall clock reaches `deadlineMs` before `promise` settles. */
export function beforeDeadline<T>(
  { clock, deadlines }: Pick<ConnectorContext, 'clock' | 'deadlines'>,
  deadlineMs: number,
  promise: Promise<T>
): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const deadline = deadlines.at(deadlineMs, () => resolve(undefined))
    promise.then(
      (result) => {
        deadline.cancel()
        // The deadline may be called late, the clock is not.
        resolve(clock.nowMs() < deadlineMs ? result : undefined)
      },
      (error: unknown) => {
        deadline.cancel()
        reject(error as Error)
      }
    )
  })
}
