import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock, createSystemRandom } from '../../runtime/index.ts'
import type { OutgoingPacket, OutgoingReply, Ratio } from '../model.ts'
import { IlpErrorCode, createFulfill, createReject } from '../packet.ts'
import { ceilDivide, createRatio } from '../ratio.ts'
import {
  ConnectionCloseFrame,
  StreamMaxMoneyFrame,
  StreamPacketType,
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket
} from './codec.ts'
import { sendStream } from './sender.ts'
import { runToEnd } from './simulated-path.test-support.ts'
import { testCount } from '../../../test-counts.ts'

/** What a path and a receiver who lie may answer to one packet. */
type Answer =
  | { kind: 'fulfil'; claims: 'nothing' | 'less' | 'more' | 'garbage'; by: bigint }
  | { kind: 'reject'; code: IlpErrorCode; data: Buffer }
  | { kind: 'refuse'; code: IlpErrorCode; arrived: bigint; room: bigint | undefined; closes: boolean }
  | { kind: 'doubt' }

const amount = fc.oneof(fc.bigInt(0n, 50n), fc.bigInt(0n, 10n ** 6n), fc.bigInt(0n, 2n ** 64n - 1n))
const code = fc.constantFrom(...Object.values(IlpErrorCode))
const answer: fc.Arbitrary<Answer> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('fulfil' as const),
      claims: fc.constantFrom('nothing', 'less', 'more', 'garbage'),
      by: amount
    })
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('reject' as const),
      code,
      data: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes))
    })
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('refuse' as const),
      code,
      arrived: amount,
      room: fc.option(amount, { nil: undefined }),
      closes: fc.integer({ min: 0, max: 9 }).map((value) => value === 0)
    })
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'doubt' as const }) }
)

/** A path that answers each packet as it is told, in any order; `books` are the sender's own. */
function createAdversary(answers: readonly { answer: Answer; delayMs: number }[]) {
  const clock = createManualClock()
  const random = createSystemRandom(clock)
  const credentials = { destination: 'test.mallory', sharedSecret: random.bytes(32) }
  const keys = deriveStreamKeys(credentials.sharedSecret)
  const books = { sent: 0n, delivered: 0n, atStake: 0n, doubtful: 0, packets: 0 }

  function reply(packet: OutgoingPacket, { answer }: { answer: Answer }): OutgoingReply {
    const { sequence } = decryptStreamPacket(keys, packet.data)!
    const { minimumDelivered, isProbe } = packet
    if (isProbe && answer.kind === 'fulfil') return createReject('F05', { triggeredBy: 'test.own' })
    if (isProbe && answer.kind === 'doubt') return { type: 'inDoubt' }
    const amount = isProbe ? 0n : packet.amount
    switch (answer.kind) {
      case 'doubt':
        books.doubtful++
        return { type: 'inDoubt' }
      case 'reject':
        books.atStake -= amount
        return createReject(answer.code, { triggeredBy: 'test.mallory', data: answer.data })
      case 'refuse': {
        books.atStake -= amount
        const frames = [
          ...(answer.room === undefined ? [] : [new StreamMaxMoneyFrame(1, answer.room.toString(), 0)]),
          ...(answer.closes ? [new ConnectionCloseFrame(1, '')] : [])
        ]
        const data = encryptStreamPacket(
          keys,
          { sequence, type: StreamPacketType.REJECT, prepareAmount: answer.arrived, frames },
          random
        )
        return createReject(answer.code, { triggeredBy: 'test.mallory', data })
      }
      case 'fulfil': {
        const claimed = {
          nothing: 0n,
          less: minimumDelivered > answer.by ? minimumDelivered - answer.by : 0n,
          more: minimumDelivered + answer.by < 2n ** 64n ? minimumDelivered + answer.by : minimumDelivered,
          garbage: 0n
        }[answer.claims]
        const data =
          answer.claims === 'garbage'
            ? random.bytes(40)
            : encryptStreamPacket(
                keys,
                { sequence, type: StreamPacketType.FULFILL, prepareAmount: claimed, frames: [] },
                random
              )
        books.atStake -= amount
        books.sent += amount
        books.delivered += packet.readDelivered(data)
        return createFulfill(Buffer.alloc(32), data)
      }
    }
  }

  return {
    clock,
    random,
    credentials,
    books,
    async sendPacket(packet: OutgoingPacket): Promise<OutgoingReply> {
      const next = answers[books.packets++ % answers.length]!
      if (!packet.isProbe) books.atStake += packet.amount
      if (next.delayMs > 0) await clock.sleep(next.delayMs)
      return reply(packet, next)
    }
  }
}

