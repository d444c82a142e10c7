import { minOf, sendStream } from '../../ilp/index.ts'
import type { KnownPath, SendingShare, StreamSendResult } from '../../ilp/index.ts'
import type { Clock, Database, Random } from '../../runtime/index.ts'
import type { Connector } from '../connector/model.ts'
import type { IlpQuoteDetails, Quote } from '../quotes/model.ts'
import type { Paths } from '../quotes/paths.ts'
import { isActiveReceiver } from '../receivers/model.ts'
import type { Receiver } from '../receivers/model.ts'
import { epochAccountId } from './accounts.ts'
import { firstSequenceOf } from './attempts.ts'
import type { Attempts } from './attempts.ts'
import { attemptErrorOf, lifecycleError } from './errors.ts'
import type { AttemptError } from './errors.ts'
import { leaseLost } from './lease.ts'
import type { Lease, Leases } from './lease.ts'
import type { PaymentLedger } from './payment-ledger.ts'
import type { TransmitData } from '../secrets.ts'
import { MAX_PACKET_LIFETIME_MS, PACKET_LIFETIME_MS } from './settlement.ts'
import type { SettledTotals } from './settlement.ts'

/** What a quote measured of the path is used for so long; after that it is measured again. */
export const PATH_LIFETIME_MS = 15_000

/** How an attempt over ILP ended. */
export interface SendingOutcome {
  verdict:
    | { kind: 'completed' }
    /** The node stops, or lost the lease. */
    | { kind: 'stopped' }
    | { kind: 'failed'; error: AttemptError }
  /** Of all attempts, as booked. */
  totals: SettledTotals
  /** Packets have no known outcome: nothing may be decided before they have. */
  isInDoubt: boolean
}

export interface Sending {
  /**
   * One attempt over ILP: the rest of the promise for the rest of the budget.
   *
   * @param before what is booked of former attempts
   * @param receiver just read, active
   */
  send(lease: Lease, quote: Quote, receiver: Receiver, before: SettledTotals): Promise<SendingOutcome>
}

export interface SendingDependencies {
  database: Database
  clock: Clock
  random: Random
  connector: Pick<Connector, 'senderFor'>
  paths: Pick<Paths, 'forget'>
  attempts: Attempts
  ledger: PaymentLedger
  leases: Pick<Leases, 'writing'>
  transmitData: TransmitData
  /** Of all payments that this process sends. */
  share: SendingShare
}

export function createSending(dependencies: SendingDependencies): Sending {
  const { database, clock, random, connector, paths, attempts, ledger, leases, transmitData, share } =
    dependencies

  async function send(
    lease: Lease,
    quote: Quote,
    receiver: Receiver,
    before: SettledTotals
  ): Promise<SendingOutcome> {
    const { ilp } = quote
    const { credentials } = receiver
    const ended = (verdict: SendingOutcome['verdict']) => ({ verdict, totals: before, isInDoubt: false })
    const failed = (error: AttemptError) => ended({ kind: 'failed', error })
    if (!ilp) throw new Error(`quote ${quote.id} is of method ILP and has no details`)
    if (!credentials || !isActiveReceiver(receiver, clock.nowMs())) return ended({ kind: 'completed' })

    const deliver = remainingDelivery(quote, receiver, before)
    const sourceBudget = quote.debitAmountMinusFees - before.sent
    if (deliver <= 0n) return ended({ kind: 'completed' })
    if (sourceBudget <= 0n) {
      return failed(lifecycleError('BadState', `${deliver} are not delivered and nothing is left to send`))
    }

    await ledger.openEpoch(quote, lease.epoch, lease.signal)
    const createdAt = new Date(clock.nowMs())
    const firstSequence = firstSequenceOf(lease.epoch)
    const begun = await attempts.insertWith(
      database.knex,
      leases.writing(database.knex, lease, { firstPacketAt: lease.payment.firstPacketAt ?? createdAt }),
      {
        outgoingPaymentId: quote.id,
        epoch: lease.epoch,
        credentials,
        firstSequence,
        receivedAmountBaseline: receiver.receivedAmount.value,
        minRate: ilp.minRate,
        packetLifetimeMs: PACKET_LIFETIME_MS,
        createdAt
      }
    )
    if (!begun) throw leaseLost(lease)

    const isPathFresh = createdAt.getTime() - quote.createdAt.getTime() <= PATH_LIFETIME_MS
    const applicationData = before.delivered === 0n ? applicationDataOf(lease) : undefined
    const result = await sendStream({
      credentials,
      sendPacket: connector.senderFor({
        tenantId: quote.tenantId,
        asset: quote.asset,
        account: { id: epochAccountId(quote.id, lease.epoch), paymentId: quote.id, epoch: lease.epoch },
        ...(ilp.conversion && { conversion: ilp.conversion })
      }),
      clock,
      random,
      sourceBudget,
      deliver,
      minimumRate: ilp.minRate,
      alreadySent: before.sent,
      alreadyDelivered: before.delivered,
      firstSequence,
      ...(isPathFresh ? { path: measuredPath(ilp) } : { known: guessedPath(ilp, sourceBudget) }),
      ...(applicationData && { applicationData }),
      signal: lease.signal,
      share,
      beforeLongerLife: (lifetimeMs) =>
        attempts.lengthenLife(database.knex, quote.id, lease.epoch, lifetimeMs),
      limits: { lifetimeMs: PACKET_LIFETIME_MS, maxLifetimeMs: MAX_PACKET_LIFETIME_MS }
    })
    const { conversion } = ilp
    if (result.metAnotherPath && conversion) {
      const { tenantId, asset } = quote
      paths.forget({ tenantId, assetId: asset.id, conversion, credentials, receiverAsset: receiver.asset })
    }
    return {
      verdict: verdictOf(result),
      totals: { sent: before.sent + result.sent, delivered: before.delivered + result.delivered },
      isInDoubt: result.inDoubtCount > 0
    }
  }

  function applicationDataOf({ payment }: Lease): Buffer | undefined {
    if (payment.dataToTransmit === null) return undefined
    return Buffer.from(transmitData.read(payment.dataToTransmit))
  }

  return { send }
}

/** What the quote measured, as its payment uses it. */
function measuredPath({ maxPacketAmount, lowRate, highRate }: IlpQuoteDetails) {
  return { ...(maxPacketAmount !== undefined && { maxPacketAmount }), lowRate, highRate }
}

/** The same when it is old: what to try first when the path is measured again. */
function guessedPath(ilp: IlpQuoteDetails, sourceBudget: bigint): KnownPath {
  const largestArrived = minOf(sourceBudget, ilp.maxPacketAmount ?? sourceBudget)
  return { ...measuredPath(ilp), roundingLoss: 1n, largestArrived }
}

/** The rest of the promise, and no more than the receiver still takes. */
export function remainingDelivery(quote: Quote, receiver: Receiver, before: SettledTotals): bigint {
  const promised = quote.receiveAmount.value - before.delivered
  const { incomingAmount, receivedAmount } = receiver
  return incomingAmount ? minOf(promised, incomingAmount.value - receivedAmount.value) : promised
}

function verdictOf({ outcome, error }: StreamSendResult): SendingOutcome['verdict'] {
  switch (outcome) {
    case 'delivered':
    case 'receiverClosed':
      return { kind: 'completed' }
    case 'stopped':
      return { kind: 'stopped' }
    case 'failed':
      if (!error) throw new Error('a payment failed without an error')
      return { kind: 'failed', error: attemptErrorOf(error) }
  }
}
