import * as library from 'ilp-protocol-ildcp'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIldcpAnswer, createIldcpRequest, isIldcpRequest, readIldcpAnswer } from './ildcp.ts'
import {
  createFulfill,
  createReject,
  decodePrepare,
  encodePrepare,
  encodeReply,
  isPacketError
} from './packet.ts'

describe('IL-DCP (RFC 31)', () => {
  it('brings a configuration back as it was', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^test(\.[a-z0-9]{1,100}){1,5}$/),
        fc.string({ maxLength: 300 }).filter((text) => text.isWellFormed()),
        fc.integer({ min: 0, max: 255 }),
        (address, assetCode, assetScale) => {
          const configuration = { address, assetCode, assetScale }
          expect(readIldcpAnswer(createIldcpAnswer(configuration))).toEqual(configuration)
        }
      )
    )
  })

  it('is understood by the deployed library, both ways', async () => {
    const configuration = await library.fetch((bytes) => {
      const prepare = decodePrepare(bytes)
      if (isPacketError(prepare) || !isIldcpRequest(prepare)) throw new Error('not a request')
      return Promise.resolve(
        encodeReply(createIldcpAnswer({ address: 'test.a.b', assetCode: 'USD', assetScale: 9 }))
      )
    })
    expect(configuration).toEqual({ clientAddress: 'test.a.b', assetCode: 'USD', assetScale: 9 })

    const expiresAtMs = Date.UTC(2999, 0, 1)
    const request = encodePrepare(createIldcpRequest(expiresAtMs))
    expect(library.deserializeIldcpRequest(request).expiresAt?.getTime()).toBe(expiresAtMs)
  })

  it('recognises nothing else', () => {
    const request = createIldcpRequest(Date.UTC(2999, 0, 1))
    expect(isIldcpRequest(request)).toBe(true)
    expect(isIldcpRequest({ ...request, destination: 'peer.route.control' })).toBe(false)
    expect(isIldcpRequest({ ...request, executionCondition: Buffer.alloc(32) })).toBe(false)
  })

  it('reads no answer out of arbitrary bytes, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (data) => {
        const read = readIldcpAnswer(createFulfill(Buffer.alloc(32), Buffer.from(data)))
        if (read) expect(read.address).toMatch(/^\w+\./)
      })
    )
    const { data } = createIldcpAnswer({ address: 'test.a', assetCode: 'USD', assetScale: 2 })
    for (let length = 0; length < data.length; length++) {
      expect(readIldcpAnswer(createFulfill(Buffer.alloc(32), data.subarray(0, length)))).toBeUndefined()
    }
    expect(readIldcpAnswer(createFulfill(Buffer.alloc(32, 1), data))).toBeUndefined()
    expect(readIldcpAnswer(createReject('F00', { triggeredBy: '' }))).toBeUndefined()
  })

  it('refuses a configuration that cannot be written', () => {
    expect(() => createIldcpAnswer({ address: 'nowhere', assetCode: 'USD', assetScale: 2 })).toThrow(
      RangeError
    )
    expect(() => createIldcpAnswer({ address: 'g.a', assetCode: 'USD', assetScale: 256 })).toThrow(RangeError)
  })
})
