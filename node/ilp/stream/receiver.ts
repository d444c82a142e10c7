import { createSecretKey } from 'node:crypto'
import type { Random } from '../../runtime/index.ts'
import type { IlpFulfill, IlpPrepare, IlpReject } from '../model.ts'
import {
  IlpErrorCode,
  MAX_PACKET_AMOUNT,
  createFulfill,
  createReject,
  cutToBytes,
  fulfills
} from '../packet.ts'
import { maxOf, minOf } from '../ratio.ts'
import {
  ConnectionAssetDetailsFrame,
  ConnectionCloseFrame,
  ConnectionMaxDataFrame,
  ConnectionMaxStreamIdFrame,
  FrameType,
  StreamDataFrame,
  StreamErrorCode,
  StreamMaxDataFrame,
  StreamMaxMoneyFrame,
  StreamPacketType,
  asBigInt,
  asLongValue,
  StreamReceiptFrame,
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf,
  hmac
} from './codec.ts'
import type { Frame, StreamKeys, StreamPacket } from './codec.ts'
import { createCredentialsIssuer } from './credentials.ts'
import type { AssetDetails, ReceiptSetup, RecognisedConnection } from './credentials.ts'

/** Streams that a client may have beyond the highest it used: 10 of its own (RFC 29, 3.3). */
export const STREAM_ID_HEADROOM = 20
/** Bytes of application data that a client may send beyond what this packet brought. */
export const DATA_HEADROOM_BYTES = 65_534
/** Connections whose keys are kept at hand; those of others are derived again, at some 50 µs a packet. */
export const MAX_CACHED_CONNECTIONS = 1_000
/** Frames that one packet may hold; more are answered F06. */
export const MAX_FRAMES_PER_PACKET = 256

/** The longest reason of a final decline, in bytes of UTF-8; longer ones are cut. */
export const MAX_DECLINE_REASON_BYTES = 8_191

/** What the ledger says of a connection's money, in destination units. */
export interface ReceivedTotals {
  /** What arrived on the connection, with the amount of this packet if it is accepted. Never shrinks. */
  totalReceived: bigint
  /** The most that the connection will receive, as far as is known now; unlimited when absent. */
  receiveMax?: bigint
}

/**
 * An authentic packet of one of our connections, opened once. Exactly one of the answers is then given:
 *
 *   canAccept and amount > 0   ask the ledger, then accept | decline | finalDecline
 *   otherwise                  `standardReply`: nothing is to be booked
 */
export interface StreamRequest {
  paymentTag: string
  /** The same for all packets of a connection. */
  connectionId: string
  sequence: bigint
  /** What arrived, in destination units: the Prepare's amount. */
  amount: bigint
  /** The least that the sender lets us accept. */
  minimumAccepted: bigint
  frames: readonly Frame[]
  /** The condition is the one that our fulfillment meets: a payment, not a probe. */
  isFulfillable: boolean
  /** Fulfillable, at or above the minimum, and on streams that may receive. */
  canAccept: boolean
  /** The bytes of the packet's first data frame (of stream 1, where there is one). */
  applicationData?: Buffer
  /**
   * The answer to a packet that moves no money: a probe or an amount below the minimum get F99, a zero amount
   * gets its fulfillment; all with authentic data that says what arrived. Undefined where money is at stake.
   * Who knows the totals may instead `accept` a zero amount, which then tells the sender what it delivered.
   */
  standardReply?: IlpFulfill | IlpReject
  /**
   * Fulfills. Call it only after the money is booked durably. Without totals (they could not be had in time) it
   * says nothing of them and gives no receipt: the next one covers this packet too.
   */
  accept(totals?: ReceivedTotals): IlpFulfill
  /** F99 with authentic data: not now. Without a close the sender may try again. */
  decline(totals?: ReceivedTotals): IlpReject
  /** F99 that closes the connection; a reason goes to the sender as application data. */
  finalDecline(reason?: string): IlpReject
}

/** Why a packet could not be opened: the Reject to answer with. */
export interface UnopenedRequest {
  reject: IlpReject
}

export interface StreamReceiver {
  /**
   * Fresh credentials whose packets carry `paymentTag` (at most 255 bytes) back to `open`.
   *
   * @throws RangeError when tag and server address do not fit an ILP address
   */
  createCredentials(details: {
    serverAddress: string
    paymentTag: string
    asset?: AssetDetails
    receipts?: ReceiptSetup
  }): { ilpAddress: string; sharedSecret: Buffer }
  /** The payment tag of an address issued for `serverAddress`, undefined for any other. */
  readPaymentTag(destination: string, serverAddress: string): string | undefined
  /**
   * Opens a packet: F02 for an address that was not issued here, F06 for data that is not a STREAM request
   * under the connection's secret (RFC 29, 4.2).
   */
  open(prepare: IlpPrepare, serverAddress: string): StreamRequest | UnopenedRequest
}

