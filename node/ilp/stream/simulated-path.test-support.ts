import type { ManualClock } from '../../runtime/index.ts'
import { createManualClock, createRandom } from '../../runtime/index.ts'
import type { IlpReject, IlpReply, OutgoingPacket, OutgoingReply, Ratio, SendPacket } from '../model.ts'
import { IlpErrorCode, createReject, encodeAmountTooLarge } from '../packet.ts'
import { floorTimes } from '../ratio.ts'
import { createStreamReceiver } from './receiver.ts'

/** One connector of a simulated path. */
export interface Hop {
  rate: Ratio
  /** In the units that arrive at it. */
  maxPacketAmount?: bigint
}

/** A Reject's code, or an answer that never came: after the receiver was paid, or before. */
export type Mishap = IlpErrorCode | 'lostAnswer' | 'lostPacket'

export interface SimulatedPathOptions {
  hops: Hop[]
  /** The receiver takes packets while it has less. */
  receiveMax?: bigint
  /** What happens to the n-th packet that carries money. */
  mishap?: (index: number, packet: OutgoingPacket) => Mishap | undefined
  /** Reasons for which the receiver declines application data. */
  declineData?: (data: Buffer) => string | undefined
  /** Answers take this long; 0 answers at once. */
  latencyMs?: number
  /** One that several paths share. Default: a clock of its own. */
  clock?: ManualClock
  /** A sender that needs more does not come to an end by itself. Default 20,000. */
  maxPackets?: number
}

/** For tests: a path of connectors that round down, with our receiver at its end, and books of both ends. */
export interface SimulatedPath {
  clock: ManualClock
  random: ReturnType<typeof createRandom>
  credentials: { destination: string; sharedSecret: Buffer }
  sendPacket: SendPacket
  hops: Hop[]
  /** What the receiver fulfilled, what the sender's connector booked, and what it knows nothing of. */
  received: bigint
  sent: bigint
  packets: OutgoingPacket[]
  /** Source amounts of packets in doubt. */
  lost: bigint[]
  /** Every booked packet in order, with the cumulative totals after it. */
  booked: { sent: bigint; delivered: bigint }[]
  inFlight: number
  mostInFlight: number
  receivedData: string[]
  /** What the hops make of a packet now; undefined where they reject it. */
  arriving(amount: bigint): bigint | undefined
}

export function createSimulatedPath(options: SimulatedPathOptions): SimulatedPath {
  const { clock = createManualClock(), maxPackets = 20_000 } = options
  let counter = 0
  const random = createRandom((length) => {
    const bytes = Buffer.alloc(Math.ceil(length / 4) * 4)
    for (let offset = 0; offset < length; offset += 4) {
      bytes.writeUInt32BE((counter = (counter * 1_664_525 + 1_013_904_223) >>> 0), offset)
    }
    return bytes.subarray(0, length)
  }, clock)
  const receiver = createStreamReceiver({ serverSecret: Buffer.alloc(32, 1), random })
  const serverAddress = 'test.receiver'
  const { ilpAddress, sharedSecret } = receiver.createCredentials({
    serverAddress,
    paymentTag: 'payment',
    asset: { code: 'EUR', scale: 2 }
  })
  let moneyPackets = 0
  let delivered = 0n

  const path: SimulatedPath = {
    clock,
    random,
    credentials: { destination: ilpAddress, sharedSecret },
    hops: options.hops,
    received: 0n,
    sent: 0n,
    packets: [],
    lost: [],
    booked: [],
    inFlight: 0,
    mostInFlight: 0,
    receivedData: [],
    arriving(amount) {
      const arrived = convert(amount)
      return typeof arrived === 'bigint' ? arrived : undefined
    },
    sendPacket: async (packet) => {
      path.packets.push(packet)
      if (path.packets.length > maxPackets) throw new Error('the sender does not come to an end')
      path.inFlight++
      path.mostInFlight = Math.max(path.mostInFlight, path.inFlight)
      const mishap =
        packet.isProbe || packet.amount === 0n ? undefined : options.mishap?.(moneyPackets++, packet)
      if (options.latencyMs) await clock.sleep(options.latencyMs)
      path.inFlight--
      return book(packet, mishap)
    }
  }

  function book(packet: OutgoingPacket, mishap: Mishap | undefined): OutgoingReply {
    if (mishap === 'lostPacket' || mishap === 'lostAnswer') {
      path.lost.push(packet.amount)
      if (mishap === 'lostAnswer') forward(packet)
      return { type: 'inDoubt' }
    }
    if (mishap) return createReject(mishap, { triggeredBy: 'test.hop' })
    const reply = forward(packet)
    if (reply.type === 'fulfill' && !packet.isProbe) {
      path.sent += packet.amount
      delivered += packet.readDelivered(reply.data)
      path.booked.push({ sent: path.sent, delivered })
    }
    return reply
  }

  /** What a packet becomes on its way, or the Reject of the hop that does not take it. */
  function convert(sent: bigint): bigint | IlpReject {
    let amount = sent
    for (const { rate, maxPacketAmount } of options.hops) {
      if (maxPacketAmount !== undefined && amount > maxPacketAmount) {
        const data = encodeAmountTooLarge({ receivedAmount: amount, maximumAmount: maxPacketAmount })
        return createReject(IlpErrorCode.F08_AMOUNT_TOO_LARGE, { triggeredBy: 'test.hop', data })
      }
      const converted = floorTimes(amount, rate)
      if (converted === 0n && amount > 0n)
        return createReject(IlpErrorCode.R01_INSUFFICIENT_SOURCE_AMOUNT, { triggeredBy: 'test.hop' })
      if (converted >= 2n ** 64n)
        return createReject(IlpErrorCode.F03_INVALID_AMOUNT, { triggeredBy: 'test.hop' })
      amount = converted
    }
    return amount
  }

  function forward(packet: OutgoingPacket): IlpReply {
    const amount = convert(packet.amount)
    if (typeof amount !== 'bigint') return amount
    const request = receiver.open({ ...packet, amount }, serverAddress)
    if ('reject' in request) return request.reject
    const totals = () => ({
      totalReceived: path.received,
      ...(options.receiveMax !== undefined && { receiveMax: options.receiveMax })
    })
    if (request.applicationData) {
      const reason = options.declineData?.(request.applicationData)
      if (reason !== undefined) return request.finalDecline(reason)
    }
    if (request.standardReply)
      return request.amount === 0n && request.canAccept ? request.accept(totals()) : request.standardReply
    if (options.receiveMax !== undefined && path.received >= options.receiveMax)
      return request.decline(totals())
    if (request.applicationData) path.receivedData.push(request.applicationData.toString())
    path.received += request.amount
    return request.accept(totals())
  }

  return path
}

/** Moves the clock from timer to timer until the promise settles. */
export async function runToEnd<Result>(clock: ManualClock, promise: Promise<Result>): Promise<Result> {
  let isSettled = false
  const settled = promise.finally(() => (isSettled = true))
  settled.catch(() => undefined)
  for (;;) {
    for (let turn = 0; turn < 3 && !isSettled; turn++) await new Promise((resolve) => setImmediate(resolve))
    if (isSettled) return settled
    const nextMs = clock.nextTimerMs()
    if (nextMs !== undefined) await clock.advance(Math.max(0, nextMs - clock.nowMs()))
  }
}
