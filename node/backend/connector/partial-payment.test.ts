import { expect, it, describe } from 'vitest'
import { StreamDataFrame } from '../../ilp/stream/codec.ts'
import type { StreamPacket } from '../../ilp/stream/codec.ts'
import { createManualClock } from '../../runtime/index.ts'
import type { PartialPaymentDecision, PartialPaymentGate } from '../partial-payments/model.ts'
import { createTestNode, createTestPayer } from './connector.test-support.ts'
import type { TestTarget } from './connector.test-support.ts'
import { createScriptedTransport } from './faults.test-support.ts'

describe('a packet with data for an incoming payment', () => {
  async function payWith(
    data: Buffer | undefined,
    decision: PartialPaymentDecision | Error
  ): Promise<{ reply: StreamPacket; asked: string[]; target: TestTarget }> {
    const asked: string[] = []
    const clock = createManualClock()
    const partialPayments: PartialPaymentGate = {
      async decide({ incomingPaymentId, dataFromSender }) {
        asked.push(`${incomingPaymentId} ${dataFromSender.toString()}`)
        if (decision instanceof Error) throw decision
        return decision
      }
    }
    const node = createTestNode({
      name: 'acacia',
      clock,
      transport: createScriptedTransport(),
      override: { partialPayments }
    })
    const asset = await node.addAsset('USD', 2, 10_000n)
    const peer = await node.addPeer('peer', asset, { balance: 1_000n })
    const target = await node.addTarget(asset)
    const payer = createTestPayer(node, target, clock)
    const frames = data ? [new StreamDataFrame(1, 0, data)] : []
    const answer = await node.connector.handle(peer, payer.prepare(100n, { frames }))
    expect(await node.balance(target.id)).toBe(answer.type === 'fulfill' ? 100n : 0n)
    await node.audit()
    return { reply: payer.read(answer as never)!, asked, target }
  }

  it('is booked when the wallet confirms', async () => {
    const { asked, target } = await payWith(Buffer.from('kyc'), { kind: 'accepted' })
    expect(asked).toEqual([`${target.id} kyc`])
    expect(target).toMatchObject({ received: 100n, booking: 0n })
  })

  it('closes the connection with the wallet’s reason when it rejects, and books nothing', async () => {
    const { reply, target } = await payWith(Buffer.from('kyc'), { kind: 'declined', reason: 'not you' })
    expect(reply.frames.map((frame) => frame.constructor.name)).toEqual([
      'ConnectionCloseFrame',
      'StreamDataFrame'
    ])
    expect((reply.frames[1] as StreamDataFrame).data.toString()).toBe('not you')
    expect(target).toMatchObject({ received: 0n, booking: 0n })
  })

  it('holds nothing back when the decision cannot be had', async () => {
    const { target } = await payWith(Buffer.from('kyc'), new Error('no cache'))
    expect(target).toMatchObject({ received: 0n, booking: 0n })
  })

  it('without data is nobody’s decision', async () => {
    const { asked } = await payWith(undefined, { kind: 'declined', reason: 'asked' })
    expect(asked).toEqual([])
  })
})
