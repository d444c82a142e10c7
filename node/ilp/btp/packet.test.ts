import * as deployed from 'btp-packet'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  MAX_BTP_ERROR_DATA_BYTES,
  MAX_BTP_PACKET_BYTES,
  MAX_BTP_SUB_PROTOCOLS,
  decodeBtpPacket,
  duplicateName,
  encodeBtpPacket,
  encodeIlpOverBtp,
  ilpPacketOf
} from './packet.ts'
import type { BtpMessage, BtpPacket } from './packet.ts'

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const ascii = (maxLength: number) => fc.stringMatching(/^[ -~]*$/, { maxLength })
const requestId = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const subProtocols = fc.array(
  fc.record({
    name: fc.oneof(fc.constantFrom('ilp', 'auth', 'auth_token', 'custom'), ascii(20)),
    contentType: fc.nat(255),
    data: fc.oneof(bytes(40), bytes(300))
  }),
  { maxLength: 5 }
)
const packet: fc.Arbitrary<BtpPacket> = fc.oneof(
  fc.record({ type: fc.constantFrom('message' as const, 'response' as const), requestId, subProtocols }),
  fc.record({
    type: fc.constant('transfer' as const),
    requestId,
    amount: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    subProtocols
  }),
  fc.record({
    type: fc.constant('error' as const),
    requestId,
    code: fc.constantFrom('T00', 'F00', 'F01', 'F08'),
    name: ascii(30),
    triggeredAtMs: fc.integer({ min: Date.UTC(1970), max: Date.UTC(2100) }),
    data: bytes(200),
    subProtocols
  })
)

/** The same packet in the words of `btp-packet`. Its Errors carry text only. */
function toDeployed({ subProtocols: entries, ...fields }: BtpPacket): deployed.BtpPacket {
  const protocolData = entries.map(({ name, contentType, data }) => ({
    protocolName: name,
    contentType,
    data
  }))
  const { requestId: id } = fields
  switch (fields.type) {
    case 'message':
      return { type: deployed.Type.TYPE_MESSAGE, requestId: id, data: { protocolData } }
    case 'response':
      return { type: deployed.Type.TYPE_RESPONSE, requestId: id, data: { protocolData } }
    case 'transfer':
      return {
        type: deployed.Type.TYPE_TRANSFER,
        requestId: id,
        data: { amount: fields.amount.toString(), protocolData }
      }
    case 'error': {
      const { code, name, triggeredAtMs, data } = fields
      const triggeredAt = new Date(triggeredAtMs).toISOString()
      return {
        type: deployed.Type.TYPE_ERROR,
        requestId: id,
        data: { code, name, triggeredAt, data: data.toString(), protocolData }
      }
    }
  }
}

