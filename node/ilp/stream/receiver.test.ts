import { createConnection, verifyReceipt } from 'ilp-protocol-stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createManualClock, createSystemRandom } from '../../runtime/index.ts'
import type { IlpPrepare, IlpReply } from '../model.ts'
import { conditionOf, createReject, fulfills } from '../packet.ts'
import { floorTimes, parseRatio } from '../ratio.ts'
import {
  ConnectionCloseFrame,
  ConnectionNewAddressFrame,
  StreamDataFrame,
  StreamMoneyFrame,
  decryptStreamPacket,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf
} from './codec.ts'
import type { StreamPacket } from './codec.ts'
import { allowDeployedStreams, createMemoryPlugin } from './path.test-support.ts'
import { MAX_CACHED_CONNECTIONS, createStreamReceiver } from './receiver.ts'
import type { StreamRequest } from './receiver.ts'

allowDeployedStreams()
const random = createSystemRandom(createManualClock())
const receiver = createStreamReceiver({ serverSecret: Buffer.alloc(32, 3), random })
const serverAddress = 'test.baobab'
const asset = { code: 'EUR', scale: 2 }

function connect(receipts?: { nonce: Buffer; secret: Buffer }) {
  const { ilpAddress, sharedSecret } = receiver.createCredentials({
    serverAddress,
    paymentTag: 'payment-1',
    asset,
    ...(receipts && { receipts })
  })
  const keys = deriveStreamKeys(sharedSecret)
  const prepare = (amount: bigint, packet: Partial<StreamPacket> = {}, fulfillable = true): IlpPrepare => {
    const data = encryptStreamPacket(
      keys,
      { sequence: 5n, type: 12, prepareAmount: 0n, frames: [new StreamMoneyFrame(1, 1)], ...packet },
      random
    )
    return {
      amount,
      destination: ilpAddress,
      expiresAtMs: Date.UTC(2026, 0, 1),
      executionCondition: fulfillable ? conditionOf(fulfillmentOf(keys, data)) : random.bytes(32),
      data
    }
  }
  const read = (reply: IlpReply) => decryptStreamPacket(keys, reply.data)
  return { ilpAddress, keys, prepare, read }
}

function open(prepare: IlpPrepare): StreamRequest {
  const request = receiver.open(prepare, serverAddress)
  if ('reject' in request) throw new Error(`not opened: ${request.reject.code}`)
  return request
}

