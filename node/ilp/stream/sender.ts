import type { Timer } from '../../runtime/index.ts'
import type { IlpReject, OutgoingReply } from '../model.ts'
import { MAX_PACKET_AMOUNT } from '../packet.ts'
import { maxOf, minOf } from '../ratio.ts'
import { createSendingAccount } from './account.ts'
import type { Hold } from './account.ts'
import { StreamDataFrame, StreamMoneyFrame } from './codec.ts'
import type { StreamPacket } from './codec.ts'
import { createClientConnection, readReceiverNews } from './connection.ts'
import type { PreparedPacket } from './connection.ts'
import { createPace } from './pace.ts'
import { MAX_APPLICATION_DATA_BYTES } from './payment.ts'
import type { StreamSendOptions, StreamSendResult } from './payment.ts'
import { planPacket } from './plan.ts'
import type { ShortPacket } from './plan.ts'
import { probePath } from './probe.ts'
import { createRateEstimate } from './rate.ts'
import { amountAfterTooLarge, reactionTo } from './reactions.ts'
import { closingError, rejectError, sendError } from './send-error.ts'
import type { SendError } from './send-error.ts'

/** A packet that is on its way. */
interface Flight {
  hold: Hold
  prepared: PreparedPacket
  round: number
  sentAtMs: number
  lifetimeMs: number
  isCompleting: boolean
  carriesData: boolean
  delivered?: bigint
}

/**
 * Pays over STREAM: `deliver` destination units for at most `sourceBudget`, never below `minimumRate`.
 * Resolves when nothing is in flight; never rejects for what the path or the receiver do.
 *
 *   (start) ──▶ probing ──▶ sending ◀──▶ pausing           a Reject asked for patience
 *                  │           │
 *                  └───────────┴──▶ draining ──▶ (result)   delivered, closed, stopped, failed
 *
 * A packet: planned ──▶ in flight ──▶ fulfilled | rejected | in doubt. One in doubt is neither sent again nor
 * forgotten: its amounts stay counted against budget, minimum rate and promise.
 *
 * @throws RangeError when the application data fits no packet
 */
export async function sendStream(options: StreamSendOptions): Promise<StreamSendResult> {
  const { applicationData } = options
  if (applicationData && applicationData.length > MAX_APPLICATION_DATA_BYTES) {
    throw new RangeError(`${applicationData.length} bytes of application data fit no packet`)
  }
  const { lowRate, highRate } = options.path ?? {}
  if ((lowRate && highRate) || options.deliver <= 0n) return runPayment(options)

  const { clock, random, credentials, sendPacket, firstSequence, signal, path, known } = options
  const probe = await probePath({
    ...{ clock, random, credentials, sendPacket },
    deliverAmount: options.deliver,
    ...(known && { known }),
    ...(path?.maxPacketAmount !== undefined && { maxPacketAmount: path.maxPacketAmount }),
    ...(firstSequence !== undefined && { firstSequence }),
    ...(signal && { signal })
  })
  if (probe.type === 'path') return runPayment({ ...options, path: probe, firstSequence: probe.nextSequence })
  return {
    ...(signal?.aborted ? { outcome: 'stopped' } : { outcome: 'failed', error: probe.error }),
    ...{
      sent: 0n,
      delivered: 0n,
      inDoubtCount: 0,
      metAnotherPath: false,
      learnt: {},
      packetsSent: 0,
      nextSequence: probe.nextSequence
    }
  }
}