const ratio: fc.Arbitrary<Ratio> = fc
  .tuple(fc.bigInt(0n, 10n ** 6n), fc.bigInt(1n, 10n ** 6n))
  .map(([numerator, denominator]) => createRatio(numerator, denominator))

const RUNS = testCount('lyingPaths')
/** Long runs take longer than the suite's limit for one test. */
const timeout = 20_000 + RUNS * 20

describe('a payment over a path that lies', () => {
  it(
    'comes to an end, never at stake above its budget, never below its minimum rate',
    { timeout },
    async () => {
      const outcomes = new Set<string>()
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            sourceBudget: fc.bigInt(1n, 10n ** 9n),
            deliver: fc.bigInt(1n, 10n ** 9n),
            minimumRate: ratio,
            rate: ratio,
            maxPacketAmount: fc.option(fc.bigInt(1n, 10n ** 9n), { nil: undefined }),
            before: fc.option(
              fc.record({ alreadySent: fc.bigInt(0n, 10n ** 6n), surplus: fc.bigInt(0n, 1_000n) }),
              { nil: undefined }
            ),
            answers: fc.array(fc.record({ answer, delayMs: fc.constantFrom(0, 1, 7, 30) }), {
              minLength: 1,
              maxLength: 25
            })
          }),
          async ({ sourceBudget, deliver, minimumRate, rate, maxPacketAmount, before, answers }) => {
            const path = createAdversary(answers)
            const { books } = path
            const alreadySent = before?.alreadySent ?? 0n
            const { numerator, denominator } = minimumRate
            // What an earlier attempt left is lawful as well.
            const alreadyDelivered =
              ceilDivide(alreadySent * numerator, denominator) + (before?.surplus ?? 0n)
            const expectLawful = () => {
              expect(books.sent + books.atStake <= sourceBudget).toBe(true)
              const sent = alreadySent + books.sent
              expect((alreadyDelivered + books.delivered) * denominator >= sent * numerator).toBe(true)
            }
            const result = await runToEnd(
              path.clock,
              sendStream({
                ...path,
                sourceBudget,
                deliver,
                minimumRate,
                alreadySent,
                alreadyDelivered,
                path: {
                  ...(rate.numerator > 0n && { lowRate: rate, highRate: rate }),
                  ...(maxPacketAmount !== undefined && { maxPacketAmount })
                },
                limits: { maxPackets: 400 },
                async sendPacket(packet) {
                  const pending = path.sendPacket(packet)
                  expectLawful()
                  const reply = await pending
                  expectLawful()
                  return reply
                }
              })
            )
            expectLawful()
            expect(result.error?.code).not.toBe('InternalError')
            expect(result.sent).toBe(books.sent)
            expect(result.delivered).toBe(books.delivered)
            expect(result.inDoubtCount).toBe(books.doubtful)
            if (result.outcome === 'delivered') expect(result.delivered >= deliver).toBe(true)
            outcomes.add(result.error?.code ?? result.outcome)
          }
        ),
        { numRuns: RUNS }
      )
      expect(outcomes.size).toBeGreaterThan(3)
      expect(outcomes).toContain('delivered')
    }
  )
})
