import { createSendingShare } from '../../ilp/index.ts'
import type { Ledger, LedgerWriter } from '../../ledger/index.ts'
import type { Clock, Database, Logger, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import type { Connector } from '../connector/model.ts'
import type { PaymentTargets } from '../incoming-payments/index.ts'
import type { Liquidity } from '../liquidity/model.ts'
import type { Quotes } from '../quotes/model.ts'
import type { Paths } from '../quotes/paths.ts'
import type { Receivers } from '../receivers/model.ts'
import type { WalletAddresses } from '../wallet-addresses/model.ts'
import type { Outbox } from '../webhooks/model.ts'
import { createAttemptRunner } from './attempt.ts'
import { createAttempts } from './attempts.ts'
import { createEnding } from './ending.ts'
import { createFunding } from './funding.ts'
import { createLeases } from './lease.ts'
import { createLocalPayments } from './local-payment.ts'
import type { OutgoingPayments } from './model.ts'
import { createPaymentLedger } from './payment-ledger.ts'
import { createSecretBox, createTransmitData } from '../secrets.ts'
import { createSending } from './sending.ts'
import { createOutgoingPaymentService } from './service.ts'
import { createSettlement } from './settlement.ts'
import { createOutgoingPaymentWorker, PAYMENTS_PER_WORKER } from './worker.ts'

export * from './model.ts'

export interface OutgoingPaymentsDependencies {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  ledger: Ledger
  writer: LedgerWriter
  liquidity: Pick<Liquidity, 'accounts'>
  walletAddresses: Pick<WalletAddresses, 'get' | 'byUrl'>
  quotes: Pick<Quotes, 'get' | 'getMany'>
  receivers: Pick<Receivers, 'get'>
  outbox: Outbox
  connector: Pick<Connector, 'senderFor'>
  paths: Pick<Paths, 'forget'>
  /** Of the incoming payments of this node. */
  targets: Pick<PaymentTargets, 'resolve' | 'recount'>
  /** This process, as the owner of leases: a UUID that no other process has or had. */
  incarnationId: string
  config: Pick<
    BackendConfig,
    | 'OPEN_PAYMENTS_URL'
    | 'STREAM_SECRET'
    | 'DB_ENCRYPTION_SECRET'
    | 'OUTGOING_PAYMENT_WORKERS'
    | 'MAX_OUTGOING_PAYMENT_RETRY_ATTEMPTS'
  >
}

export interface RunningOutgoingPayments extends OutgoingPayments {
  /** Starts the worker that sends (unless OUTGOING_PAYMENT_WORKERS is 0). */
  start(): Promise<void>
  /** Stops sending; what is in flight is waited for, in bounded time, and payments are released. */
  stop(graceMs?: number): Promise<void>
}

/** Outgoing payments: `service.ts` is what their APIs see, `attempt.ts` what happens to one that is sent. */
export function createOutgoingPayments(dependencies: OutgoingPaymentsDependencies): RunningOutgoingPayments {
  const { database, config, random, targets } = dependencies
  const ledger = createPaymentLedger(dependencies)
  const leases = createLeases({ ...dependencies, ownerId: dependencies.incarnationId })
  const funding = createFunding({ ...dependencies, ledger })
  const transmitData = createTransmitData(config.DB_ENCRYPTION_SECRET, random)
  const attempts = createAttempts(createSecretBox(config.STREAM_SECRET, 'outgoing payment attempts', random))
  const service = createOutgoingPaymentService({
    ...dependencies,
    ledger,
    transmitData,
    beginNew: (paymentId) => worker.beginNew(paymentId)
  })
  const runner = createAttemptRunner({
    ...dependencies,
    leases,
    funding,
    settlement: createSettlement({ ...dependencies, attempts, ledger }),
    sending: createSending({
      ...dependencies,
      attempts,
      ledger,
      leases,
      transmitData,
      share: createSendingShare()
    }),
    localPayments: createLocalPayments({ ledger: dependencies.ledger, paymentLedger: ledger, targets }),
    ending: createEnding({ ...dependencies, leases, ledger, database }),
    maxAttempts: config.MAX_OUTGOING_PAYMENT_RETRY_ATTEMPTS
  })
  const worker = createOutgoingPaymentWorker({
    ...dependencies,
    leases,
    attempts: runner,
    maxConcurrent: config.OUTGOING_PAYMENT_WORKERS * PAYMENTS_PER_WORKER
  })
  let isStarted = false

  return {
    ...service,
    async start() {
      if (config.OUTGOING_PAYMENT_WORKERS === 0) return
      isStarted = true
      await worker.start()
    },
    async stop(graceMs) {
      if (isStarted) await worker.stop(graceMs)
    }
  }
}
