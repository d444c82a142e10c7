import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { decodePrepare, encodeReply, isPacketError } from '../../ilp/index.ts'
import type { TransportOutcome } from '../connector/index.ts'
import { createTestNode, createTestPayer } from '../connector/connector.test-support.ts'
import type { TestNode as ConnectorNode, TestTarget } from '../connector/connector.test-support.ts'
import { createScriptedTransport } from '../connector/faults.test-support.ts'
import type { Peer } from '../peers/model.ts'
import type { Receivers } from '../receivers/model.ts'
import { until } from '../testing.ts'
import { createPaymentsLab } from './payments-lab.test-support.ts'
import type { TestNode } from './node-process.test-support.ts'
import type { PaymentsLab } from './payments-lab.test-support.ts'

/** The receiving node is one of ours: its connector, its STREAM receiver, its totals from its ledger. */
describe('evidence of a receiver of our own', () => {
  let lab: PaymentsLab
  let node: TestNode
  let baobab: ConnectorNode
  let target: TestTarget
  let acacia: Peer
  let payOther: (amount: bigint) => Promise<void>
  let fate: () => 'answer' | 'lostBefore' | 'lostAfter'
  const start = 10n ** 9n

  beforeAll(async () => {
    lab = await createPaymentsLab(inject('postgresUrl'))
  })
  afterAll(() => lab.close())
  afterEach(() => lab.stopNodes())

  beforeEach(async () => {
    const { clock } = lab
    fate = () => 'answer'
    baobab = createTestNode({ name: 'baobab', clock, transport: createScriptedTransport() })
    const eur = await baobab.addAsset('EUR', 2)
    acacia = await baobab.addPeer('acacia', eur, { balance: start, maxPacketAmount: 10n })
    const cedar = await baobab.addPeer('cedar', eur, { balance: start })
    target = await baobab.addTarget(eur)
    const other = createTestPayer(baobab, target, clock)
    payOther = async (amount) => {
      const answer = await baobab.connector.handle(cedar, other.prepare(amount))
      expect(answer.type).toBe('fulfill')
    }
    const receive = async (bytes: Buffer): Promise<TransportOutcome> => {
      const prepare = decodePrepare(bytes)
      if (isPacketError(prepare)) throw new Error(prepare.reason)
      const is = prepare.amount > 0n ? fate() : 'answer'
      const lost: TransportOutcome = { kind: 'lost', code: 'T01', reason: 'reset' }
      if (is === 'lostBefore') return lost
      const reply = await baobab.connector.handle(acacia, prepare)
      return is === 'lostAfter' ? lost : { kind: 'answer', bytes: encodeReply(reply) }
    }
    const read: Receivers['get'] = async (_tenantId, url) => {
      const { ilpAddress, sharedSecret } = baobab.streamReceiver.createCredentials({
        serverAddress: baobab.address,
        paymentTag: target.id,
        asset: eur
      })
      const value = await baobab.balance(target.id)
      return {
        incomingPaymentUrl: url,
        walletAddressUrl: 'https://baobab.example/bob',
        asset: eur,
        receivedAmount: { value, assetCode: 'EUR', assetScale: 2 },
        completed: false,
        createdAt: new Date(0),
        credentials: { destination: ilpAddress, sharedSecret }
      }
    }
    Object.assign(lab.remote, { receive, read })
    node = lab.createNode()
    await node.start()
  })

  it.each([
    ['had arrived', 'lostAfter', 0n],
    ['had arrived, from a receiver that had money before', 'lostAfter', 70n],
    ['had not arrived', 'lostBefore', 0n],
    ['had not arrived, from a receiver that had money before', 'lostBefore', 70n]
  ] as const)(
    'is exact while another node pays the same incoming payment: packets in flight %s',
    async (_what, fateOfTheRest, before) => {
      if (before > 0n) await payOther(before)
      const owedBefore = await lab.peerBalance()
      const url = `https://baobab.example/incoming-payments/${target.id}`
      const payment = await lab.create(node, url, { receive: 1_000n })
      let packets = 0
      fate = () => {
        if (++packets === 30) node.kill()
        return packets < 30 ? 'answer' : fateOfTheRest
      }
      await lab.fund(node, payment)
      await until(() => packets >= 30)
      await payOther(40n)
      fate = () => 'answer'
      const next = lab.createNode()
      await next.start()
      const ended = await lab.ended(payment.id, { advance: true })
      expect(ended).toMatchObject({ state: 'COMPLETED', deliveredAmountValue: 1_000n })
      // Where time moved on while packets of the second epoch were under way, there is a third.
      expect(ended.leaseEpoch).toBeGreaterThanOrEqual(2)
      // Both books of the link agree, and nothing is in doubt: whatever arrived is paid, and nothing else.
      const taken = start - (await baobab.balance(acacia.id))
      expect(taken).toBe(1_000n)
      expect((await lab.peerBalance()) - owedBefore).toBe(taken)
      expect(await baobab.balance(target.id)).toBe(1_000n + 40n + before)
      expect(await lab.audit()).toEqual([])
      await baobab.audit()
    }
  )
})
