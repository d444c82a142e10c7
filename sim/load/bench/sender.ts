import { createCipheriv, createDecipheriv, createHash, createHmac, createSecretKey } from 'node:crypto'
import { createStreamReceiver, sendStream } from '../../../node/ilp/index.ts'
import type { OutgoingPacket, OutgoingReply } from '../../../node/ilp/index.ts'
import type { Runtime } from '../../../node/runtime/index.ts'
import { createLatencies, rounded } from './histogram.ts'
import type { Latencies } from './histogram.ts'
import type { Benchmark, BenchmarkContext, BenchmarkResult } from './model.ts'

/** Source units of a packet, and what arrives of it. */
const PACKET = 1_000n
const ARRIVES = 910n
/** One turn of ours, and of the limit. */
const PACKETS_PER_TURN = 5_000
/** Plain bytes of the STREAM data of a Prepare and of its answer, as they are here. */
const PREPARE_BYTES = 14
const REPLY_BYTES = 24
const WARM_UP_TURNS = 2

/** How much was done, in how much time of the clock and of the processor. */
interface Tally {
  packets: number
  elapsedMs: number
  processorMs: number
}

/**
 * Packets of the STREAM sender over a path within the process, whose end is our own receiver: nothing but planning,
 * books, STREAM's encryption and the receiver's answer. Counted per second of processor time, all threads of the
 * process together. The limit is the cryptography of such packets alone.
 */
export const senderBenchmark: Benchmark = {
  name: 'sender',
  title:
    'packets of a payment over a path within the process, per processor second, beside their bare cryptography',
  options: {},
  run
}

async function run(context: BenchmarkContext): Promise<BenchmarkResult> {
  const { runtime, seconds, signal } = context
  const { clock } = runtime
  const paying = createPaying(runtime)
  const bare = createBare()
  const ours: Tally = { packets: 0, elapsedMs: 0, processorMs: 0 }
  const limit: Tally = { packets: 0, elapsedMs: 0, processorMs: 0 }
  context.step('warm-up', `${WARM_UP_TURNS} payments of ${PACKETS_PER_TURN} packets`)
  for (let turn = 0; turn < WARM_UP_TURNS; turn++) {
    await paying.pay(createLatencies())
    bare()
  }
  const latencies = createLatencies()
  const untilMs = clock.monotonicMs() + seconds * 1_000
  context.step('measuring', `${seconds} s, by turns with the limit`)
  while (clock.monotonicMs() < untilMs) {
    signal.throwIfAborted()
    await tally(runtime, ours, () => paying.pay(latencies))
    await tally(runtime, limit, () => Promise.resolve(bare()))
    context.progress(`${ours.packets} packets`)
  }
  const perSecond = perProcessorSecond(ours)
  const limitPerSecond = perProcessorSecond(limit)
  const problems = paying.audit()
  return {
    perSecond,
    limitPerSecond,
    ratio: rounded(perSecond / limitPerSecond),
    p50Ms: latencies.percentileMs(50),
    p99Ms: latencies.percentileMs(99),
    packets: ours.packets,
    perClockSecond: Math.round((ours.packets * 1_000) / ours.elapsedMs),
    audit: { ok: problems.length === 0, problems }
  }
}

async function tally({ clock }: Runtime, to: Tally, turn: () => Promise<void>): Promise<void> {
  const startMs = clock.monotonicMs()
  const start = process.cpuUsage()
  await turn()
  const { user, system } = process.cpuUsage(start)
  to.packets += PACKETS_PER_TURN
  to.elapsedMs += clock.monotonicMs() - startMs
  to.processorMs += (user + system) / 1_000
}

function perProcessorSecond({ packets, processorMs }: Tally): number {
  return Math.round((packets * 1_000) / processorMs)
}

/** Pays one receiver again and again; `audit` compares both ends' books. */
function createPaying({ clock, random }: Runtime) {
  const receiver = createStreamReceiver({ serverSecret: random.bytes(32), random })
  const serverAddress = 'test.bench'
  const { ilpAddress, sharedSecret } = receiver.createCredentials({
    serverAddress,
    paymentTag: 'payment',
    asset: { code: 'EUR', scale: 2 }
  })
  const rate = { numerator: ARRIVES, denominator: PACKET }
  const problems: string[] = []
  let received = 0n
  let delivered = 0n

  function answer(packet: OutgoingPacket): OutgoingReply {
    const amount = (packet.amount * ARRIVES) / PACKET
    const request = receiver.open({ ...packet, amount }, serverAddress)
    if ('reject' in request) return request.reject
    received += amount
    const reply = request.accept({ totalReceived: received })
    // As the connector does, before it books the packet.
    packet.readDelivered(reply.data)
    return reply
  }

  return {
    async pay(latencies: Latencies): Promise<void> {
      const packets = BigInt(PACKETS_PER_TURN)
      const result = await sendStream({
        credentials: { destination: ilpAddress, sharedSecret },
        clock,
        random,
        sourceBudget: packets * PACKET,
        deliver: packets * ARRIVES,
        minimumRate: rate,
        path: { maxPacketAmount: PACKET, lowRate: rate, highRate: rate },
        async sendPacket(packet) {
          const startMs = clock.monotonicMs()
          const reply = await Promise.resolve(answer(packet))
          latencies.record(clock.monotonicMs() - startMs)
          return reply
        }
      })
      delivered += result.delivered
      if (result.outcome !== 'delivered' || result.packetsSent !== PACKETS_PER_TURN) {
        problems.push(`a payment ended ${result.outcome} after ${result.packetsSent} packets`)
      }
    },
    audit(): string[] {
      if (delivered !== received) problems.push(`${delivered} were booked as delivered, ${received} arrived`)
      return problems
    }
  }
}

/**
 * The cryptography that such packets cannot do without (RFC 29, 5.1 and 6.3): Prepare and answer encrypted and
 * decrypted, the fulfillment computed by sender and receiver, its hash by the sender; nothing else.
 */
function createBare(): () => void {
  const key = createSecretKey(Buffer.alloc(32, 1))
  const iv = Buffer.alloc(12, 2)
  const exchange = (plain: Buffer): Buffer => {
    const cipher = createCipheriv('aes-256-gcm', key, iv)
    const body = Buffer.concat([cipher.update(plain), cipher.final()])
    const data = Buffer.concat([iv, cipher.getAuthTag(), body])
    const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, 12))
    decipher.setAuthTag(data.subarray(12, 28))
    decipher.update(data.subarray(28))
    decipher.final()
    return data
  }
  const fulfillment = (data: Buffer) => createHmac('sha256', key).update(data).digest()
  const prepare = Buffer.alloc(PREPARE_BYTES)
  const reply = Buffer.alloc(REPLY_BYTES)
  return () => {
    for (let packet = 0; packet < PACKETS_PER_TURN; packet++) {
      const data = exchange(prepare)
      createHash('sha256').update(fulfillment(data)).digest()
      fulfillment(data)
      exchange(reply)
    }
  }
}