interface KnownConnection extends RecognisedConnection {
  keys: StreamKeys
}

/** @throws RangeError when the secret has not 32 bytes */
export function createStreamReceiver(options: {
  serverSecret: Buffer
  random: Pick<Random, 'bytes' | 'orderedId'>
}): StreamReceiver {
  const { random } = options
  const issuer = createCredentialsIssuer(options.serverSecret, random)
  // The least recently used is the first: a Map keeps the order of insertion.
  const connections = new Map<string, KnownConnection>()

  function findConnection(destination: string, serverAddress: string): KnownConnection | undefined {
    const key = `${serverAddress} ${destination}`
    const cached = connections.get(key)
    if (cached) connections.delete(key)
    const recognised = cached ?? issuer.recognise(destination, serverAddress)
    if (!recognised) return undefined
    const known = cached ?? { ...recognised, keys: deriveStreamKeys(recognised.sharedSecret) }
    connections.set(key, known)
    if (connections.size > MAX_CACHED_CONNECTIONS) connections.delete(connections.keys().next().value!)
    return known
  }

  return {
    createCredentials({ serverAddress, ...details }) {
      const { destination, sharedSecret } = issuer.issue(serverAddress, details)
      return { ilpAddress: destination, sharedSecret }
    },

    readPaymentTag: (destination, serverAddress) => findConnection(destination, serverAddress)?.paymentTag,

    open(prepare, serverAddress) {
      const connection = findConnection(prepare.destination, serverAddress)
      if (connection === undefined) {
        return { reject: createReject(IlpErrorCode.F02_UNREACHABLE, { triggeredBy: serverAddress }) }
      }
      const { keys } = connection
      const packet = decryptStreamPacket(keys, prepare.data)
      if (
        packet === undefined ||
        packet.type !== StreamPacketType.PREPARE ||
        packet.frames.length > MAX_FRAMES_PER_PACKET
      ) {
        return { reject: createReject(IlpErrorCode.F06_UNEXPECTED_PAYMENT, { triggeredBy: serverAddress }) }
      }

      const fulfillment = fulfillmentOf(keys, prepare.data)
      const isFulfillable = fulfills(fulfillment, prepare.executionCondition)
      const wrongStream = packet.frames.find(opensWrongStream)
      const isClosing = packet.frames.some((frame) => frame.type === FrameType.ConnectionClose)
      const canAccept =
        isFulfillable && prepare.amount >= packet.prepareAmount && wrongStream === undefined && !isClosing
      const applicationData = readApplicationData(packet)

      const data = (type: StreamPacketType, frames: Frame[]) =>
        encryptStreamPacket(
          keys,
          { sequence: packet.sequence, type, prepareAmount: prepare.amount, frames },
          random
        )
      const fulfill = (frames: Frame[]) => createFulfill(fulfillment, data(StreamPacketType.FULFILL, frames))
      const reject = (frames: Frame[]) =>
        createReject(IlpErrorCode.F99_APPLICATION_ERROR, {
          triggeredBy: serverAddress,
          data: data(StreamPacketType.REJECT, frames)
        })
      const connectionFrames = () => framesForConnection(packet, connection)

      const standardReply = (): IlpFulfill | IlpReject | undefined => {
        if (wrongStream) return reject([protocolViolation(wrongStream)])
        if (isClosing) return reject([new ConnectionCloseFrame(StreamErrorCode.NoError, '')])
        if (!canAccept) return reject(connectionFrames())
        return prepare.amount === 0n ? fulfill(connectionFrames()) : undefined
      }
      const reply = standardReply()

      return {
        paymentTag: connection.paymentTag,
        connectionId: connection.connectionId,
        sequence: packet.sequence,
        amount: prepare.amount,
        minimumAccepted: packet.prepareAmount,
        frames: packet.frames,
        isFulfillable,
        canAccept,
        ...(applicationData && { applicationData }),
        ...(reply && { standardReply: reply }),
        accept: (totals) =>
          fulfill([
            ...connectionFrames(),
            ...(totals ? framesForMoney(packet, totals) : []),
            ...(totals && connection.receipts
              ? [receiptFrame(connection.receipts, totals.totalReceived)]
              : [])
          ]),
        decline: (totals) =>
          reject([...connectionFrames(), ...(totals ? framesForMoney(packet, totals) : [])]),
        finalDecline: (reason) =>
          reject([
            new ConnectionCloseFrame(StreamErrorCode.NoError, ''),
            ...(reason
              ? [new StreamDataFrame(1, 0, Buffer.from(cutToBytes(reason, MAX_DECLINE_REASON_BYTES)))]
              : [])
          ])
      }
    }
  }
}

