import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createHash } from 'node:crypto'
import { testCount } from '../../test-counts.ts'
import { decodeBtpPacket, encodeBtpPacket } from './btp/packet.ts'
import type { BtpPacket } from './btp/packet.ts'
import { parseBtpUri } from './btp/uri.ts'
import { FUZZ_TIMEOUT_MS, fuzz, hostileBytes } from './fuzz.test-support.ts'
import { createIldcpAnswer, readIldcpAnswer } from './ildcp.ts'
import type { IlpPrepare } from './model.ts'
import {
  createFulfill,
  createReject,
  decodeAmountTooLarge,
  decodePrepare,
  decodeReply,
  encodePrepare,
  encodeReply,
  isPacketError
} from './packet.ts'
import {
  ConnectionAssetDetailsFrame,
  ConnectionCloseFrame,
  ConnectionMaxDataFrame,
  ConnectionMaxStreamIdFrame,
  ConnectionNewAddressFrame,
  StreamCloseFrame,
  StreamDataFrame,
  StreamErrorCode,
  StreamMaxDataFrame,
  StreamMaxMoneyFrame,
  StreamMoneyFrame,
  StreamPacketType,
  StreamReceiptFrame,
  decrypt,
  decryptStreamPacket,
  deriveStreamKeys,
  encrypt,
  encryptStreamPacket,
  fulfillmentOf
} from './stream/codec.ts'
import { createStreamReceiver } from './stream/receiver.ts'

const count = testCount('fuzzedInputs')

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((array) => Buffer.from(array))
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((array) => Buffer.from(array))
const uint64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
const address = fc.stringMatching(/^test(\.[a-zA-Z0-9_~-]{1,20}){1,5}$/)

const prepare: fc.Arbitrary<IlpPrepare> = fc.record({
  amount: uint64,
  executionCondition: bytes32,
  expiresAtMs: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
  destination: address,
  data: fc.oneof(bytes(60), bytes(300))
})

