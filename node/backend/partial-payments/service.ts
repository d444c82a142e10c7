import type { Cache, Clock, Database, Logger, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { incomingPaymentData } from '../incoming-payments/events.ts'
import type { IncomingPayment } from '../incoming-payments/model.ts'
import { isOpen } from '../incoming-payments/store.ts'
import { Channel, failure, notify } from '../model.ts'
import type { TransmitData } from '../secrets.ts'
import type { Outbox } from '../webhooks/model.ts'
import { DeclineReason } from './model.ts'
import type { PartialPaymentDecision, PartialPaymentGate, PartialPayments } from './model.ts'

export interface PartialPaymentsDependencies {
  database: Database
  cache: Cache
  clock: Clock
  random: Random
  logger: Logger
  outbox: Outbox
  incomingPayments: { get(id: string): Promise<IncomingPayment | undefined> }
  /** How the sender's data lies in the event's row. */
  transmitData: TransmitData
  config: Pick<
    BackendConfig,
    'PARTIAL_PAYMENT_DECISION_MAX_WAIT_MS' | 'PARTIAL_PAYMENT_DECISION_SAFETY_MARGIN_MS'
  >
}

export interface RunningPartialPayments extends PartialPayments, PartialPaymentGate {
  start(): Promise<void>
  stop(): Promise<void>
}

/** A decision is kept so much longer than anybody waits for it. */
const DECISION_MARGIN_MS = 60_000

interface StoredDecision {
  success: boolean
  reason?: string
}

/**
 * Decisions travel from the process that hears the wallet to the one that holds the packet: through the cache,
 * announced by a notification, so that nobody polls.
 */
export function createPartialPayments(dependencies: PartialPaymentsDependencies): RunningPartialPayments {
  const { database, cache, clock, random, logger, outbox, incomingPayments, transmitData, config } =
    dependencies
  /** What waits here, by the partial payment's id: looks for its decision. */
  const waiting = new Map<string, () => void>()
  let unlisten: (() => Promise<void>) | undefined

  async function ask(
    payment: IncomingPayment,
    partialIncomingPaymentId: string,
    dataFromSender: Buffer
  ): Promise<void> {
    await database.transaction(async (trx) => {
      await outbox.add(trx, {
        type: 'incoming_payment.partial_payment_received',
        tenantId: payment.tenantId,
        data: {
          ...incomingPaymentData(payment, 0n),
          partialIncomingPaymentId,
          dataFromSender: transmitData.write(dataFromSender.toString('utf8'))
        },
        resource: { kind: 'incomingPayment', id: payment.id },
        alsoToPointOfSale: payment.initiatedBy === 'CARD'
      })
    })
  }

  /** The stored decision, or undefined where there is none by `deadlineMs` (wall clock). */
  function awaitDecision(key: string, id: string, deadlineMs: number): Promise<StoredDecision | undefined> {
    return new Promise((resolve) => {
      const end = (decision: StoredDecision | undefined) => {
        timer.cancel()
        waiting.delete(id)
        resolve(decision)
      }
      const look = () => {
        cache.get(key).then(
          (text) => text !== undefined && end(JSON.parse(text) as StoredDecision),
          (error: unknown) => logger.warn({ err: error, id }, 'a partial payment’s decision cannot be read')
        )
      }
      const timer = clock.setTimer(deadlineMs - clock.nowMs(), () => end(undefined))
      waiting.set(id, look)
    })
  }

  return {
    async decide({ incomingPaymentId, dataFromSender, expiresAtMs }): Promise<PartialPaymentDecision> {
      const { PARTIAL_PAYMENT_DECISION_MAX_WAIT_MS: maxWaitMs } = config
      const { PARTIAL_PAYMENT_DECISION_SAFETY_MARGIN_MS: marginMs } = config
      const deadlineMs = Math.min(expiresAtMs - marginMs, clock.nowMs() + maxWaitMs)
      const id = random.orderedUuid()
      const decision = awaitDecision(decisionKey(incomingPaymentId, id), id, deadlineMs)
      try {
        const payment = await incomingPayments.get(incomingPaymentId)
        if (payment === undefined) throw new Error(`there is no incoming payment ${incomingPaymentId}`)
        await ask(payment, id, dataFromSender)
      } catch (error) {
        logger.error({ err: error, incomingPaymentId }, 'the wallet cannot be asked about a partial payment')
        return { kind: 'declined', reason: DeclineReason.FAILED }
      }
      const word = await decision
      if (word?.success) return { kind: 'accepted' }
      return {
        kind: 'declined',
        reason: word === undefined ? DeclineReason.NO_RESPONSE : (word.reason ?? DeclineReason.REJECTED)
      }
    },

    async decided(payment, partialIncomingPaymentId, { isAccepted, reason }) {
      if (!isOpen(payment.state)) {
        return failure('InvalidState', `incoming payment ${payment.id} is ${payment.state}`)
      }
      const word: StoredDecision = { success: isAccepted, ...(reason !== undefined && { reason }) }
      const id = partialIncomingPaymentId.toLowerCase()
      const lifetimeMs = config.PARTIAL_PAYMENT_DECISION_MAX_WAIT_MS + DECISION_MARGIN_MS
      await cache.set(decisionKey(payment.id, id), JSON.stringify(word), lifetimeMs)
      await database.transaction((trx) => notify(trx, Channel.PARTIAL_PAYMENT_DECIDED, id))
    },

    async start() {
      const lookAll = () => {
        for (const look of waiting.values()) look()
      }
      unlisten = await database.listen(Channel.PARTIAL_PAYMENT_DECIDED, (id) => waiting.get(id)?.(), lookAll)
    },
    async stop() {
      await unlisten?.()
    }
  }
}

/** The contract's key. */
function decisionKey(incomingPaymentId: string, partialIncomingPaymentId: string): string {
  return `partial_payment_decision:${incomingPaymentId}:${partialIncomingPaymentId}`
}