function runPayment(options: StreamSendOptions): Promise<StreamSendResult> {
  const { clock, signal, sendPacket, alreadySent = 0n, alreadyDelivered = 0n, path = {} } = options
  const { minimumRate } = options
  const account = createSendingAccount({ minimumRate, alreadySent, alreadyDelivered })
  const connection = createClientConnection(options)
  const known = path.lowRate && path.highRate ? { low: path.lowRate, high: path.highRate } : undefined
  const rate = createRateEstimate(known)
  const pace = createPace(options)
  const member = options.share?.join()
  const flights = new Set<Flight>()
  const inDoubt: bigint[] = []

  let maxPacketAmount = path.maxPacketAmount
  /** Below the path's limit after a T04; grows again with every packet that gets through. */
  let liquidAmount = MAX_PACKET_AMOUNT
  let largestThrough = 0n
  let minPacket = 1n
  let fellShort: ShortPacket | undefined
  let receiverRoom: { max: bigint; total: bigint } | undefined
  let dataToSend = options.applicationData
  let packetsSent = 0
  let metAnotherPath = false
  let isLengthening = false
  let tooLargeCount = 0
  let tooSmallCount = 0
  let end: Pick<StreamSendResult, 'outcome' | 'error'> | undefined
  let finish: (result: StreamSendResult) => void = () => undefined
  let idleTimer: Timer | undefined
  let isFinished = false

  const finishWith = (outcome: StreamSendResult['outcome'], error?: SendError) => {
    end ??= { outcome, ...(error && { error }) }
  }
  const fail = (error: SendError) => finishWith('failed', error)
  const sentHere = () => account.sent - alreadySent
  const deliveredHere = () => account.delivered - alreadyDelivered

  function nextStep() {
    return planPacket({
      rate,
      undelivered: options.deliver - deliveredHere(),
      budget: options.sourceBudget - sentHere() - account.heldSource,
      openSource: account.heldSource,
      openAmounts: () => [...flights].map(({ hold }) => hold.source).concat(inDoubt),
      inFlightCount: flights.size,
      inDoubtCount: inDoubt.length,
      maxPacket: minOf(maxPacketAmount ?? MAX_PACKET_AMOUNT, liquidAmount),
      minPacket,
      ...(receiverRoom && { receiverRoom: receiverRoom.max - receiverRoom.total }),
      ...(fellShort && { fellShort })
    })
  }

  const mostInFlight = () => (dataToSend ? 1 : Math.min(pace.window, member?.limit ?? Infinity))

  /** Sends whatever may be sent now; ends the payment when nothing more can be and nothing is in flight. */
  function pump(): void {
    try {
      sendWhatMayBeSent()
    } catch (cause) {
      fail(sendError('InternalError', 'the next packet could not be made', { cause }))
    }
    if (end && flights.size === 0 && !isFinished) complete(end)
  }

  function sendWhatMayBeSent(): void {
    for (let sent = 0; !isFinished && !end; sent++) {
      if (sent === pace.limits.maxBurst) return pace.yieldTurn()
      if (signal?.aborted) finishWith('stopped')
      else if (pace.isIdle())
        fail(sendError('IdleTimeout', `nothing was delivered for ${pace.limits.idleTimeoutMs} ms`))
      else if (packetsSent >= pace.limits.maxPackets)
        fail(sendError('ConnectorError', `${packetsSent} packets did not suffice`))
      else if (isLengthening || pace.isPausing() || flights.size >= mostInFlight()) break
      else {
        const next = nextStep()
        if (next.step === 'send') launch(next.source, next.wanted, next.isCompleting)
        else if (next.step === 'wait') break
        else conclude(next.step)
      }
    }
  }

  function conclude(step: 'complete' | 'full' | 'inDoubt' | 'tooPoor'): void {
    if (step === 'complete') finishWith('delivered')
    else if (step === 'full') {
      if (receiverRoom && receiverRoom.total > 0n) finishWith('receiverClosed')
      else fail(sendError('ClosedByReceiver', 'the receiver takes nothing on this connection'))
    } else if (step === 'inDoubt') {
      fail(
        sendError(
          'PacketsInDoubt',
          `the answers to ${inDoubt.length} packets were lost: what is missing may have arrived`
        )
      )
    } else
      fail(
        sendError(
          'InsufficientExchangeRate',
          'what is left of the budget does not buy what is to be delivered'
        )
      )
  }

  function launch(source: bigint, wanted: bigint, isCompleting: boolean): void {
    const minimum = maxOf(account.minimumFor(source), wanted)
    const frames = [
      new StreamMoneyFrame(1, 1),
      ...(dataToSend ? [new StreamDataFrame(1, 0, dataToSend)] : [])
    ]
    const prepared = connection.prepare({ amount: source, minimum, frames, lifetimeMs: pace.lifetimeMs })
    if (!prepared)
      return fail(sendError('MaxSafeEncryptionLimit', 'no sequence number is left', { retryable: false }))
    packetsSent++
    const flight: Flight = {
      hold: account.hold(source, minimum),
      ...{
        prepared,
        isCompleting,
        round: pace.round,
        sentAtMs: clock.monotonicMs(),
        lifetimeMs: pace.lifetimeMs,
        carriesData: dataToSend !== undefined
      }
    }
    flights.add(flight)
    const packet = {
      ...prepared.packet,
      readDelivered: (data: Buffer) => (flight.delivered = prepared.packet.readDelivered(data))
    }
    // Through a promise, so that a synchronous throw is the same as a rejection.
    void Promise.resolve(packet)
      .then(sendPacket)
      .then(
        (reply) => settle(flight, reply),
        (cause: unknown) => {
          fail(sendError('InternalError', 'the packet could not be handed to the connector', { cause }))
          settle(flight, { type: 'inDoubt' })
        }
      )
      .catch((cause: unknown) =>
        fail(sendError('InternalError', 'an answer could not be handled', { cause }))
      )
      .then(pump)
  }

  function settle(flight: Flight, reply: OutgoingReply): void {
    flights.delete(flight)
    const { hold, prepared } = flight
    if (reply.type === 'inDoubt') {
      inDoubt.push(hold.source)
      pace.slowDown(flight.round)
      if (inDoubt.length >= pace.limits.maxInDoubt) conclude('inDoubt')
      return
    }
    const stream = prepared.readReply(reply)
    if (reply.type === 'fulfill') {
      account.settle(hold, flight.delivered ?? prepared.packet.readDelivered(reply.data))
      onFulfilled(flight, stream)
    } else {
      account.release(hold)
      onRejected(flight, reply, stream)
    }
    if (stream) hear(stream, reply)
  }

  function onFulfilled(flight: Flight, stream: StreamPacket | undefined): void {
    const { source } = flight.hold
    if (flight.carriesData) dataToSend = undefined
    if (stream) rate.observe(source, stream.prepareAmount)
    pace.onProgress(clock.monotonicMs() - flight.sentAtMs, flights.size + 1)
    if (source >= liquidAmount) liquidAmount = minOf(MAX_PACKET_AMOUNT, source * 2n)
    largestThrough = maxOf(largestThrough, source)
    fellShort = undefined
    tooSmallCount = 0
  }

  function onRejected(flight: Flight, reply: IlpReject, stream: StreamPacket | undefined): void {
    if (stream) return onRefused(flight, reply, stream.prepareAmount)
    const { source } = flight.hold
    switch (reactionTo(reply.code)) {
      case 'backOff':
        return pace.backOff(flight.round)
      case 'sendLess':
        if (flight.round === pace.round) liquidAmount = minOf(liquidAmount, maxOf(1n, source / 2n))
        return pace.backOff(flight.round)
      case 'sendMore':
        metAnotherPath = true
        if (flight.isCompleting) countShort(source, 0n)
        // Grows gently at first: what completes a payment should not pay for much more than is missing.
        if (source >= minPacket && ++tooSmallCount <= pace.limits.maxTooSmall) {
          minPacket = source + 1n + source / (tooSmallCount > pace.limits.maxTooSmall / 2 ? 1n : 4n)
          return
        }
        return pace.onFailure(flight.round, rejectError('ConnectorError', reply), fail)
      case 'expireLater':
        if (lengthenLife(flight)) return
        return pace.onFailure(flight.round, rejectError('ConnectorError', reply), fail)
      case 'limitAmount': {
        metAnotherPath = true
        const { limit, isGuess } = amountAfterTooLarge(source, reply.data)
        // Without a limit in it, that of a packet no larger than one that got through is no news of the path.
        if (isGuess && source <= largestThrough) {
          return pace.onFailure(flight.round, rejectError('ConnectorError', reply), fail)
        }
        if (maxPacketAmount !== undefined && limit >= maxPacketAmount) return
        maxPacketAmount = limit
        if (limit === 0n || ++tooLargeCount > pace.limits.maxTooLarge)
          fail(rejectError('ConnectorError', reply))
        return
      }
      case 'outlast':
        lengthenLife(flight)
        return pace.onFailure(flight.round, rejectError('ConnectorError', reply), fail)
      case 'retry':
      case 'readFrames': // from nobody that can be believed
        return pace.onFailure(flight.round, rejectError('ConnectorError', reply), fail)
      case 'fail':
        return fail(rejectError('ConnectorError', reply))
    }
  }

  /** Its life was too short: longer ones from now on. False when it was the longest. */
  function lengthenLife({ lifetimeMs }: Flight): boolean {
    if (lifetimeMs < pace.lifetimeMs || isLengthening) return true
    const longer = pace.longerLife(lifetimeMs)
    if (longer === undefined) return false
    if (!options.beforeLongerLife) {
      pace.liveLonger(longer)
      return true
    }
    isLengthening = true
    void options
      .beforeLongerLife(longer)
      .then(
        () => pace.liveLonger(longer),
        (cause: unknown) => fail(sendError('InternalError', 'no longer life could be announced', { cause }))
      )
      .then(() => {
        isLengthening = false
        pump()
      })
    return true
  }

  /** A packet that was to complete the payment did not bring enough: the next one is larger. */
  function countShort(source: bigint, arrived: bigint): number {
    fellShort = { source, arrived, tries: (fellShort?.tries ?? 0) + 1 }
    return fellShort.tries
  }

  /** The receiver itself refused: too little arrived, or it does not want the money. */
  function onRefused(flight: Flight, reply: IlpReject, arrived: bigint): void {
    const { source, minimum } = flight.hold
    if (arrived < rate.bounds(source).least) metAnotherPath = true
    rate.observe(source, arrived)
    if (arrived >= minimum) {
      return pace.onFailure(flight.round, rejectError('ClosedByReceiver', reply), fail)
    }
    if (flight.isCompleting && countShort(source, arrived) <= pace.limits.maxCompletingTries) return
    // A larger packet loses less of its worth to rounding.
    if (!flight.isCompleting) minPacket = maxOf(minPacket, minOf(source * 2n, maxPacketAmount ?? source * 2n))
    const message = `${arrived} arrived of ${source}, at least ${minimum} had to`
    pace.onFailure(flight.round, sendError('InsufficientExchangeRate', message), fail)
  }

  function hear(stream: StreamPacket, reply: OutgoingReply): void {
    const { closed, receiveMax, totalReceived } = readReceiverNews(stream.frames)
    if (receiveMax !== undefined && totalReceived !== undefined) {
      // Answers overtake each other. Totals only grow (RFC 29, 4.4.4); a limit may fall where others pay too.
      if (receiverRoom === undefined || totalReceived >= receiverRoom.total) {
        receiverRoom = { max: receiveMax, total: totalReceived }
      }
    }
    if (!closed) return
    if (deliveredHere() >= options.deliver) return
    const error = closingError(closed, reply)
    if (error) fail(error)
    else finishWith('receiverClosed')
  }

  function complete({ outcome, error }: Pick<StreamSendResult, 'outcome' | 'error'>): void {
    isFinished = true
    idleTimer?.cancel()
    pace.close()
    member?.leave()
    signal?.removeEventListener('abort', pump)
    const isDelivered = deliveredHere() >= options.deliver
    finish({
      outcome: isDelivered ? 'delivered' : outcome,
      ...(error && !isDelivered && { error }),
      sent: sentHere(),
      delivered: deliveredHere(),
      inDoubtCount: inDoubt.length,
      metAnotherPath,
      learnt: {
        ...(maxPacketAmount !== undefined && { maxPacketAmount }),
        ...(rate.low && { lowRate: rate.low }),
        ...(rate.high && { highRate: rate.high })
      },
      packetsSent,
      nextSequence: connection.nextSequence
    })
  }

  function watchIdleness(): void {
    idleTimer = clock.setTimer(pace.remainingIdleMs(), () => {
      if (isFinished) return
      pump()
      watchIdleness()
    })
  }

  return new Promise((resolve) => {
    finish = resolve
    pace.onResume(pump)
    signal?.addEventListener('abort', pump)
    watchIdleness()
    pump()
  })
}
