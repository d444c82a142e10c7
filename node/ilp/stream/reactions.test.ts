import { describe, expect, it } from 'vitest'
import type { ManualClock } from '../../runtime/index.ts'
import type { OutgoingPacket, OutgoingReply } from '../model.ts'
import { IlpErrorCode, createReject, encodeAmountTooLarge } from '../packet.ts'
import { StreamPacketType, decryptStreamPacket, deriveStreamKeys, encryptStreamPacket } from './codec.ts'
import { SEND_LIMITS } from './pace.ts'
import type { SendLimits } from './pace.ts'
import { REACTIONS, amountAfterTooLarge, reactionTo } from './reactions.ts'
import type { Reaction } from './reactions.ts'
import { sendStream } from './sender.ts'
import { createSimulatedPath, runToEnd } from './simulated-path.test-support.ts'

const PAR = { numerator: 1n, denominator: 1n }

interface Attempt {
  amount: bigint
  /** After the answer to the one before. */
  delayMs: number
  lifetimeMs: number
}

/**
 * Pays 10 units over a path that gives and takes one for one, one packet at a time, while the first `count`
 * packets are answered by `answer`.
 */
async function payThrough(
  answer: (packet: OutgoingPacket) => OutgoingReply,
  {
    count = 1,
    limits = {},
    beforeLongerLife
  }: {
    count?: number
    limits?: Partial<SendLimits>
    beforeLongerLife?: (lifetimeMs: number, clock: ManualClock) => Promise<void>
  } = {}
) {
  const path = createSimulatedPath({ hops: [{ rate: PAR }] })
  const attempts: Attempt[] = []
  let answeredAtMs = path.clock.nowMs()
  const sendPacket = async (packet: OutgoingPacket): Promise<OutgoingReply> => {
    const nowMs = path.clock.nowMs()
    const { amount, expiresAtMs } = packet
    attempts.push({ amount, delayMs: nowMs - answeredAtMs, lifetimeMs: expiresAtMs - nowMs })
    await path.clock.sleep(5)
    answeredAtMs = path.clock.nowMs()
    return attempts.length <= count ? answer(packet) : path.sendPacket(packet)
  }
  const result = await runToEnd(
    path.clock,
    sendStream({
      ...path,
      sendPacket,
      sourceBudget: 1_000n,
      deliver: 10n,
      minimumRate: { numerator: 1n, denominator: 100n },
      path: { lowRate: PAR, highRate: PAR },
      ...(beforeLongerLife && { beforeLongerLife: (lifetimeMs) => beforeLongerLife(lifetimeMs, path.clock) }),
      limits: { startWindow: 1, maxWindow: 1, lifetimeMs: 10_000, ...limits }
    })
  )
  return { attempts, result, path }
}

const bare = (code: string, data?: Buffer) => () =>
  createReject(code as IlpErrorCode, { triggeredBy: 'test.hop', ...(data && { data }) })

/** The receiver's own words: what arrived of the packet. */
function authentic(code: IlpErrorCode, arrived: bigint, sealedWith = sharedSecret) {
  const keys = deriveStreamKeys(sealedWith)
  return ({ data }: OutgoingPacket): OutgoingReply => {
    const { sequence } = decryptStreamPacket(deriveStreamKeys(sharedSecret), data)!
    const { random } = createSimulatedPath({ hops: [] })
    const reply = { sequence, type: StreamPacketType.REJECT, prepareAmount: arrived, frames: [] }
    return createReject(code, {
      triggeredBy: 'test.receiver',
      data: encryptStreamPacket(keys, reply, random)
    })
  }
}
const { sharedSecret } = createSimulatedPath({ hops: [] }).credentials

/** The second packet, after the first one was rejected. */
const NEXT: Record<Exclude<Reaction, 'fail'>, { amount: bigint; isLater: boolean; lifetimeMs: number }> = {
  backOff: { amount: 10n, isLater: true, lifetimeMs: 10_000 },
  sendLess: { amount: 5n, isLater: true, lifetimeMs: 10_000 },
  retry: { amount: 10n, isLater: true, lifetimeMs: 10_000 },
  outlast: { amount: 10n, isLater: true, lifetimeMs: 20_000 },
  sendMore: { amount: 13n, isLater: false, lifetimeMs: 10_000 },
  expireLater: { amount: 10n, isLater: false, lifetimeMs: 20_000 },
  limitAmount: { amount: 5n, isLater: false, lifetimeMs: 10_000 },
  readFrames: { amount: 10n, isLater: true, lifetimeMs: 10_000 }
}