/** Client-initiated streams have odd numbers (RFC 29, 4.4.1). */
function opensWrongStream(frame: Frame): boolean {
  return (
    (frame.type === FrameType.StreamMoney || frame.type === FrameType.StreamData) && frame.streamId.isEven()
  )
}

function protocolViolation(frame: Frame): Frame {
  const streamId = 'streamId' in frame ? frame.streamId.toString() : ''
  return new ConnectionCloseFrame(
    StreamErrorCode.ProtocolViolation,
    `Stream ${streamId}: streams that a client opens have odd numbers`
  )
}

/** A new connection learns the asset and its limits; data flow goes on. All without state: from this packet. */
function framesForConnection(packet: StreamPacket, { asset }: RecognisedConnection): Frame[] {
  const frames: Frame[] = []
  let isNew = false
  let asksForStreams = false
  let highestStreamId = 0n
  let connectionBytes = 0n
  const streamBytes = new Map<string, bigint>()

  for (const frame of packet.frames) {
    if (frame.type === FrameType.ConnectionNewAddress || frame.type === FrameType.ConnectionAssetDetails)
      isNew = true
    if (frame.type === FrameType.ConnectionStreamIdBlocked) asksForStreams = true
    if ('streamId' in frame) {
      highestStreamId = maxOf(highestStreamId, asBigInt(frame.streamId))
    }
    if (frame.type === FrameType.StreamData) {
      const end = BigInt(frame.offset.toString()) + BigInt(frame.data.length)
      const streamId = frame.streamId.toString()
      streamBytes.set(streamId, maxOf(streamBytes.get(streamId) ?? 0n, end))
      connectionBytes += end
    }
    if (frame.type === FrameType.ConnectionDataBlocked) {
      connectionBytes = maxOf(connectionBytes, BigInt(frame.maxOffset.toString()))
    }
  }

  if (isNew && asset) frames.push(new ConnectionAssetDetailsFrame(asset.code, asset.scale))
  if (isNew || asksForStreams || highestStreamId * 4n > BigInt(STREAM_ID_HEADROOM) * 3n) {
    frames.push(new ConnectionMaxStreamIdFrame(limited(highestStreamId + BigInt(STREAM_ID_HEADROOM))))
  }
  // Application data is only looked at, never stored, so whatever was sent has been read.
  if (connectionBytes > 0n) {
    frames.push(new ConnectionMaxDataFrame(limited(connectionBytes + BigInt(DATA_HEADROOM_BYTES))))
  }
  for (const [streamId, end] of streamBytes) {
    frames.push(new StreamMaxDataFrame(streamId, limited(end + BigInt(DATA_HEADROOM_BYTES))))
  }
  return frames
}

/**
 * How much may still come, for every stream with money or a limit in this packet. Money is counted per
 * connection, and each stream is told the connection's total: what is left is then the same on all of them.
 */
function framesForMoney(packet: StreamPacket, { totalReceived, receiveMax }: ReceivedTotals): Frame[] {
  const streamIds = new Set<bigint>()
  for (const frame of packet.frames) {
    if (frame.type === FrameType.StreamMoney || frame.type === FrameType.StreamMaxMoney) {
      streamIds.add(asBigInt(frame.streamId))
    }
  }
  if (streamIds.size === 0) streamIds.add(1n)
  return [...streamIds].map(
    (streamId) =>
      new StreamMaxMoneyFrame(
        asLongValue(streamId),
        limited(receiveMax ?? MAX_PACKET_AMOUNT),
        limited(totalReceived)
      )
  )
}

/**
 * A receipt (STREAM Receipts, version 1) for the connection's total, on stream 1 whatever stream the money
 * came on: verifiers add up the streams of a nonce.
 */
function receiptFrame({ nonce, secret }: ReceiptSetup, totalReceived: bigint): Frame {
  const total = Buffer.alloc(8)
  total.writeBigUInt64BE(minOf(totalReceived, MAX_PACKET_AMOUNT))
  const body = Buffer.concat([Buffer.of(1), nonce, Buffer.of(1), total])
  return new StreamReceiptFrame(1, Buffer.concat([body, hmac(createSecretKey(secret), body)]))
}

function readApplicationData(packet: StreamPacket): Buffer | undefined {
  const frames = packet.frames.filter((frame) => frame instanceof StreamDataFrame)
  return (frames.find((frame) => frame.streamId.equals(1)) ?? frames[0])?.data
}

function limited(value: bigint) {
  return asLongValue(minOf(value, MAX_PACKET_AMOUNT))
}
