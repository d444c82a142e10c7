import { LedgerBusyError, LedgerUnavailableError } from '../../ledger/index.ts'
import type { Clock, Logger } from '../../runtime/index.ts'
import { isFailure } from '../model.ts'
import type { Quote } from '../quotes/model.ts'
import { RemoteUnavailableError } from '../receivers/index.ts'
import { isActiveReceiver } from '../receivers/model.ts'
import type { Receiver, Receivers } from '../receivers/model.ts'
import { isLockTimeout } from '../sql.ts'
import type { Ending } from './ending.ts'
import { LeaseLostError, lifecycleError } from './errors.ts'
import type { AttemptError } from './errors.ts'
import type { Funding } from './funding.ts'
import type { Lease, Leases } from './lease.ts'
import type { LocalPayments } from './local-payment.ts'
import type { Sending, SendingOutcome } from './sending.ts'
import type { SettledTotals, Settlement } from './settlement.ts'
import { BACK_TO_FUNDING } from './store.ts'
import type { OutgoingPaymentRow } from './store.ts'

/** A retry comes after so long for each attempt that was made, up to six. */
export const RETRY_STEP_MS = 10_000
export const MAX_RETRY_STEPS = 6
/** After an outage of the ledger, which is no attempt. */
export const OUTAGE_RETRY_MS = 5_000

const NOTHING: SettledTotals = { sent: 0n, delivered: 0n }

export interface AttemptRunner {
  /** Works on a payment whose lease was taken, until it ended or was released. Never rejects. */
  run(lease: Lease): Promise<void>
}

export interface AttemptRunnerDependencies {
  clock: Clock
  logger: Logger
  quotes: { get(id: string): Promise<Quote | undefined> }
  receivers: Pick<Receivers, 'get'>
  leases: Leases
  funding: Funding
  settlement: Settlement
  sending: Sending
  localPayments: LocalPayments
  ending: Ending
  /** Attempts in all. */
  maxAttempts: number
}

/**
 * One look at a payment that is SENDING, by the holder of its lease:
 *
 *   funded? ──never──▶ FUNDING
 *   funded? ──▶ former epochs settled? ──no──▶ released until they can be
 *                      │ yes
 *                      ├── promise kept ────────────────────────────────────▶ COMPLETED
 *                      ├── decided to fail, or never begun and quote expired ─▶ FAILED
 *                      ├── receiver closed ─────────────────────────────────▶ COMPLETED
 *                      └── attempt ── delivered, or receiver closed ────────▶ COMPLETED
 *                             ├────── packets in doubt ──▶ released until they can be settled
 *                             ├────── retryable error, attempts left ──▶ released: stateAttempts + 1
 *                             └────── else ──────────────────────────────▶ FAILED
 *
 * Nothing is decided while packets are in doubt. Talking to receivers, peers and the ledger happens outside of
 * SQL transactions; every write names the lease's epoch.
 */