describe('STREAM receiver', () => {
  it('accepts money with the fulfillment, what arrived and the totals', () => {
    const { prepare, read, ilpAddress } = connect()
    const packet = prepare(100n, { prepareAmount: 99n })
    const request = open(packet)
    expect(request).toMatchObject({
      paymentTag: 'payment-1',
      amount: 100n,
      minimumAccepted: 99n,
      sequence: 5n
    })
    expect(request).toMatchObject({ isFulfillable: true, canAccept: true })
    expect(request.standardReply).toBeUndefined()
    expect(receiver.readPaymentTag(ilpAddress, serverAddress)).toBe('payment-1')

    const fulfill = request.accept({ totalReceived: 350n, receiveMax: 500n })
    expect(fulfills(fulfill.fulfillment, packet.executionCondition)).toBe(true)
    const answer = read(fulfill)!
    expect(answer).toMatchObject({ sequence: 5n, type: 13, prepareAmount: 100n })
    expect(JSON.parse(JSON.stringify(answer.frames))).toEqual([
      { type: 0x12, name: 'StreamMaxMoney', streamId: '1', receiveMax: '500', totalReceived: '350' }
    ])
  })

  it('answers a probe with F99 and the amount that arrived, and a new client with the asset', () => {
    const { prepare, read } = connect()
    const frames = [new ConnectionNewAddressFrame('private.RECEIVE_ONLY_CLIENT')]
    const request = open(prepare(1_000n, { frames }, false))
    expect(request).toMatchObject({ isFulfillable: false, canAccept: false })
    expect(request.standardReply).toMatchObject({ type: 'reject', code: 'F99', triggeredBy: serverAddress })
    const answer = read(request.standardReply!)!
    expect(answer).toMatchObject({ type: 14, prepareAmount: 1_000n })
    expect(answer.frames.map(({ name }) => name)).toEqual(['ConnectionAssetDetails', 'ConnectionMaxStreamId'])
  })

  it('refuses less than the minimum, saying what arrived', () => {
    const { prepare, read } = connect()
    const request = open(prepare(98n, { prepareAmount: 99n }))
    expect(request.canAccept).toBe(false)
    expect(request.standardReply).toMatchObject({ type: 'reject', code: 'F99' })
    expect(read(request.standardReply!)).toMatchObject({ prepareAmount: 98n })
  })

  it('fulfills a zero amount without money at stake, with totals where they are known', () => {
    const { prepare, read } = connect()
    const request = open(prepare(0n))
    expect(request.standardReply).toMatchObject({ type: 'fulfill' })
    expect(read(request.accept({ totalReceived: 70n }))!.frames[0]).toMatchObject({ name: 'StreamMaxMoney' })
  })

  it('declines for now, or finally with a reason', () => {
    const { prepare, read } = connect()
    const request = open(prepare(10n))
    expect(request.decline({ totalReceived: 500n, receiveMax: 500n })).toMatchObject({ code: 'F99' })
    expect(read(request.decline())!.frames).toEqual([])
    const final = read(request.finalDecline('Additional data rejected'))!
    expect(final.frames).toEqual([
      new ConnectionCloseFrame(1, ''),
      new StreamDataFrame(1, 0, Buffer.from('Additional data rejected'))
    ])
    const [, frame] = read(request.finalDecline('ä'.repeat(9_000)))!.frames as [unknown, StreamDataFrame]
    expect(frame.data.toString()).toBe('ä'.repeat(4_095))
  })

  it('shows application data, of stream 1 first', () => {
    const { prepare } = connect()
    const frames = [
      new StreamDataFrame(3, 0, Buffer.from('three')),
      new StreamDataFrame(1, 0, Buffer.from('one'))
    ]
    expect(open(prepare(1n, { frames })).applicationData?.toString()).toBe('one')
    expect(open(prepare(1n, { frames: frames.slice(0, 1) })).applicationData?.toString()).toBe('three')
    expect(open(prepare(1n)).applicationData).toBeUndefined()
  })

  it('closes a connection that breaks the protocol, or that the client closes', () => {
    const { prepare, read } = connect()
    const even = open(prepare(1n, { frames: [new StreamMoneyFrame(2, 1)] }))
    expect(even.canAccept).toBe(false)
    expect(read(even.standardReply!)!.frames[0]).toMatchObject({ name: 'ConnectionClose', errorCode: 8 })
    const closing = open(prepare(0n, { frames: [new ConnectionCloseFrame(1, '')] }))
    expect(read(closing.standardReply!)!.frames[0]).toMatchObject({ name: 'ConnectionClose', errorCode: 1 })
  })

  it('signs receipts for the total that a third party can verify', () => {
    const receipts = { nonce: Buffer.alloc(16, 4), secret: Buffer.alloc(32, 5) }
    const { prepare, read } = connect(receipts)
    const answer = read(open(prepare(10n)).accept({ totalReceived: 2n ** 60n }))!
    const frame = answer.frames.find(({ name }) => name === 'StreamReceipt') as unknown as { receipt: Buffer }
    const receipt = verifyReceipt(frame.receipt, receipts.secret)
    expect(receipt.totalReceived.toString()).toBe((2n ** 60n).toString())
    expect(receipt.nonce).toEqual(receipts.nonce)
    // Where the total is not known nothing is signed, and nothing said of it.
    expect(read(open(prepare(10n)).accept())!.frames).toEqual([])
  })

  it('answers F02 to foreign addresses and F06 to foreign data', () => {
    const { prepare } = connect()
    const packet = prepare(10n)
    expect(receiver.open({ ...packet, destination: 'test.baobab.nobody' }, serverAddress)).toMatchObject({
      reject: { code: 'F02' }
    })
    expect(receiver.open(packet, 'test.acacia')).toMatchObject({ reject: { code: 'F02' } })
    expect(receiver.open({ ...packet, data: Buffer.alloc(0) }, serverAddress)).toMatchObject({
      reject: { code: 'F06' }
    })
    expect(receiver.open(connect().prepare(10n, { type: 13 }), serverAddress)).toMatchObject({
      reject: { code: 'F06' }
    })
    const manyFrames = Array.from({ length: 257 }, () => new StreamMoneyFrame(1, 1))
    expect(receiver.open(prepare(10n, { frames: manyFrames }), serverAddress)).toMatchObject({
      reject: { code: 'F06' }
    })
  })

  it('knows every connection again, however many there are', () => {
    const connections = Array.from({ length: MAX_CACHED_CONNECTIONS + 50 }, () => connect())
    for (const { prepare } of [...connections, ...connections.slice(0, 100)]) {
      expect(open(prepare(10n)).paymentTag).toBe('payment-1')
    }
  })

  it('never throws, whatever the data', () => {
    const { ilpAddress, prepare } = connect()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        const packet = { ...prepare(1n), destination: ilpAddress, data: Buffer.from(data) }
        expect(receiver.open(packet, serverAddress)).toMatchObject({ reject: { code: 'F06' } })
      })
    )
  })
})

