import { decodeReply, encodePrepare, fulfills, isPacketError } from '../../../ilp/index.ts'
import type { IlpErrorCode } from '../../../ilp/index.ts'
import type { Peer } from '../../peers/model.ts'
import type { ConnectorContext } from '../context.ts'
import { rejectPacket } from '../packet.ts'
import type { ExchangeOutcome, PacketInHand } from '../packet.ts'
import type { StepAnswer } from '../step.ts'
import type { TransportOutcome } from '../transport.ts'
import { recordOrphan } from './orphaned.ts'

/**
 * Hands the Prepare to the next hop, once, and waits for the answer until the outgoing expiry. An upstream
 * that hangs up meanwhile changes nothing.
 */
export function send(packet: PacketInHand, context: ConnectorContext): undefined | Promise<StepAnswer> {
  if (packet.destination?.kind !== 'peer') return undefined
  return exchange(packet, packet.destination.peer, context)
}

/** Resolves when the packet knows how its exchange ended. */
function exchange(packet: PacketInHand, peer: Peer, context: ConnectorContext): Promise<undefined> {
  const { clock, deadlines, transport, limits, logger } = context
  const { outgoingAmount: amount, outgoingExpiresAtMs: expiresAtMs } = packet
  const { executionCondition, destination, data } = packet.prepare
  const bytes = encodePrepare({ amount, executionCondition, expiresAtMs, destination, data })

  return new Promise((done) => {
    let isExpired = false
    const resolve = (outcome: ExchangeOutcome) => {
      packet.exchange ??= outcome
      done(undefined)
    }
    const expiry = deadlines.at(expiresAtMs, () => {
      isExpired = true
      resolve({ kind: 'expired' })
    })
    const end = (outcome: TransportOutcome) => {
      expiry.cancel()
      // The deadline may be called late, the clock is not.
      if (isExpired || clock.nowMs() >= expiresAtMs) {
        recordLateOutcome(packet, context, outcome)
        resolve({ kind: 'expired' })
      } else {
        resolve(outcome.kind === 'answer' ? decodeAnswer(outcome.bytes) : outcome)
      }
    }
    const times = { expiresAtMs, giveUpAtMs: expiresAtMs + limits.lateAnswerWindowMs }
    transport.send(peer, bytes, times).then(end, (error: unknown) => {
      logger.error({ err: error, peerId: peer.id }, 'a transport failed unexpectedly')
      end({ kind: 'lost', code: 'T00', reason: 'unexpected internal error' })
    })
  })
}

/** What is neither Fulfill nor Reject says nothing about what the peer did. */
function decodeAnswer(bytes: Buffer): ExchangeOutcome {
  const reply = decodeReply(bytes)
  if (isPacketError(reply)) {
    return { kind: 'lost', code: 'T00', reason: `the next hop's answer is no packet: ${reply.reason}` }
  }
  return { kind: 'reply', reply }
}

/** The packet was answered R00. A late Reject settles it; a late valid Fulfill, or silence, does not. */
function recordLateOutcome(packet: PacketInHand, context: ConnectorContext, outcome: TransportOutcome): void {
  if (outcome.kind === 'notSent') return
  const answer = outcome.kind === 'answer' ? decodeAnswer(outcome.bytes) : outcome
  if (answer.kind !== 'reply') return recordOrphan(packet, context, 'unanswered', false)
  const { reply } = answer
  if (reply.type === 'fulfill' && fulfills(reply.fulfillment, packet.prepare.executionCondition)) {
    recordOrphan(packet, context, 'late_fulfill', true)
  }
}

/** A busy next hop makes a busy connector (RFC 27, T02 and T05). */
const CODES_TO_TRANSLATE: ReadonlySet<string> = new Set<IlpErrorCode>(['T02', 'T05'])

/** Everything but a valid Fulfill in time ends here. */
export function judge(packet: PacketInHand, context: ConnectorContext): StepAnswer {
  const { exchange: outcome } = packet
  if (outcome === undefined) return undefined
  switch (outcome.kind) {
    case 'expired':
      return rejectPacket(packet, 'R00', 'packet expired.')
    case 'notSent':
      return rejectPacket(packet, outcome.code, outcome.reason)
    case 'lost':
      recordOrphan(packet, context, 'answer_lost', false)
      if (packet.source.kind === 'local' && packet.reservation !== undefined) return { type: 'inDoubt' }
      return rejectPacket(packet, outcome.code, outcome.reason)
    case 'reply':
      break
  }
  const { reply } = outcome
  if (reply.type === 'reject') {
    if (!CODES_TO_TRANSLATE.has(reply.code)) return reply
    return rejectPacket(packet, 'T03', `the next hop is busy: ${reply.code} ${reply.message}`)
  }
  if (fulfills(reply.fulfillment, packet.prepare.executionCondition)) return undefined
  return rejectPacket(packet, 'F05', 'fulfillment did not match expected value.')
}