function fromDeployed(read: ReturnType<typeof deployed.deserialize>): unknown {
  const {
    type,
    requestId: id,
    data
  } = JSON.parse(JSON.stringify(read)) as ReturnType<typeof deployed.deserialize>
  return { type, requestId: id, data }
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

/**
 * What survives the library: it turns the data of an Error into a string, and takes a sub-protocol that is named
 * like a property of every object (`valueOf`) for one that it knows.
 */
const textual = packet
  .filter(({ subProtocols }) => subProtocols.every(({ name }) => !(name in Object.prototype)))
  .map((value) =>
    value.type === 'error' ? { ...value, data: Buffer.from(value.data.toString('base64')) } : value
  )

const message: BtpMessage = {
  type: 'message',
  requestId: 7,
  subProtocols: [{ name: 'ilp', contentType: 0, data: Buffer.from('packet') }]
}

describe('BTP packets (RFC 23)', () => {
  it('brings every packet back as it was', () => {
    fc.assert(
      fc.property(packet, (value) => void expect(decodeBtpPacket(encodeBtpPacket(value))).toEqual(value))
    )
  })

  it('writes byte for byte what btp-packet writes', () => {
    fc.assert(
      fc.property(textual, (value) => {
        expect(encodeBtpPacket(value)).toEqual(deployed.serialize(toDeployed(value)))
      })
    )
  })

  it('reads what btp-packet reads, and whatever it accepts of mutated packets is understood the same', () => {
    const mutated = fc
      .tuple(textual, fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 3 }), fc.nat(10))
      .map(([value, changes, cut]) => {
        const encoded = encodeBtpPacket(value)
        for (const [at, byte] of changes) encoded[at % encoded.length] = byte
        return cut > 7 ? encoded.subarray(0, encoded.length - cut) : encoded
      })
    let readCount = 0
    fc.assert(
      fc.property(fc.oneof(textual.map(encodeBtpPacket), mutated), (input) => {
        const ours = decodeBtpPacket(input)
        if (ours.type === 'unreadable') return
        readCount += 1
        expect(asJson(toDeployed(ours))).toEqual(fromDeployed(deployed.deserialize(input)))
      }),
      { numRuns: 500 }
    )
    expect(readCount).toBeGreaterThan(100)
  })

  it('writes an ILP packet in one piece as it would field by field', () => {
    fc.assert(
      fc.property(requestId, fc.oneof(bytes(300), bytes(40_000)), (id, data) => {
        for (const type of ['message', 'response'] as const) {
          const value = { type, requestId: id, subProtocols: [{ name: 'ilp', contentType: 0, data }] }
          expect(encodeIlpOverBtp(type, id, data)).toEqual(encodeBtpPacket(value))
        }
      }),
      { numRuns: 50 }
    )
  })

  it.each([
    ['nothing', Buffer.alloc(0), 'malformed'],
    ['a cut packet', encodeBtpPacket(message).subarray(0, -1), 'malformed'],
    ['bytes behind the packet', Buffer.concat([encodeBtpPacket(message), Buffer.of(0)]), 'trailing_bytes'],
    ['bytes behind the last field', Buffer.from('0600000007030100ff', 'hex'), 'trailing_bytes'],
    ['an unknown type', Buffer.from('0300000007020100', 'hex'), 'unknown_type'],
    ['a count without bytes', Buffer.from('0600000007020000', 'hex'), 'invalid_field'],
    ['a length that is too long', Buffer.from('060000000781020100', 'hex'), 'malformed'],
    ['an endless length', Buffer.from('060000000780', 'hex'), 'malformed'],
    [
      'a name that is not ASCII',
      Buffer.from('06000000070601010 1e40000'.replace(' ', ''), 'hex'),
      'invalid_field'
    ],
    ['a million sub-protocols', Buffer.from('06000000070403 0f4240'.replace(' ', ''), 'hex'), 'too_many'],
    ['a long packet', Buffer.alloc(MAX_BTP_PACKET_BYTES + 1, 6), 'too_long']
  ])('%s is unreadable', (_name, input, code) => {
    expect(decodeBtpPacket(input)).toMatchObject({ type: 'unreadable', code })
  })

  it.each([
    '20260230000000.000Z',
    '19691231235959.999Z',
    '20261301000000.000Z',
    '20260101000000Z',
    'yesterday'
  ])('an Error of %s is unreadable', (time) => {
    const error = { type: 'error', requestId: 1, code: 'F00', name: 'x', triggeredAtMs: 0 } as const
    const good = encodeBtpPacket({ ...error, data: Buffer.alloc(0), subProtocols: [] })
    const at = good.indexOf('19700101000000.000Z')
    const bad = Buffer.concat([
      Buffer.of(2, 0, 0, 0, 1, good[5]! - 19 + time.length),
      good.subarray(6, at - 1),
      Buffer.of(time.length),
      Buffer.from(time),
      good.subarray(at + 19)
    ])
    expect(decodeBtpPacket(bad)).toMatchObject({ type: 'unreadable', code: 'invalid_field' })
  })

  it('refuses to write what nobody could read', () => {
    const error = { type: 'error', requestId: 1, code: 'F00', name: 'x', triggeredAtMs: 0 } as const
    const empty = { data: Buffer.alloc(0), subProtocols: [] }
    const wrongs: BtpPacket[] = [
      { ...message, requestId: 2 ** 32 },
      { ...message, requestId: -1 },
      {
        ...message,
        subProtocols: Array.from({ length: MAX_BTP_SUB_PROTOCOLS + 1 }, () => message.subProtocols[0]!)
      },
      { ...message, subProtocols: [{ name: 'é', contentType: 0, data: Buffer.alloc(0) }] },
      { ...message, subProtocols: [{ name: 'a', contentType: 256, data: Buffer.alloc(0) }] },
      { ...message, subProtocols: [{ name: 'a', contentType: 0, data: Buffer.alloc(MAX_BTP_PACKET_BYTES) }] },
      { type: 'transfer', requestId: 1, amount: 2n ** 64n, subProtocols: [] },
      { ...error, ...empty, code: 'F0' },
      { ...error, ...empty, triggeredAtMs: Number.NaN },
      { ...error, ...empty, data: Buffer.alloc(MAX_BTP_ERROR_DATA_BYTES + 1) }
    ]
    for (const wrong of wrongs) expect(() => encodeBtpPacket(wrong)).toThrow(RangeError)
  })

  it('knows the primary sub-protocol and a name that stands there twice', () => {
    const entry = (name: string) => ({ name, contentType: 0, data: Buffer.from(name) })
    expect(ilpPacketOf(message)).toEqual(Buffer.from('packet'))
    expect(ilpPacketOf({ ...message, subProtocols: [entry('custom'), entry('ilp')] })).toBeUndefined()
    expect(ilpPacketOf({ ...message, subProtocols: [] })).toBeUndefined()
    expect(duplicateName([entry('ilp'), entry('custom')])).toBeUndefined()
    expect(duplicateName([entry('ilp'), entry('custom'), entry('ilp')])).toBe('ilp')
  })
})
