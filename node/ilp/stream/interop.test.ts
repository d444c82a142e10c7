import { Server } from 'ilp-protocol-stream'
import type { DataAndMoneyStream } from 'ilp-protocol-stream'
import { describe, expect, it } from 'vitest'
import { createManualClock, createSystemClock, createSystemRandom } from '../../runtime/index.ts'
import type { OutgoingReply, SendPacket } from '../model.ts'
import { createReject, encodeAmountTooLarge } from '../packet.ts'
import { floorTimes, parseRatio } from '../ratio.ts'
import { askTotalReceived } from './evidence.ts'
import { allowDeployedStreams, createMemoryPlugin } from './path.test-support.ts'
import { probePath } from './probe.ts'
import { quoteFixedDelivery } from './quote.ts'
import { sendStream } from './sender.ts'

allowDeployedStreams()
const random = createSystemRandom(createManualClock())

/** The deployed library's server behind a connector with rate 0.91, a packet limit, and troubles. */
async function serve(
  options: { receiveMax?: string; trouble?: (index: number) => OutgoingReply | undefined } = {}
) {
  const clock = createSystemClock()
  const rate = parseRatio('0.91')!
  const plugin = createMemoryPlugin({ address: 'test.baobab', assetCode: 'EUR', assetScale: 2 }, async () =>
    createReject('F02', { triggeredBy: 'test.acacia' })
  )
  const server = new Server({ plugin, serverSecret: Buffer.alloc(32, 7) })
  await server.listen()
  const books = { received: 0n, sent: 0n, data: '' }
  server.on('connection', (connection) =>
    connection.on('stream', (stream: DataAndMoneyStream) => {
      stream.setReceiveMax(options.receiveMax ?? '1000000000')
      stream.on('money', (amount: string) => void (books.received += BigInt(amount)))
      stream.on('data', (chunk: Buffer) => void (books.data += chunk.toString()))
      stream.on('error', (error: Error) => void (books.data += error.message))
    })
  )
  let index = 0
  const sendPacket: SendPacket = async (packet) => {
    const trouble = packet.isProbe || packet.amount === 0n ? undefined : options.trouble?.(index++)
    if (trouble) return trouble
    if (packet.amount > 1_000n) {
      const data = encodeAmountTooLarge({ receivedAmount: packet.amount, maximumAmount: 1_000n })
      return createReject('F08', { triggeredBy: 'test.acacia', data })
    }
    const amount = floorTimes(packet.amount, rate)
    if (amount === 0n && packet.amount > 0n) return createReject('R01', { triggeredBy: 'test.acacia' })
    const reply = await plugin.deliver({ ...packet, amount })
    if (reply.type === 'fulfill') {
      books.sent += packet.amount
      packet.readDelivered(reply.data)
    }
    return reply
  }
  const { destinationAccount, sharedSecret } = server.generateAddressAndSecret()
  const credentials = { destination: destinationAccount, sharedSecret }
  return { server, books, endpoints: { credentials, sendPacket, clock, random } }
}

describe('our sender and the deployed STREAM server', () => {
  it('agree on rate, limit and amounts', async () => {
    const { endpoints, books } = await serve()
    const probe = await probePath({ ...endpoints, deliverAmount: 45_000n })
    expect(probe).toMatchObject({ type: 'path', maxPacketAmount: 1_000n, lowRate: parseRatio('0.91') })
    if (probe.type !== 'path') return
    const quote = quoteFixedDelivery({ probe, slippage: parseRatio('0.01')!, deliverAmount: 45_000n })
    if (quote.type !== 'quote') throw new Error('no quote')
    const { maxSource: sourceBudget, minDelivery: deliver, minimumRate } = quote
    const { nextSequence: firstSequence } = probe
    const result = await sendStream({
      ...endpoints,
      sourceBudget,
      deliver,
      minimumRate,
      path: probe,
      firstSequence
    })
    expect(result).toMatchObject({ outcome: 'delivered', delivered: 45_000n })
    expect(books).toMatchObject({ received: 45_000n, sent: result.sent })
  })

  it('get through rejects of every passing kind', async () => {
    const codes = ['T04', 'T05', 'R00', 'T00', 'T03'] as const
    const trouble = (index: number) =>
      index % 4 === 1 && index < 40
        ? createReject(codes[(index >> 2) % codes.length]!, { triggeredBy: 'test.acacia' })
        : undefined
    const { endpoints, books } = await serve({ trouble })
    const limits = { backoffMaxMs: 20 }
    const result = await sendStream({
      ...endpoints,
      sourceBudget: 60_000n,
      deliver: 45_000n,
      minimumRate: parseRatio('0.8')!,
      limits
    })
    expect(result).toMatchObject({ outcome: 'delivered', sent: books.sent })
    expect(books.received).toBe(result.delivered)
  })

  it('transmit data with the first packet', async () => {
    const { endpoints, books } = await serve()
    const applicationData = Buffer.from('for the receiver')
    const result = await sendStream({
      ...endpoints,
      sourceBudget: 6_000n,
      deliver: 4_500n,
      minimumRate: parseRatio('0.9')!,
      applicationData
    })
    expect(result).toMatchObject({ outcome: 'delivered' })
    while (books.data === '') await new Promise((resolve) => setImmediate(resolve))
    expect(books.data).toBe('for the receiver')
  })

  it('stop when the receiver takes no more', async () => {
    const { endpoints, books } = await serve({ receiveMax: '2000' })
    const result = await sendStream({
      ...endpoints,
      sourceBudget: 6_000n,
      deliver: 4_500n,
      minimumRate: parseRatio('0.9')!
    })
    expect(result).toMatchObject({ outcome: 'receiverClosed', sent: books.sent })
    expect(books.received).toBeGreaterThanOrEqual(2_000n)
    expect(books.received).toBeLessThanOrEqual(2_020n)
  })

  it('keep books of answers that were lost', async () => {
    const { endpoints, books } = await serve({
      trouble: (index) => (index === 1 ? { type: 'inDoubt' } : undefined)
    })
    const result = await sendStream({
      ...endpoints,
      sourceBudget: 6_000n,
      deliver: 4_500n,
      minimumRate: parseRatio('0.9')!
    })
    expect(result).toMatchObject({ outcome: 'failed', inDoubtCount: 1, error: { code: 'PacketsInDoubt' } })
    expect(books.received).toBe(result.delivered)
    // It tells totals only to clients with an address: no evidence is better than a wrong one.
    expect(await askTotalReceived({ ...endpoints, sequence: result.nextSequence })).toBeUndefined()
  })
})