/** The rules of money, 3 (docs/money.md, "The sender"), code by code. */
const RULES: [IlpErrorCode, Reaction][] = [
  ['F00', 'fail'],
  ['F01', 'fail'],
  ['F02', 'fail'],
  ['F03', 'limitAmount'],
  ['F04', 'readFrames'],
  ['F05', 'readFrames'],
  ['F06', 'fail'],
  ['F07', 'fail'],
  ['F08', 'limitAmount'],
  ['F99', 'readFrames'],
  ['T00', 'retry'],
  ['T01', 'retry'],
  ['T02', 'backOff'],
  ['T03', 'backOff'],
  ['T04', 'sendLess'],
  ['T05', 'backOff'],
  ['T99', 'retry'],
  ['R00', 'outlast'],
  ['R01', 'sendMore'],
  ['R02', 'expireLater'],
  ['R99', 'retry']
]

describe('the reaction of a payment to a Reject (RFC 27, Error Codes)', () => {
  it('is stated for every code, and for classes of codes that nobody knows', () => {
    expect(RULES.map(([code]) => code).sort()).toEqual(Object.values(IlpErrorCode).sort())
    expect(Object.keys(REACTIONS).sort()).toEqual(Object.values(IlpErrorCode).sort())
    expect(['F55', 'T55', 'R55', 'X00', '', 'toString'].map(reactionTo)).toEqual([
      'fail',
      'retry',
      'retry',
      'retry',
      'retry',
      'retry'
    ])
  })

  it.each(RULES)('%s: %s', async (code, reaction) => {
    const { attempts, result, path } = await payThrough(bare(code))
    if (reaction === 'fail') {
      expect(result).toMatchObject({ outcome: 'failed', sent: 0n, packetsSent: 1 })
      expect(result.error).toMatchObject({ code: 'ConnectorError', retryable: true })
      expect(result.error!.message).toContain(`test.hop rejected with ${code}`)
      return
    }
    const { amount, isLater, lifetimeMs } = NEXT[reaction]
    expect(attempts[0]).toEqual({ amount: 10n, delayMs: 0, lifetimeMs: 10_000 })
    expect(attempts[1]).toMatchObject({ amount, lifetimeMs })
    if (isLater) expect(attempts[1]!.delayMs).toBeGreaterThanOrEqual(SEND_LIMITS.backoffStartMs / 2)
    else expect(attempts[1]!.delayMs).toBe(0)
    expect(result.outcome).toBe('delivered')
    expect(path.received).toBe(result.sent)
  })

  it.each(RULES.filter(([, reaction]) => reaction !== 'fail'))(
    'is bounded when %s is all that comes',
    async (code, reaction) => {
      const { attempts, result } = await payThrough(bare(code), { count: Infinity })
      const errors: Partial<Record<Reaction, string>> = {
        backOff: 'IdleTimeout',
        sendLess: 'IdleTimeout',
        // The budget ends before the path takes a packet.
        sendMore: 'InsufficientExchangeRate'
      }
      expect(result).toMatchObject({
        outcome: 'failed',
        sent: 0n,
        error: { code: errors[reaction] ?? 'ConnectorError' }
      })
      expect(attempts.length).toBeLessThan(80)
    }
  )

  it('to patience: pauses double up to their limit, and start anew after a delivery', async () => {
    const { attempts } = await payThrough(bare('T03'), { count: 12 })
    const pauses = attempts.slice(1).map(({ delayMs }) => delayMs)
    for (const [index, pauseMs] of pauses.entries()) {
      const fullMs = Math.min(SEND_LIMITS.backoffStartMs * 2 ** index, SEND_LIMITS.backoffMaxMs)
      expect(pauseMs).toBeGreaterThanOrEqual(Math.floor(fullMs / 2))
      expect(pauseMs).toBeLessThanOrEqual(Math.ceil(fullMs))
    }
  })

  it.each([
    [
      'in proportion to what its data says',
      encodeAmountTooLarge({ receivedAmount: 50n, maximumAmount: 39n }),
      7n
    ],
    ['half where the data is empty', Buffer.alloc(0), 5n],
    ['half where the maximum is no less than what came', absurd(50n, 50n), 5n],
    ['half where the maximum is zero', absurd(50n, 0n), 5n],
    ['half where the data is cut off', absurd(50n, 39n).subarray(0, 15), 5n]
  ])('to F08: packets %s', async (_, data, amount) => {
    const { attempts, result } = await payThrough(bare('F08', data))
    expect(attempts[1]).toMatchObject({ amount, delayMs: 0 })
    expect(result).toMatchObject({ outcome: 'delivered', sent: 10n })
    expect(result.learnt.maxPacketAmount).toBe(amount)
  })

  it('takes the limit from an F08, in proportion, and halves where it says nothing', () => {
    const f08 = (receivedAmount: bigint, maximumAmount: bigint) =>
      amountAfterTooLarge(1_000n, encodeAmountTooLarge({ receivedAmount, maximumAmount }))
    expect(f08(500n, 50n)).toEqual({ limit: 100n, isGuess: false })
    expect(f08(3n, 1n)).toEqual({ limit: 333n, isGuess: false })
    expect(f08(500n, 0n)).toEqual({ limit: 500n, isGuess: true })
    expect(f08(500n, 500n)).toEqual({ limit: 500n, isGuess: true })
    expect(amountAfterTooLarge(1n, Buffer.alloc(0))).toEqual({ limit: 0n, isGuess: true })
  })

  it('to R02: ever longer lives, up to the longest', async () => {
    const { attempts, result } = await payThrough(bare('R02'), {
      count: 4,
      limits: { maxLifetimeMs: 30_000 }
    })
    expect(attempts.map(({ lifetimeMs }) => lifetimeMs)).toEqual([10_000, 20_000, 30_000, 30_000, 30_000])
    expect(result.outcome).toBe('delivered')
  })

  it('to R02: the longer life is announced first, and nothing is sent before that is done', async () => {
    const announced: number[] = []
    const { attempts, result } = await payThrough(bare('R02'), {
      count: 2,
      async beforeLongerLife(lifetimeMs, clock) {
        announced.push(lifetimeMs)
        await clock.sleep(1_000)
      }
    })
    expect(announced).toEqual([20_000, 40_000])
    expect(attempts.map(({ lifetimeMs }) => lifetimeMs)).toEqual([10_000, 20_000, 40_000])
    expect(attempts.map(({ delayMs }) => delayMs)).toEqual([0, 1_000, 1_000])
    expect(result.outcome).toBe('delivered')
  })

  it('to R02: nothing lives longer where that could not be announced', async () => {
    const { attempts, result } = await payThrough(bare('R02'), {
      beforeLongerLife: () => Promise.reject(new Error('no database'))
    })
    expect(attempts.length).toBe(1)
    expect(result).toMatchObject({ outcome: 'failed', error: { code: 'InternalError', retryable: true } })
  })

  it.each(['F04', 'F05', 'F99'] as const)(
    'to %s with authentic data: learns the rate from it',
    async (code) => {
      const { attempts, result } = await payThrough(authentic(code, 4n))
      // 10 arrived as 4, so that 10 need 25 at most, and 21 at least.
      expect(attempts[1]).toMatchObject({ delayMs: 0 })
      expect(attempts[1]!.amount).toBeGreaterThan(20n)
      expect(attempts[1]!.amount).toBeLessThanOrEqual(25n)
      expect(result.outcome).toBe('delivered')
    }
  )

  it.each(['F04', 'F05', 'F99'] as const)('to %s with forged data: learns nothing from it', async (code) => {
    const { attempts } = await payThrough(authentic(code, 4n, Buffer.alloc(32, 9)))
    expect(attempts[1]).toMatchObject({ amount: 10n })
    expect(attempts[1]!.delayMs).toBeGreaterThan(0)
  })
})

function absurd(received: bigint, maximum: bigint): Buffer {
  const data = Buffer.alloc(16)
  data.writeBigUInt64BE(received, 0)
  data.writeBigUInt64BE(maximum, 8)
  return data
}
