import fc from 'fast-check'
import { deserializeIlpPrepare, serializeIlpFulfill, serializeIlpReject } from 'ilp-packet'
import { describe, expect, it } from 'vitest'
import { decodeReply, encodePrepare } from './ilp-packet.ts'

const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength })

describe('the packets that k6 sends', () => {
  it('are what the reference library reads', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        // The library takes the very first millisecond of 1970 for no date.
        fc.integer({ min: 1, max: 253_402_300_799_999 }),
        bytes(32, 32),
        fc.stringMatching(/^test(\.[a-zA-Z0-9_~-]{1,20}){1,10}$/),
        bytes(0, 40_000),
        (amount, expiresAtMs, executionCondition, destination, data) => {
          const read = deserializeIlpPrepare(
            Buffer.from(encodePrepare({ amount, expiresAtMs, executionCondition, destination, data }))
          )
          expect(read).toEqual({
            amount: amount.toString(),
            expiresAt: new Date(expiresAtMs),
            executionCondition: Buffer.from(executionCondition),
            destination,
            data: Buffer.from(data)
          })
        }
      )
    )
  })

  it('are refused where they cannot be written', () => {
    const good = { amount: 1n, expiresAtMs: 0, destination: 'test.a', data: new Uint8Array() }
    expect(() => encodePrepare({ ...good, executionCondition: new Uint8Array(31) })).toThrow(RangeError)
    expect(() =>
      encodePrepare({ ...good, amount: 2n ** 64n, executionCondition: new Uint8Array(32) })
    ).toThrow(RangeError)
  })
})

describe('the answers that k6 reads', () => {
  it('are what the reference library writes', () => {
    fc.assert(
      fc.property(bytes(32, 32), bytes(0, 40_000), (fulfillment, data) => {
        const packet = serializeIlpFulfill({
          fulfillment: Buffer.from(fulfillment),
          data: Buffer.from(data)
        })
        expect(decodeReply(new Uint8Array(packet))).toEqual({
          type: 'fulfill',
          fulfillment,
          data
        })
      })
    )
    fc.assert(
      fc.property(
        fc.constantFrom('F00', 'T04', 'R02'),
        fc.stringMatching(/^[ -~]{0,300}$/),
        (code, message) => {
          const packet = serializeIlpReject({ code, triggeredBy: 'test.a', message, data: Buffer.alloc(3) })
          expect(decodeReply(new Uint8Array(packet))).toEqual({ type: 'reject', code, message })
        }
      )
    )
  })

  it('are an error where they are cut off, or no answers', () => {
    const packet = serializeIlpFulfill({ fulfillment: Buffer.alloc(32), data: Buffer.alloc(0) })
    for (let length = 0; length < packet.length; length++) {
      expect(() => decodeReply(new Uint8Array(packet.subarray(0, length)))).toThrow()
    }
    expect(() => decodeReply(Uint8Array.of(12, 0))).toThrow('no answer')
  })
})