describe('decoders of what strangers send', { timeout: FUZZ_TIMEOUT_MS }, () => {
  it('ILP Prepare: a packet that can be written again, or an error that says what is wrong', () => {
    fuzz(hostileBytes(prepare.map(encodePrepare), [Buffer.of(12), Buffer.of(12, 0x40)]), count, (input) => {
      const packet = decodePrepare(input)
      if (isPacketError(packet)) return expect(packet.reason).not.toBe('')
      expect(packet.data.length).toBeLessThanOrEqual(input.length)
      expect(decodePrepare(encodePrepare(packet))).toEqual(packet)
    })
  })

  it('ILP Fulfill and Reject: a packet that can be written again, or an error', () => {
    const reply = fc.oneof(
      fc.tuple(bytes32, bytes(200)).map(([fulfillment, data]) => createFulfill(fulfillment, data)),
      fc
        .tuple(
          fc.constantFrom('F08' as const, 'T05' as const),
          address,
          fc.string({ maxLength: 80 }),
          bytes(200)
        )
        .map(([code, triggeredBy, message, data]) => createReject(code, { triggeredBy, message, data }))
    )
    fuzz(
      hostileBytes(reply.map(encodeReply), [Buffer.of(13), Buffer.of(14), Buffer.of(14, 0x40)]),
      count,
      (input) => {
        const packet = decodeReply(input)
        if (isPacketError(packet)) return expect(packet.reason).not.toBe('')
        expect(packet.data.length).toBeLessThanOrEqual(input.length)
        decodeAmountTooLarge(packet.data)
        expect(decodeReply(encodeReply(packet))).toEqual(packet)
      }
    )
  })

  it('BTP: a packet that can be written again byte for byte, or a coded refusal', () => {
    const requestId = fc.integer({ min: 0, max: 2 ** 32 - 1 })
    const subProtocols = fc.array(
      fc.record({
        name: fc.constantFrom('ilp', 'auth', 'auth_token', 'x'),
        contentType: fc.nat(255),
        data: bytes(90)
      }),
      { maxLength: 4 }
    )
    const packet: fc.Arbitrary<BtpPacket> = fc.oneof(
      fc.record({ type: fc.constantFrom('message' as const, 'response' as const), requestId, subProtocols }),
      fc.record({ type: fc.constant('transfer' as const), requestId, amount: uint64, subProtocols }),
      fc.record({
        type: fc.constant('error' as const),
        requestId,
        code: fc.constantFrom('T00', 'F00'),
        name: fc.constantFrom('NotAcceptedError', ''),
        triggeredAtMs: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
        data: bytes(60),
        subProtocols
      })
    )
    const beginnings = [1, 2, 6, 7].map((type) => Buffer.of(type, 0, 0, 0, 1))
    fuzz(hostileBytes(packet.map(encodeBtpPacket), beginnings), count, (input) => {
      const read = decodeBtpPacket(input)
      if (read.type === 'unreadable') return expect(read.code).toMatch(/^[a-z_]+$/)
      const size = read.subProtocols.reduce((sum, { name, data }) => sum + name.length + data.length, 0)
      expect(size).toBeLessThan(input.length)
      expect(encodeBtpPacket(read)).toEqual(input)
    })
  })

  it('BTP URIs: parts, or nothing', () => {
    const uri = fc.constantFrom('btp+ws://a:b@host:99/path?q', 'btp+wss://host', 'btp+ws://[::1]:1/')
    const texts = hostileBytes(
      uri.map((text) => Buffer.from(text)),
      [Buffer.from('btp+ws://')]
    )
    fuzz(
      texts.map((input) => input.toString('latin1')),
      count,
      (text) => {
        const parsed = parseBtpUri(text)
        if (parsed === undefined) return
        expect(parsed.host).not.toBe('')
        expect(parsed.port).toBeLessThanOrEqual(65_535)
      }
    )
  })

  it('IL-DCP: a configuration that can be written again, or nothing', () => {
    const answer = fc
      .record({ address, assetCode: fc.string({ maxLength: 20 }), assetScale: fc.nat(255) })
      .map((configuration) => createIldcpAnswer(configuration).data)
    fuzz(hostileBytes(answer, [Buffer.of(6, 0x74, 0x65, 0x73, 0x74, 0x2e, 0x61)]), count, (data) => {
      const configuration = readIldcpAnswer(createFulfill(Buffer.alloc(32), data))
      if (configuration === undefined) return
      expect(configuration.address.length + Buffer.byteLength(configuration.assetCode)).toBeLessThanOrEqual(
        3 * data.length
      )
      expect(readIldcpAnswer(createIldcpAnswer(configuration))).toEqual(configuration)
    })
  })

  describe('STREAM', () => {
    const random = { bytes: (length: number) => Buffer.alloc(length, 7), orderedId: () => 7n }
    const receiver = createStreamReceiver({ serverSecret: Buffer.alloc(32, 1), random })
    const server = 'test.acacia'
    const asset = { code: 'USD', scale: 2 }
    const tag = 'd6a1c3e0-0000-4000-8000-000000000001'
    const { ilpAddress, sharedSecret } = receiver.createCredentials({
      serverAddress: server,
      paymentTag: tag,
      asset
    })
    const keys = deriveStreamKeys(sharedSecret)
    const id = fc.oneof(fc.nat(20), fc.nat(2 ** 31)).map(String)
    const amount = uint64.map(String)
    const text = fc.string({ maxLength: 20 })
    const code = fc.constantFrom(StreamErrorCode.NoError, StreamErrorCode.ProtocolViolation)
    const frame = fc.oneof(
      fc.tuple(code, text).map(([errorCode, message]) => new ConnectionCloseFrame(errorCode, message)),
      address.map((source) => new ConnectionNewAddressFrame(source)),
      fc.tuple(text, fc.nat(255)).map(([name, scale]) => new ConnectionAssetDetailsFrame(name, scale)),
      amount.map((offset) => new ConnectionMaxDataFrame(offset)),
      amount.map((streamId) => new ConnectionMaxStreamIdFrame(streamId)),
      fc
        .tuple(id, code, text)
        .map(([streamId, errorCode, message]) => new StreamCloseFrame(streamId, errorCode, message)),
      fc.tuple(id, amount).map(([streamId, shares]) => new StreamMoneyFrame(streamId, shares)),
      fc
        .tuple(id, amount, amount)
        .map(([streamId, max, total]) => new StreamMaxMoneyFrame(streamId, max, total)),
      fc
        .tuple(id, amount, bytes(60))
        .map(([streamId, offset, data]) => new StreamDataFrame(streamId, offset, data)),
      fc.tuple(id, amount).map(([streamId, offset]) => new StreamMaxDataFrame(streamId, offset)),
      fc.tuple(id, bytes(60)).map(([streamId, receipt]) => new StreamReceiptFrame(streamId, receipt))
    )
    const plain = fc
      .record({
        sequence: fc.bigInt({ min: 0n, max: 2n ** 31n }),
        type: fc.constantFrom(StreamPacketType.PREPARE, StreamPacketType.FULFILL),
        prepareAmount: uint64,
        frames: fc.array(frame, { maxLength: 8 })
      })
      .map((packet) => decrypt(keys.encryption, encryptStreamPacket(keys, packet, random))!)
    /** Whoever has the secret can encrypt anything: the bytes are bent below the encryption. */
    const authentic = hostileBytes(plain, [Buffer.of(1, 12), Buffer.of(1, 12, 1, 1, 1, 0, 1)]).map((input) =>
      encrypt(keys.encryption, input, random.bytes(12))
    )

    it('data: a packet, or nothing', () => {
      fuzz(authentic, count, (data) => {
        const packet = decryptStreamPacket(keys, data)
        if (packet === undefined) return
        expect(packet.frames.length).toBeLessThanOrEqual(data.length)
        expect(packet.prepareAmount).toBeGreaterThanOrEqual(0n)
      })
    })

    it('encrypted data: whatever was bent does not open', () => {
      const sealed = plain.map((input) => encrypt(keys.encryption, input, random.bytes(12)))
      const valid = new Set<string>()
      const hash = (data: Buffer) => createHash('sha256').update(data).digest('base64')
      const noted = sealed.map((data) => (valid.add(hash(data)), data))
      fuzz(hostileBytes(noted, []), count, (data) => {
        if (decryptStreamPacket(keys, data) !== undefined) expect(valid.has(hash(data))).toBe(true)
        if (valid.size > 500) valid.clear()
      })
    })

    it('the receiver answers authentic nonsense with F06, F99 or a Fulfill that fits a packet', () => {
      fuzz(fc.tuple(authentic, uint64, fc.boolean()), count, ([data, arrived, isFulfillable]) => {
        const condition = createHash('sha256').update(fulfillmentOf(keys, data)).digest()
        const opened = receiver.open(
          {
            amount: arrived,
            executionCondition: isFulfillable ? condition : Buffer.alloc(32),
            expiresAtMs: 0,
            destination: ilpAddress,
            data
          },
          server
        )
        if ('reject' in opened) return expect(opened.reject.code).toBe('F06')
        const totals = { totalReceived: arrived, receiveMax: 5n }
        const answers = [
          opened.standardReply ?? opened.accept(totals),
          opened.accept(),
          opened.decline(totals),
          opened.finalDecline('no'.repeat(5_000))
        ]
        for (const answer of answers) {
          if (answer.type === 'reject') expect(answer.code).toBe('F99')
          expect(decodeReply(encodeReply(answer))).toEqual(answer)
        }
      })
    })

    it('addresses that were not issued are unknown', () => {
      const suffix = ilpAddress.slice(server.length + 1)
      const bent = hostileBytes(fc.constant(Buffer.from(suffix)), [Buffer.from('a')])
      fuzz(
        bent.map((input) => input.toString('latin1')),
        count,
        (text) => {
          const found = receiver.readPaymentTag(`${server}.${text}`, server)
          if (found === undefined) return
          // An address goes on behind what was issued: that is its owner's business.
          expect(found).toBe(tag)
          expect(`${text}.`.startsWith(`${suffix}.`)).toBe(true)
        }
      )
    })
  })
})
