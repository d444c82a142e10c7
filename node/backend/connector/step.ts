import type { IlpErrorCode, OutgoingReply } from '../../ilp/index.ts'
import type { ConnectorContext } from './context.ts'
import type { PacketInHand } from './packet.ts'

/** A step answers the packet, or answers undefined and the next one has it. */
export type StepAnswer = OutgoingReply | undefined

/** One step of the pipeline. */
export interface Step {
  name: string
  /** Where it is specified. */
  clause: string
  /** The codes that it may reject with. */
  codes: readonly IlpErrorCode[]
  run(packet: PacketInHand, context: ConnectorContext): StepAnswer | Promise<StepAnswer>
  /**
   * Undoes what `run` took, after a later step has answered with `answer`; in reverse order of the steps. A
   * promise is waited for before what earlier steps took is given back.
   */
  leave?(packet: PacketInHand, context: ConnectorContext, answer: OutgoingReply): void | Promise<void>
}
