import type { Clock, Random } from '../../runtime/index.ts'
import type { Ratio, SendPacket, StreamCredentials } from '../model.ts'
import { MAX_FRAME_BYTES } from './codec.ts'
import type { KnownPath } from './path-memory.ts'
import type { SendLimits } from './pace.ts'
import type { SendingShare } from './share.ts'
import type { SendError } from './send-error.ts'

/** The most bytes of application data that go with a payment. */
export const MAX_APPLICATION_DATA_BYTES = MAX_FRAME_BYTES - 1_100

export interface StreamSendOptions {
  credentials: StreamCredentials
  sendPacket: SendPacket
  clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'setTimer' | 'sleep'>
  random: Pick<Random, 'bytes' | 'fraction'>
  /** The most that this attempt may spend, in source units. */
  sourceBudget: bigint
  /** What this attempt has to deliver, in destination units. */
  deliver: bigint
  /** Destination per source units; holds cumulatively, with what earlier attempts sent and delivered. */
  minimumRate: Ratio
  alreadySent?: bigint
  alreadyDelivered?: bigint
  /** The first sequence number, for a connection that was used before. Default 1. */
  firstSequence?: number
  /** What a probe learnt of the path. Without rates the path is probed first. */
  path?: { maxPacketAmount?: bigint; lowRate?: Ratio; highRate?: Ratio }
  /** Without rates in `path`: what is remembered of it, which tells the probe what to try. */
  known?: KnownPath
  /** With the other payments of this process. Default: nothing is shared. */
  share?: SendingShare
  /** Goes to the receiver with the first packet, which travels alone until the receiver took it. */
  applicationData?: Buffer
  /**
   * Called before packets get a longer life than any before them, and waited for: whoever finds them without an
   * outcome has to know for how long they may still be fulfilled.
   */
  beforeLongerLife?: (lifetimeMs: number) => Promise<void>
  /** Aborted: nothing more is sent; what is in flight is waited for. */
  signal?: AbortSignal
  limits?: Partial<SendLimits>
}

/** The end of an attempt. Nothing is in flight any more; `inDoubtCount` packets have no known outcome. */
export interface StreamSendResult {
  /**
   * delivered       all that was to be delivered
   * receiverClosed  the receiver takes no more, or closed without an error
   * stopped         by the signal
   * failed          `error` says why
   */
  outcome: 'delivered' | 'receiverClosed' | 'stopped' | 'failed'
  error?: SendError
  /** By this attempt, in source units: booked, without what is in doubt. */
  sent: bigint
  /** By this attempt, in destination units. */
  delivered: bigint
  inDoubtCount: number
  /** A packet was too large or too small for the path, or brought too little: what is remembered of it is over. */
  metAnotherPath: boolean
  learnt: { maxPacketAmount?: bigint; lowRate?: Ratio; highRate?: Ratio }
  packetsSent: number
  nextSequence: number
}
