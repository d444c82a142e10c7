import {
  conditionOf,
  deriveStreamKeys,
  encryptStreamPacket,
  fulfillmentOf,
  StreamMoneyFrame,
  StreamPacketType
} from '../node/ilp/index.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A STREAM receiver starts again: it remembers what it got, and takes nothing that brings too little',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const yak = await net.packetPeer('acacia', { name: 'yak', asset: 'USD/2', liquidity: 100_000n })
    const credentials = await net.wallet('alice@acacia').spsp()
    const amount = BigInt(random.integer(100, 10_000))
    does(`yak pays ${amount} to alice`)
    const { delivered, nextSequence } = await yak.pay(credentials, {
      deliver: amount,
      sourceBudget: amount
    })
    always('an honest peer’s payment arrives', delivered === amount)

    const acacia = net.node('acacia')
    await acacia.kill('backend')
    await acacia.restart('backend')
    does('yak asks what alice got')
    const total = await yak.totalReceived(credentials, nextSequence)
    always('a total never shrinks', total === amount)

    does('yak sends alice 100, of which 101 have to arrive')
    const keys = deriveStreamKeys(credentials.sharedSecret)
    const data = encryptStreamPacket(
      keys,
      {
        sequence: BigInt(nextSequence + 1),
        type: StreamPacketType.PREPARE,
        prepareAmount: 101n,
        frames: [new StreamMoneyFrame(1, 1)]
      },
      { bytes: (length) => Buffer.alloc(length, random.integer(0, 255)) }
    )
    const condition = conditionOf(fulfillmentOf(keys, data))
    const { destination } = credentials
    const reply = await yak.send({ destination, amount: 100n, data, condition })
    always('less than the minimum is refused', reply.type === 'reject')
    always('what is refused is not booked', (await yak.liquidity()) === 100_000n - amount)
  }
})
