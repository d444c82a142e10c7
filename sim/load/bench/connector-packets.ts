import { hash } from 'node:crypto'
import {
  StreamMoneyFrame,
  StreamPacketType,
  conditionOf,
  deriveStreamKeys,
  encodePrepare,
  encodeReply,
  encryptStreamPacket,
  fulfillmentOf
} from '../../../node/ilp/index.ts'
import type { StreamCredentials } from '../../../node/ilp/index.ts'
import type { Random } from '../../../node/runtime/index.ts'

/** Bytes of application data in each packet: what a STREAM packet with a money frame or two takes. */
export const PAYLOAD_BYTES = 100
/** Amount of each packet, in minor units of the link's asset. */
export const PACKET_AMOUNT = 1n
/** From sending to expiry. */
const LIFETIME_MS = 30_000
const FULFILLMENT_BYTES = 32

/**
 * Prepares of one shape, written by copying one packet and filling in what differs: the generator shares two
 * processors with what it measures. Each has a condition of its own, for a node refuses one that is in flight.
 * The fulfillment travels in the packet's data, where the receiver of the benchmark finds it.
 */
export function createPacketFactory(
  destination: string,
  seed: string,
  amount: bigint = PACKET_AMOUNT
): PacketFactory {
  const template = encodePrepare({
    amount,
    expiresAtMs: 0,
    executionCondition: Buffer.alloc(32),
    destination,
    data: Buffer.alloc(PAYLOAD_BYTES)
  })
  // RFC 27: type, length (1 byte below 128, else 2 or 3), amount (8), expiry (17), condition (32), …, data.
  const lengthBytes = template[1]! < 0x80 ? 1 : 1 + (template[1]! & 0x7f)
  const expiryAt = 1 + lengthBytes + 8
  const conditionAt = expiryAt + 17
  const dataAt = template.length - PAYLOAD_BYTES
  let count = 0
  return {
    next(nowMs) {
      const bytes = Buffer.from(template)
      const fulfillment = hash('sha256', `${seed}/${count++}`, 'buffer')
      bytes.write(interledgerTime(nowMs + LIFETIME_MS), expiryAt, 'latin1')
      hash('sha256', fulfillment, 'buffer').copy(bytes, conditionAt)
      fulfillment.copy(bytes, dataAt)
      return { bytes, fulfillment }
    }
  }
}

/** Where the packets of a phase come from. */
export interface PacketFactory {
  /** The next Prepare, and the fulfillment that answers it. */
  next(nowMs: number): { bytes: Buffer; fulfillment: Buffer }
}

/** STREAM packets, each encrypted and fulfillable, over a number of connections by turns. */
export function createStreamPacketFactory(
  credentials: readonly StreamCredentials[],
  random: Pick<Random, 'bytes'>
): PacketFactory {
  const connections = credentials.map(({ destination, sharedSecret }) => ({
    destination,
    keys: deriveStreamKeys(sharedSecret),
    sequence: 0n
  }))
  let turn = 0
  return {
    next(nowMs) {
      const connection = connections[turn++ % connections.length]!
      const { destination, keys } = connection
      const data = encryptStreamPacket(
        keys,
        {
          sequence: ++connection.sequence,
          type: StreamPacketType.PREPARE,
          prepareAmount: PACKET_AMOUNT,
          frames: [new StreamMoneyFrame(1, 1)]
        },
        random
      )
      const fulfillment = fulfillmentOf(keys, data)
      const bytes = encodePrepare({
        amount: PACKET_AMOUNT,
        expiresAtMs: nowMs + LIFETIME_MS,
        executionCondition: conditionOf(fulfillment),
        destination,
        data
      })
      return { bytes, fulfillment }
    }
  }
}

/** The Fulfill of a Prepare that `createPacketFactory` wrote. */
export function fulfill(prepare: Buffer): Buffer {
  const dataAt = prepare.length - PAYLOAD_BYTES
  const bytes = Buffer.from(FULFILL)
  prepare.copy(bytes, bytes.length - 1 - FULFILLMENT_BYTES, dataAt, dataAt + FULFILLMENT_BYTES)
  return bytes
}

const FULFILL = encodeReply({
  type: 'fulfill',
  fulfillment: Buffer.alloc(FULFILLMENT_BYTES),
  data: Buffer.alloc(0)
})

/** What came back for a Prepare: `fulfilled`, the code of a Reject, or what else it is. */
export function classifyReply(reply: Buffer, fulfillment: Buffer): string {
  if (reply[0] === 13) {
    const at = reply[1]! < 0x80 ? 2 : 2 + (reply[1]! & 0x7f)
    return reply.subarray(at, at + FULFILLMENT_BYTES).equals(fulfillment) ? 'fulfilled' : 'wrong fulfillment'
  }
  if (reply[0] === 14) {
    const at = reply[1]! < 0x80 ? 2 : 2 + (reply[1]! & 0x7f)
    return reply.toString('latin1', at, at + 3)
  }
  return 'no packet'
}

function interledgerTime(timeMs: number): string {
  return new Date(timeMs).toISOString().replace(/[-T:.Z]/g, '')
}
