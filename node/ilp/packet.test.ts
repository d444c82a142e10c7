import * as deployed from 'ilp-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { IlpPrepare, IlpReply } from './model.ts'
import {
  IlpErrorCode,
  MAX_PACKET_AMOUNT,
  MAX_PACKET_DATA_BYTES,
  MAX_PREPARE_BYTES,
  MAX_REPLY_BYTES,
  conditionOf,
  createReject,
  decodeAmountTooLarge,
  decodePrepare,
  decodeReply,
  encodeAmountTooLarge,
  encodePrepare,
  encodeReply,
  fulfills,
  isPacketError
} from './packet.ts'

const bytes = (options: fc.IntArrayConstraints) => fc.uint8Array(options).map((array) => Buffer.from(array))
const bytes32 = bytes({ minLength: 32, maxLength: 32 })
const amount = fc.bigInt({ min: 0n, max: MAX_PACKET_AMOUNT })
const prepare: fc.Arbitrary<IlpPrepare> = fc.record({
  amount,
  executionCondition: bytes32,
  expiresAtMs: fc.integer({
    min: 0,
    max: Date.UTC(9999, 11, 31, 23, 59, 59, 999)
  }),
  destination: fc.stringMatching(/^test(\.[a-zA-Z0-9_~-]{1,20}){1,5}$/),
  data: bytes({ maxLength: 300 })
})
const reply: fc.Arbitrary<IlpReply> = fc.oneof(
  fc.record({ type: fc.constant('fulfill' as const), fulfillment: bytes32, data: bytes({ maxLength: 300 }) }),
  fc.record({
    type: fc.constant('reject' as const),
    code: fc.constantFrom(...Object.values(IlpErrorCode)),
    triggeredBy: fc.constantFrom('', 'test.a', 'g.b.c'),
    message: fc.string({ unit: 'grapheme', maxLength: 50 }),
    data: bytes({ maxLength: 300 })
  })
)

const example: IlpPrepare = {
  amount: 2n ** 53n + 1n,
  executionCondition: Buffer.alloc(32, 7),
  expiresAtMs: Date.UTC(2026, 5, 30, 23, 59, 59, 7),
  destination: 'test.acacia.alice',
  data: Buffer.from('data')
}