describe('STREAM receiver and the deployed client', () => {
  /** A path of rate 0.5 that accepts up to 300 source units a packet, and a receiver with a limit. */
  function createPath(receiveMax?: bigint) {
    const rate = parseRatio('0.5')!
    const received = { total: 0n, packets: 0, data: '' }
    const { ilpAddress, sharedSecret } = receiver.createCredentials({
      serverAddress,
      paymentTag: 'payment-2',
      asset
    })
    const plugin = createMemoryPlugin(
      { address: 'test.acacia.client', assetCode: 'USD', assetScale: 2 },
      async (prepare) => {
        if (prepare.amount > 300n) {
          const data = Buffer.alloc(16)
          data.writeBigUInt64BE(prepare.amount, 0)
          data.writeBigUInt64BE(300n, 8)
          return createReject('F08', { triggeredBy: 'test.acacia', data })
        }
        const request = receiver.open({ ...prepare, amount: floorTimes(prepare.amount, rate) }, serverAddress)
        if ('reject' in request) return request.reject
        received.data += request.applicationData?.toString() ?? ''
        if (request.standardReply) return request.standardReply
        if (receiveMax !== undefined && received.total >= receiveMax) {
          return request.decline({ totalReceived: received.total, receiveMax })
        }
        received.total += request.amount
        received.packets++
        return request.accept({
          totalReceived: received.total,
          ...(receiveMax !== undefined && { receiveMax })
        })
      }
    )
    return { received, options: { plugin, destinationAccount: ilpAddress, sharedSecret } }
  }

  it('is paid by it in packets', async () => {
    const { received, options } = createPath()
    const connection = await createConnection(options)
    expect([connection.destinationAssetCode, connection.destinationAssetScale]).toEqual(['EUR', 2])
    const stream = connection.createStream()
    await stream.sendTotal('1000')
    await connection.end()
    expect(received).toMatchObject({ total: 500n })
    expect(connection.totalDelivered).toBe('500')
    expect(received.packets).toBeGreaterThanOrEqual(4)
  })

  it('stops it at the limit', async () => {
    const { received, options } = createPath(200n)
    const connection = await createConnection(options)
    const stream = connection.createStream()
    await expect(stream.sendTotal('1000', { timeout: 100 })).rejects.toThrow()
    expect(received.total).toBeGreaterThanOrEqual(200n)
    expect(received.total).toBeLessThanOrEqual(201n)
    await connection.destroy()
  })

  it('takes any amount of its data', async () => {
    const { received, options } = createPath()
    const connection = await createConnection(options)
    const stream = connection.createStream()
    // In pieces, for with more the library writes packets above the 32,767 bytes that RFC 27 allows.
    const piece = 'x'.repeat(10_000)
    for (let round = 0; round < 20; round++) {
      await new Promise<void>((resolve) => stream.write(piece, () => resolve()))
    }
    await stream.sendTotal('10')
    await connection.end()
    expect(received.data.length).toBe(200_000)
  })
})
