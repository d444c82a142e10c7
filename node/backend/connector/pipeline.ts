import type { OutgoingReply } from '../../ilp/index.ts'
import { ConnectorStoppedError } from './books.ts'
import type { ConnectorContext } from './context.ts'
import { rejectPacket } from './packet.ts'
import type { PacketInHand } from './packet.ts'
import type { Step } from './step.ts'
import {
  admit,
  endWaiting,
  endWaitingAgain,
  leaveFlight,
  leaveFlightToPeer,
  limitAmount,
  limitAmountRate,
  limitPacketRate,
  limitPacketsInFlight,
  limitPacketsToPeer,
  waitAgain
} from './steps/admission.ts'
import { convertAmount } from './steps/convert.ts'
import { deliver } from './steps/deliver.ts'
import { forgetCondition, refuseDuplicate } from './steps/duplicates.ts'
import { reduceExpiry } from './steps/expiry.ts'
import { answerIldcp, refuseOtherNetwork, refusePeerProtocols } from './steps/peer-protocols.ts'
import { post } from './steps/post.ts'
import { release, reserve } from './steps/reserve.ts'
import { findDestination } from './steps/resolve.ts'
import { judge, send } from './steps/send.ts'

/**
 * What happens to a packet, from top to bottom. The sender is known already: a transport authenticated the
 * peer, or a sender within this node came by its own door. The first step that answers ends it; then the
 * steps before it give back what they took, from bottom to top.
 */
export const pipeline: readonly Step[] = [
  { name: 'IL-DCP', clause: 'RFC 31, Packet', codes: ['F05', 'F00'], run: answerIldcp },
  {
    name: 'peer protocols',
    clause: 'RFC 34, Special Addresses',
    codes: ['F02'],
    run: refusePeerProtocols
  },
  { name: 'network', clause: 'RFC 34, Special Addresses', codes: ['F02'], run: refuseOtherNetwork },
  // What is too much is refused before it costs more.
  { name: 'packets per second', clause: 'RFC 27, T05', codes: ['T05'], run: limitPacketRate },
  {
    name: 'packets in flight',
    clause: 'RFC 27, T05 and T03',
    codes: ['T05', 'T03'],
    run: limitPacketsInFlight,
    leave: leaveFlight
  },
  { name: 'load', clause: 'RFC 27, T03', codes: ['T03'], run: admit, leave: endWaiting },
  {
    name: 'duplicate',
    clause: 'RFC 27, ILP Packet Lifecycle: a condition is executed once',
    codes: ['F00', 'R02'],
    run: refuseDuplicate,
    leave: forgetCondition
  },
  { name: 'destination', clause: 'RFC 34, Routing', codes: ['F02'], run: findDestination },
  { name: 'maximum packet amount', clause: 'RFC 27, F08', codes: ['F08'], run: limitAmount },
  { name: 'amount per second', clause: 'RFC 27, Bandwidth', codes: ['T05'], run: limitAmountRate },
  {
    name: 'conversion',
    clause: 'RFC 27, R01 and F03',
    codes: ['R01', 'F03', 'T00', 'F02'],
    run: convertAmount
  },
  { name: 'expiry', clause: 'RFC 27, R02', codes: ['R02'], run: reduceExpiry },
  // A packet for an account of this node ends with the next step, others go on.
  {
    name: 'local delivery',
    clause: 'RFC 29, 4',
    codes: ['F02', 'F06', 'F99', 'T04', 'T03', 'T00', 'R02', 'R00'],
    run: deliver
  },
  {
    name: 'packets to the next hop',
    clause: 'RFC 27, T03',
    codes: ['T03'],
    run: limitPacketsToPeer,
    leave: leaveFlightToPeer
  },
  {
    name: 'reservation',
    clause: 'RFC 27, ILP Packet Lifecycle: the balance is reduced before the packet is forwarded',
    codes: ['T04', 'T03', 'T00', 'R00'],
    run: reserve,
    leave: release
  },
  {
    name: 'end of waiting',
    clause: 'RFC 27, T03: what the limit counts is over',
    codes: [],
    run: endWaiting
  },
  { name: 'sending', clause: 'RFC 35, Send ILP Prepare', codes: [], run: send },
  {
    name: 'answer',
    clause: 'RFC 27, ILP Packet Lifecycle: only a valid fulfillment before the expiry executes',
    codes: ['R00', 'T01', 'T00', 'T02', 'T03', 'F02', 'F05'],
    run: judge
  },
  {
    name: 'waiting again',
    clause: 'RFC 27, T03: it waits for this node itself until it is posted',
    codes: [],
    run: waitAgain,
    leave: endWaitingAgain
  },
  {
    name: 'posting',
    clause: 'RFC 27, ILP Packet Lifecycle: booked before the Fulfill is relayed',
    codes: ['R00', 'T00'],
    run: post
  }
]

/** A packet's answer, and the end of all that it holds: undefined where that is already reached. */
export interface PipelineResult {
  answer: OutgoingReply
  settled: Promise<void> | undefined
}

/** Takes a packet through the steps. Never rejects; what is unexpected is logged and answered T00. */
export async function runPipeline(
  packet: PacketInHand,
  context: ConnectorContext,
  steps: readonly Step[] = pipeline
): Promise<PipelineResult> {
  let answer: OutgoingReply | undefined
  let index = 0
  try {
    for (; index < steps.length; index += 1) {
      const result = steps[index]!.run(packet, context)
      answer = result instanceof Promise ? await result : result
      if (answer !== undefined) break
    }
    answer ??= rejectPacket(packet, 'T00', 'unexpected internal error')
  } catch (error) {
    answer = answerForError(packet, context, steps[index], error)
  }
  return { answer, settled: settle(packet, context, steps, index, answer) }
}

function answerForError(
  packet: PacketInHand,
  { logger }: ConnectorContext,
  step: Step | undefined,
  error: unknown
): OutgoingReply {
  if (error instanceof ConnectorStoppedError) {
    // What the peer or the ledger did with it is not known any more.
    if (packet.source.kind === 'local' && packet.exchange !== undefined) return { type: 'inDoubt' }
    return rejectPacket(packet, 'T03', 'the node is stopping')
  }
  logger.error({ err: error, step: step?.name }, 'a packet failed unexpectedly')
  return rejectPacket(packet, 'T00', 'unexpected internal error')
}

/** Lets the steps before `answeredBy` give back what they took, when what the packet left behind is done. */
function settle(
  packet: PacketInHand,
  context: ConnectorContext,
  steps: readonly Step[],
  answeredBy: number,
  answer: OutgoingReply
): Promise<void> | undefined {
  let waiting: Promise<unknown> | undefined = packet.unsettled && logFailure(packet.unsettled, context)
  for (let index = answeredBy - 1; index >= 0; index -= 1) {
    const { leave } = steps[index]!
    if (leave === undefined) continue
    if (waiting === undefined) {
      const result = leave(packet, context, answer)
      if (result instanceof Promise) waiting = logFailure(result, context)
    } else {
      waiting = waiting.then(() => logFailure(Promise.resolve(leave(packet, context, answer)), context))
    }
  }
  return waiting?.then(() => undefined)
}

async function logFailure(work: Promise<unknown>, { logger }: ConnectorContext): Promise<void> {
  try {
    await work
  } catch (error) {
    if (error instanceof ConnectorStoppedError) {
      logger.warn({ event: 'packet_abandoned' }, 'stopped before the ledger had settled a packet')
    } else {
      logger.error({ err: error }, 'a packet could not be settled')
    }
  }
}
