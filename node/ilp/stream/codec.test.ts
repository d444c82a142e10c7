import { Packet } from 'ilp-protocol-stream/dist/src/packet.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock, createRandom, createSystemRandom } from '../../runtime/index.ts'
import {
  ConnectionAssetDetailsFrame,
  ConnectionCloseFrame,
  ConnectionMaxDataFrame,
  ConnectionNewAddressFrame,
  MAX_FRAME_BYTES,
  MAX_SEQUENCE,
  StreamCloseFrame,
  StreamDataFrame,
  StreamMaxMoneyFrame,
  StreamMoneyFrame,
  decrypt,
  decryptStreamPacket,
  deriveStreamKeys,
  encrypt,
  encryptStreamPacket
} from './codec.ts'
import type { Frame, StreamPacket } from './codec.ts'

const random = createSystemRandom(createManualClock())
const keys = deriveStreamKeys(Buffer.alloc(32, 9))
const rawKey = keys.encryption.export()

const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const text = fc.string({ maxLength: 40 }).filter((value) => value.isWellFormed())
const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array))
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.tuple(uint64, uint64).map(([id, shares]) => new StreamMoneyFrame(id.toString(), shares.toString())),
  fc
    .tuple(uint64, uint64, uint64)
    .map(([id, max, total]) => new StreamMaxMoneyFrame(id.toString(), max.toString(), total.toString())),
  fc
    .tuple(uint64, uint64, bytes)
    .map(([id, offset, data]) => new StreamDataFrame(id.toString(), offset.toString(), data)),
  fc
    .tuple(uint64, fc.integer({ min: 1, max: 9 }), text)
    .map(([id, code, message]) => new StreamCloseFrame(id.toString(), code, message)),
  fc
    .tuple(fc.integer({ min: 1, max: 9 }), text)
    .map(([code, message]) => new ConnectionCloseFrame(code, message)),
  fc
    .tuple(text, fc.integer({ min: 0, max: 255 }))
    .map(([code, scale]) => new ConnectionAssetDetailsFrame(code, scale)),
  text.map((address) => new ConnectionNewAddressFrame(address)),
  uint64.map((offset) => new ConnectionMaxDataFrame(offset.toString()))
)
const packet: fc.Arbitrary<StreamPacket> = fc.record({
  sequence: fc.bigInt({ min: 0n, max: BigInt(MAX_SEQUENCE) }),
  type: fc.constantFrom(12 as const, 13 as const, 14 as const),
  prepareAmount: uint64,
  frames: fc.array(frame, { maxLength: 8 })
})

function theirs({ sequence, type, prepareAmount, frames }: StreamPacket): Packet {
  return new Packet(sequence.toString(), type, prepareAmount.toString(), frames)
}

describe('STREAM data (RFC 29, 5)', () => {
  it('brings every packet back as it was', () => {
    fc.assert(
      fc.property(packet, (value) => {
        expect(decryptStreamPacket(keys, encryptStreamPacket(keys, value, random))).toEqual(value)
      })
    )
  })

  it('is read and written by the deployed library the same way', async () => {
    await fc.assert(
      fc.asyncProperty(packet, async (value) => {
        const read = await Packet.decryptAndDeserialize(rawKey, encryptStreamPacket(keys, value, random))
        expect(read).toEqual(theirs(value))
        expect(decryptStreamPacket(keys, await theirs(value).serializeAndEncrypt(rawKey))).toEqual(value)
        const padded = await theirs(value).serializeAndEncrypt(rawKey, 32_767)
        expect(decryptStreamPacket(keys, padded)).toEqual(value)
      })
    )
  })

  it('draws every IV from the runtime', () => {
    const value: StreamPacket = { sequence: 1n, type: 12, prepareAmount: 0n, frames: [] }
    const fixed = createRandom((length) => Buffer.alloc(length, 5), createManualClock())
    expect(encryptStreamPacket(keys, value, fixed).subarray(0, 12)).toEqual(Buffer.alloc(12, 5))
    expect(encryptStreamPacket(keys, value, fixed)).toEqual(encryptStreamPacket(keys, value, fixed))
  })

  it('yields nothing when a byte was changed, cut off, or the key is another, and never throws', () => {
    const other = deriveStreamKeys(Buffer.alloc(32, 8))
    fc.assert(
      fc.property(packet, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, position, change) => {
        const data = encryptStreamPacket(keys, value, random)
        expect(decryptStreamPacket(other, data)).toBeUndefined()
        expect(decryptStreamPacket(keys, data.subarray(0, position % data.length))).toBeUndefined()
        data[position % data.length]! ^= change
        expect(decryptStreamPacket(keys, data)).toBeUndefined()
      })
    )
  })

  it('never throws on authentic bytes that are no packet', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (array, plausible) => {
        const plain = plausible ? Buffer.concat([Buffer.of(1, 12), array]) : Buffer.from(array)
        const read = decryptStreamPacket(keys, encrypt(keys.encryption, plain, random.bytes(12)))
        expect(read === undefined || Array.isArray(read.frames)).toBe(true)
      }),
      { numRuns: 1_000 }
    )
  })

  it('refuses frames that fit no packet', () => {
    const largest = (length: number): StreamPacket => ({
      sequence: BigInt(MAX_SEQUENCE),
      type: 12,
      prepareAmount: 2n ** 64n - 1n,
      frames: [new StreamDataFrame(1, 0, Buffer.alloc(length))]
    })
    expect(encryptStreamPacket(keys, largest(MAX_FRAME_BYTES - 12), random).length).toBeLessThanOrEqual(
      32_767
    )
    expect(() => encryptStreamPacket(keys, largest(MAX_FRAME_BYTES + 24), random)).toThrow(RangeError)
  })

  it('authenticates what goes with the ciphertext', () => {
    const sealed = encrypt(keys.encryption, Buffer.from('plain'), random.bytes(12), Buffer.from('context'))
    expect(decrypt(keys.encryption, sealed, Buffer.from('context'))).toEqual(Buffer.from('plain'))
    expect(decrypt(keys.encryption, sealed, Buffer.from('another'))).toBeUndefined()
    expect(decrypt(keys.encryption, sealed)).toBeUndefined()
  })
})