describe('ILP packets (RFC 27)', () => {
  it('brings every Prepare back as it was', () => {
    fc.assert(
      fc.property(prepare, (packet) => void expect(decodePrepare(encodePrepare(packet))).toEqual(packet))
    )
  })

  it('brings every reply back as it was', () => {
    fc.assert(fc.property(reply, (packet) => void expect(decodeReply(encodeReply(packet))).toEqual(packet)))
  })

  it('writes, byte for byte, what the deployed library writes', () => {
    fc.assert(
      fc.property(prepare, reply, ({ expiresAtMs, amount, ...rest }, answer) => {
        const theirs = deployed.serializeIlpPrepare({
          ...rest,
          amount: amount.toString(),
          expiresAt: new Date(expiresAtMs)
        })
        expect(encodePrepare({ ...rest, amount, expiresAtMs })).toEqual(theirs)
        const theirReply =
          answer.type === 'fulfill'
            ? deployed.serializeIlpFulfill(answer)
            : deployed.serializeIlpReject({ ...answer, code: answer.code as deployed.IlpErrorCode })
        expect(encodeReply(answer)).toEqual(theirReply)
      })
    )
  })

  it('reads what the deployed library reads, and nothing that it refuses', () => {
    fc.assert(
      fc.property(prepare, reply, fc.nat(), fc.nat(255), fc.nat(3), (packet, answer, at, value, cut) => {
        for (const bytes of [encodePrepare(packet), encodeReply(answer)]) {
          bytes[at % bytes.length] = value
          const input = bytes.subarray(0, bytes.length - cut)
          const ours = decodePrepare(input)
          if (!isPacketError(ours)) {
            // The library has no instant 0.
            if (ours.expiresAtMs > 0) {
              const { expiresAt, amount, ...theirs } = deployed.deserializeIlpPrepare(input)
              expect({ ...theirs, amount: BigInt(amount), expiresAtMs: expiresAt.getTime() }).toEqual(ours)
            }
          }
          const ourReply = decodeReply(input)
          if (!isPacketError(ourReply)) {
            const { type: _type, ...rest } = ourReply
            // The library reads no Reject of a node without a valid address: the next test.
            if (ourReply.type === 'fulfill' || ourReply.triggeredBy !== '')
              expect(deployed.deserializeIlpReply(input)).toEqual(rest)
          }
        }
      }),
      { numRuns: 500 }
    )
  })

  it('knows a Reject by a node without an address for one', () => {
    const reject = encodeReply(createReject('T04', { triggeredBy: 'test.abc', message: 'no' }))
    reject.set(Buffer.from('?'), reject.indexOf('test.abc'))
    expect(decodeReply(reject)).toEqual(createReject('T04', { triggeredBy: '', message: 'no' }))
  })

  it('refuses a length that is not written in the fewest bytes, or in too many to be one', () => {
    const fulfill = encodeReply({ type: 'fulfill', fulfillment: Buffer.alloc(32), data: Buffer.alloc(0) })
    const contents = fulfill.subarray(2)
    for (const prefix of [
      [0x81, contents.length],
      [0x82, 0, contents.length],
      [0x80],
      [0x85, 0, 0, 0, 0, 33]
    ]) {
      expect(decodeReply(Buffer.concat([Buffer.of(13, ...prefix), contents]))).toMatchObject({
        type: 'packetError'
      })
    }
  })

  it('never throws on bytes from a peer', () => {
    const truncated = fc
      .tuple(prepare, fc.nat(500), fc.nat(500), fc.nat(255))
      .map(([packet, cut, at, value]) => {
        const encoded = encodePrepare(packet)
        encoded[at % encoded.length] = value
        return encoded.subarray(0, Math.max(0, encoded.length - (cut % 20)))
      })
    fc.assert(
      fc.property(fc.oneof(bytes({ maxLength: 200 }), truncated), (input) => {
        const asPrepare = decodePrepare(input)
        if (!isPacketError(asPrepare)) expect(decodePrepare(encodePrepare(asPrepare))).toEqual(asPrepare)
        const asReply = decodeReply(input)
        if (!isPacketError(asReply)) expect(decodeReply(encodeReply(asReply))).toEqual(asReply)
      }),
      { numRuns: 1_000 }
    )
  })

  it('refuses what is too long before it decodes', () => {
    expect(decodePrepare(Buffer.alloc(MAX_PREPARE_BYTES + 1, 12))).toMatchObject({ type: 'packetError' })
    expect(decodeReply(Buffer.alloc(MAX_REPLY_BYTES + 1, 14))).toMatchObject({ type: 'packetError' })
    const largest = {
      ...example,
      destination: `g.${'a'.repeat(1_021)}`,
      data: Buffer.alloc(MAX_PACKET_DATA_BYTES)
    }
    expect(encodePrepare(largest).length).toBe(MAX_PREPARE_BYTES)
    expect(decodePrepare(encodePrepare(largest))).toEqual(largest)
    const tooLong = createReject('F00', { triggeredBy: 'g.a', message: 'ä'.repeat(8_000) })
    const decoded = decodeReply(encodeReply(tooLong))
    expect(decoded).toMatchObject({ message: 'ä'.repeat(4_095) })
  })

  it.each([
    '20261301000000000',
    '20260230000000000',
    '2026010100000000x',
    '19691231235959999',
    '20230229000000000',
    '20260101240000000'
  ])('refuses the expiry %s', (text) => {
    const encoded = encodePrepare({ ...example, data: Buffer.alloc(0) })
    encoded.write(text, 2 + 8, 'latin1')
    expect(decodePrepare(encoded)).toMatchObject({ type: 'packetError' })
  })

  it('refuses what it cannot write', () => {
    expect(() => encodePrepare({ ...example, amount: 2n ** 64n })).toThrow(RangeError)
    expect(() => encodePrepare({ ...example, amount: -1n })).toThrow(RangeError)
    expect(() => encodePrepare({ ...example, expiresAtMs: Number.NaN })).toThrow(RangeError)
    expect(() => encodePrepare({ ...example, destination: 'nowhere' })).toThrow(RangeError)
    expect(() => encodePrepare({ ...example, data: Buffer.alloc(MAX_PACKET_DATA_BYTES + 1) })).toThrow(
      RangeError
    )
    expect(() => encodeReply(createReject('F0' as 'F00', { triggeredBy: '' }))).toThrow(RangeError)
  })

  it('says in an F08 what arrived and what may', () => {
    fc.assert(
      fc.property(amount, amount, (receivedAmount, maximumAmount) => {
        const data = encodeAmountTooLarge({ receivedAmount, maximumAmount })
        expect(decodeAmountTooLarge(data)).toEqual({ receivedAmount, maximumAmount })
        expect(decodeAmountTooLarge(data.subarray(0, 15))).toBeUndefined()
      })
    )
  })

  it('knows a fulfillment by its condition', () => {
    fc.assert(
      fc.property(bytes32, bytes32, (left, right) => {
        expect(fulfills(left, conditionOf(left))).toBe(true)
        expect(fulfills(left, conditionOf(right))).toBe(left.equals(right))
        expect(fulfills(left.subarray(1), conditionOf(left.subarray(1)))).toBe(false)
      })
    )
  })
})
