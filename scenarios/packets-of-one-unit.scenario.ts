import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'A peer takes packets of a few units, and in the end of one: a payment finds the size, and loses no unit to it',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 64n }),
  worlds: ['virtual'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const baobab = net.node('baobab')
    const received = async (limit: bigint): Promise<bigint> => {
      await baobab.limitPackets('acacia', limit)
      const incoming = await net.wallet('bob@baobab').openIncomingPayment()
      const { promised } = await alice.pay(incoming, { send: 150n }).completed(3_600_000)
      const { received } = await incoming.read()
      always('what was promised is delivered', received >= promised)
      return received
    }
    await received(BigInt(random.integer(2, 9)))
    await received(1n)
    const payment = alice.pay('bob@baobab', { send: 400n })
    await payment.until('SENDING')
    await baobab.limitPackets('acacia', 2n)
    await baobab.limitPackets('acacia', 1n)
    const { sent, debit } = await payment.completed(3_600_000)
    always('it sent no more than was agreed', sent <= debit)
  }
})
