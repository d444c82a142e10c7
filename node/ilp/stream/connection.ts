import type { Clock, Random } from '../../runtime/index.ts'
import type { IlpReply, OutgoingPacket, StreamCredentials } from '../model.ts'
import { conditionOf } from '../packet.ts'
import {
  ConnectionNewAddressFrame,
  FrameType,
  MAX_SEQUENCE,
  StreamErrorCode,
  StreamPacketType,
  asBigInt,
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf
} from './codec.ts'
import type { Frame, StreamPacket } from './codec.ts'
import type { AssetDetails } from './credentials.ts'

/**
 * The address that a client without one gives to be told the receiver's asset (RFC 29, 4.3), which stateless
 * receivers tell only to clients that name an address. `ilp-protocol-stream`'s server takes it for one that it
 * can send to, fails to, and closes the connection: so it is named only when the asset is asked for.
 */
export const RECEIVE_ONLY_ADDRESS = 'private.RECEIVE_ONLY_CLIENT'

export interface ConnectionPacket {
  /** Source units. */
  amount: bigint
  /** The least that the receiver may accept, in destination units. */
  minimum: bigint
  frames?: Frame[]
  /** Under a random condition that nobody can fulfill. */
  isProbe?: boolean
  lifetimeMs: number
}

/** A packet ready to go, with the key to its answer. */
export interface PreparedPacket {
  packet: OutgoingPacket
  /**
   * The authentic STREAM data of the answer: decrypts, names the type that carried it, and has this packet's
   * sequence (RFC 29, 5.2). Undefined otherwise: nothing in such an answer comes from the receiver.
   */
  readReply(reply: IlpReply): StreamPacket | undefined
}

/** The client's end of a STREAM connection: numbers, encrypts, and checks answers. */
export interface ClientConnection {
  /** Undefined when the sequence numbers are used up. */
  prepare(packet: ConnectionPacket): PreparedPacket | undefined
  /** The first sequence number that was not used. */
  readonly nextSequence: number
}

export function createClientConnection(options: {
  credentials: StreamCredentials
  clock: Pick<Clock, 'nowMs'>
  random: Pick<Random, 'bytes'>
  /** Default 1. */
  firstSequence?: number
  /** Names `RECEIVE_ONLY_ADDRESS` until an authentic answer came. Default false. */
  asksForAsset?: boolean
}): ClientConnection {
  const { credentials, clock, random } = options
  const keys = deriveStreamKeys(credentials.sharedSecret)
  let nextSequence = options.firstSequence ?? 1
  let receiverKnowsUs = options.asksForAsset !== true

  return {
    get nextSequence() {
      return nextSequence
    },

    prepare({ amount, minimum, frames = [], isProbe = false, lifetimeMs }) {
      if (nextSequence > MAX_SEQUENCE) return undefined
      const sequence = BigInt(nextSequence++)
      const introduction = receiverKnowsUs ? [] : [new ConnectionNewAddressFrame(RECEIVE_ONLY_ADDRESS)]
      const data = encryptStreamPacket(
        keys,
        {
          sequence,
          type: StreamPacketType.PREPARE,
          prepareAmount: minimum,
          frames: [...introduction, ...frames]
        },
        random
      )

      /** Of the answer that was decrypted: connector and sender ask for the same one. */
      let decrypted: { data: Buffer; stream: StreamPacket | undefined } | undefined
      const read = (type: StreamPacketType, replyData: Buffer): StreamPacket | undefined => {
        if (decrypted?.data !== replyData) {
          decrypted = { data: replyData, stream: decryptStreamPacket(keys, replyData) }
        }
        const { stream } = decrypted
        if (stream === undefined || stream.sequence !== sequence || stream.type !== type) return undefined
        receiverKnowsUs = true
        return stream
      }

      return {
        packet: {
          amount,
          destination: credentials.destination,
          executionCondition: isProbe ? random.bytes(32) : conditionOf(fulfillmentOf(keys, data)),
          expiresAtMs: clock.nowMs() + lifetimeMs,
          data,
          isProbe,
          minimumDelivered: minimum,
          readDelivered(fulfillData) {
            const arrived = read(StreamPacketType.FULFILL, fulfillData)?.prepareAmount
            return arrived !== undefined && arrived > minimum ? arrived : minimum
          }
        },
        readReply: (reply) =>
          read(reply.type === 'fulfill' ? StreamPacketType.FULFILL : StreamPacketType.REJECT, reply.data)
      }
    }
  }
}

/** What the receiver says about itself in an answer's frames. */
export interface ReceiverNews {
  destinationAsset?: AssetDetails
  /** Of stream 1: the most that it takes, and what it has. */
  receiveMax?: bigint
  totalReceived?: bigint
  /** It closed the stream or connection: `normally`, or with an error; `reason` is application data. */
  closed?: { normally: boolean; message: string; reason?: string }
}

export function readReceiverNews(frames: readonly Frame[]): ReceiverNews {
  const news: ReceiverNews = {}
  let reason: string | undefined
  for (const frame of frames) {
    switch (frame.type) {
      case FrameType.ConnectionAssetDetails:
        news.destinationAsset = { code: frame.sourceAssetCode, scale: frame.sourceAssetScale }
        break
      case FrameType.StreamMaxMoney:
        if (!frame.streamId.equals(1)) break
        news.receiveMax = asBigInt(frame.receiveMax)
        news.totalReceived = asBigInt(frame.totalReceived)
        break
      case FrameType.StreamData:
        if (frame.streamId.equals(1) && frame.data.length > 0) reason = frame.data.toString()
        break
      case FrameType.StreamClose:
        // Our only stream closed is our connection closed.
        if (frame.streamId.equals(1)) news.closed = closedBy(frame, news.closed)
        break
      case FrameType.ConnectionClose:
        news.closed = closedBy(frame, news.closed)
        break
      default:
        break
    }
  }
  if (news.closed && reason !== undefined) news.closed.reason = reason
  return news
}

function closedBy(
  frame: { errorCode: number; errorMessage: string },
  before: ReceiverNews['closed']
): NonNullable<ReceiverNews['closed']> {
  return {
    normally: frame.errorCode === Number(StreamErrorCode.NoError) && before?.normally !== false,
    message: frame.errorMessage || (before?.message ?? '')
  }
}