export function createAttemptRunner(dependencies: AttemptRunnerDependencies): AttemptRunner {
  const { clock, logger, quotes, receivers, leases, funding, settlement, sending, localPayments, ending } =
    dependencies

  async function run(lease: Lease): Promise<void> {
    try {
      await attempt(lease)
    } catch (error) {
      await recover(lease, error)
    } finally {
      leases.forget(lease)
    }
  }

  async function attempt(lease: Lease): Promise<void> {
    const quote = await quotes.get(lease.payment.id)
    if (quote === undefined) throw new Error(`payment ${lease.payment.id} has no quote`)
    if (!(await funding.ensureFunded(quote))) {
      logger.error({ outgoingPaymentId: quote.id }, 'the deposit of a payment has the id of another transfer')
      return leases.write(lease, BACK_TO_FUNDING)
    }
    await (quote.method === 'LOCAL' ? attemptLocal(lease, quote) : attemptIlp(lease, quote))
  }

  async function attemptIlp(lease: Lease, quote: Quote): Promise<void> {
    const { payment } = lease
    const settled = await settlement.settle(lease, quote)
    if ('waitUntilMs' in settled) return leases.release(lease, new Date(settled.waitUntilMs))
    if (settled.delivered >= quote.receiveAmount.value) return ending.complete(lease, quote, settled)
    if (payment.error !== null) return ending.fail(lease, quote, settled, payment.error)
    if (hasExpired(payment, quote)) return ending.fail(lease, quote, settled, 'QuoteExpired')

    const receiver = await readReceiver(quote)
    if (receiver === 'closed') return ending.complete(lease, quote, settled)
    if ('code' in receiver) return failOrRetry(lease, quote, settled, receiver)
    const outcome = await sending.send(lease, quote, receiver, settled)
    if (outcome.isInDoubt) return waitForEvidence(lease, outcome)
    switch (outcome.verdict.kind) {
      case 'completed':
        return ending.complete(lease, quote, outcome.totals)
      case 'failed':
        return failOrRetry(lease, quote, outcome.totals, outcome.verdict.error)
      case 'stopped':
        return leases.release(lease, new Date(clock.nowMs()))
    }
  }

  async function attemptLocal(lease: Lease, quote: Quote): Promise<void> {
    const { payment } = lease
    const paid: SettledTotals = { sent: quote.debitAmountMinusFees, delivered: quote.receiveAmount.value }
    /** An end without payment: only once nobody can book it any more. */
    const endUnpaid = async (end: () => Promise<void>) =>
      (await localPayments.fence(quote, lease.signal)) ? end() : ending.complete(lease, quote, paid)
    const fail = (error: string) => endUnpaid(() => ending.fail(lease, quote, NOTHING, error))

    if (!(await localPayments.isPaid(quote.id))) {
      if (payment.error !== null) return fail(payment.error)
      if (hasExpired(payment, quote)) return fail('QuoteExpired')
    }
    const receiver = await readReceiver(quote)
    const incomingPaymentId =
      receiver === 'closed' || 'code' in receiver ? undefined : receiver.localPaymentId
    if (incomingPaymentId === undefined) {
      return endUnpaid(() => ending.complete(lease, quote, NOTHING))
    }
    if (payment.firstPacketAt === null) await leases.write(lease, { firstPacketAt: new Date(clock.nowMs()) })
    const outcome = await localPayments.pay(quote, incomingPaymentId, lease.signal)
    switch (outcome.kind) {
      case 'paid':
        return ending.complete(lease, quote, paid)
      case 'receiverClosed':
        return endUnpaid(() => ending.complete(lease, quote, NOTHING))
      case 'failed':
        return mayRetry(payment, outcome.error) ? retry(lease, outcome.error) : fail(outcome.error.code)
    }
  }

  /** The quote's expiry counts before the first packet of the first attempt, and never again. */
  function hasExpired({ firstPacketAt }: OutgoingPaymentRow, quote: Quote): boolean {
    return firstPacketAt === null && quote.expiresAt.getTime() <= clock.nowMs()
  }

  async function readReceiver(quote: Quote): Promise<Receiver | 'closed' | AttemptError> {
    const receiver = await receivers.get(quote.tenantId, quote.receiver)
    if (isFailure(receiver)) {
      switch (receiver.failure) {
        case 'NotFound':
        case 'UnknownWalletAddress':
          return 'closed'
        case 'InvalidGrant':
          return lifecycleError(
            'Unauthorized',
            'the receiver’s node gives no access to the incoming payment',
            true
          )
        case 'InvalidRequest':
          return lifecycleError('ReceiverUnavailable', 'the receiver’s node refuses the request', true)
      }
    }
    if (!isActiveReceiver(receiver, clock.nowMs())) return 'closed'
    const { assetCode, assetScale } = quote.receiveAmount
    if (receiver.asset.code !== assetCode || receiver.asset.scale !== assetScale) {
      return lifecycleError('DestinationAssetConflict', `the receiver is in ${receiver.asset.code} now`)
    }
    return receiver
  }

  function mayRetry({ stateAttempts }: OutgoingPaymentRow, { retryable }: AttemptError): boolean {
    return retryable && stateAttempts + 1 < dependencies.maxAttempts
  }

  function retry(lease: Lease, error: AttemptError): Promise<void> {
    const { payment } = lease
    const stateAttempts = payment.stateAttempts + 1
    const delayMs = Math.min(stateAttempts, MAX_RETRY_STEPS) * RETRY_STEP_MS
    logger.info(
      { outgoingPaymentId: payment.id, code: error.code, reason: error.message, stateAttempts, delayMs },
      'an attempt at a payment failed; it is tried again'
    )
    return leases.release(lease, new Date(clock.nowMs() + delayMs), { stateAttempts })
  }

  function failOrRetry(
    lease: Lease,
    quote: Quote,
    totals: SettledTotals,
    error: AttemptError
  ): Promise<void> {
    if (mayRetry(lease.payment, error)) return retry(lease, error)
    logger.info({ outgoingPaymentId: quote.id, code: error.code, reason: error.message }, 'a payment failed')
    return ending.fail(lease, quote, totals, error.code)
  }

  /** Answers were lost: the verdict is kept, the evidence comes first. */
  async function waitForEvidence(lease: Lease, { verdict }: SendingOutcome): Promise<void> {
    const untilMs = (await settlement.inDoubtUntilMs(lease)) ?? clock.nowMs()
    if (verdict.kind !== 'failed') return leases.release(lease, new Date(untilMs))
    const { payment } = lease
    const isFinal = !mayRetry(payment, verdict.error)
    return leases.release(lease, new Date(untilMs), {
      stateAttempts: payment.stateAttempts + 1,
      ...(isFinal && { error: verdict.error.code })
    })
  }

  /** What was thrown. An outage is no attempt; everything else counts as one, so that it ends. */
  async function recover(lease: Lease, error: unknown): Promise<void> {
    const { payment } = lease
    if (error instanceof LeaseLostError && !isStopping(lease)) return
    try {
      if (error instanceof LeaseLostError) return await leases.release(lease, new Date(clock.nowMs()))
      logger.error({ err: error, outgoingPaymentId: payment.id }, 'an attempt at a payment was broken off')
      if (
        error instanceof LedgerUnavailableError ||
        error instanceof LedgerBusyError ||
        isLockTimeout(error)
      ) {
        return await leases.release(lease, new Date(clock.nowMs() + OUTAGE_RETRY_MS))
      }
      const code = error instanceof RemoteUnavailableError ? 'ReceiverUnavailable' : 'InternalError'
      const failed = lifecycleError(code, String(error), true)
      if (payment.error !== null || mayRetry(payment, failed)) return await retry(lease, failed)
      // What a former epoch left in doubt has to be settled before it ends: the next look does both.
      await leases.release(lease, new Date(clock.nowMs()), {
        error: code,
        stateAttempts: payment.stateAttempts + 1
      })
    } catch (releaseError) {
      logger.warn({ err: releaseError, outgoingPaymentId: payment.id }, 'a payment could not be released')
    }
  }

  function isStopping({ signal }: Lease): boolean {
    return signal.aborted && signal.reason instanceof LeaseLostError && signal.reason.isStopping
  }

  return { run }
}
