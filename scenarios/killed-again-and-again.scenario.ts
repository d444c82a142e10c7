import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

/** Of simulated kills each seed makes others; of real ones a run has to make many itself. */
const ROUNDS = { virtual: 1, interleave: 1, local: 12 }

export default scenario({
  title:
    'Backends are killed again and again, also while they resume what they sent: each payment is made once',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 20n }),
  worlds: ['virtual', 'local'],
  reaches: ['the payer’s node was killed while SENDING', 'the receiver’s node was killed while SENDING'],
  async run({ net, random, sometimes }) {
    const payments = []
    for (let round = 0; round < ROUNDS[net.world]; round++) {
      const [payer, receiver] = random.pick([
        ['acacia', 'baobab'],
        ['baobab', 'acacia']
      ] as const)
      const [from, to] = payer === 'acacia' ? ['alice', 'bob'] : ['bob', 'alice']
      const amount = payer === 'acacia' ? 10_000n : 1_000_000n
      const payment = net.wallet(`${from}@${payer}`).pay(`${to}@${receiver}`, { send: amount })
      payments.push(payment)
      const state = await payment.until('SENDING')
      await net.sleep(random.integer(0, 150))
      const first = random.pick([payer, receiver])
      const second = first === payer ? receiver : payer
      sometimes(
        first === payer
          ? 'the payer’s node was killed while SENDING'
          : 'the receiver’s node was killed while SENDING',
        state === 'SENDING'
      )
      // One after the other, and sometimes both are down.
      const both = random.pick([true, false])
      await net.node(first).kill('backend')
      await net.sleep(random.integer(0, 200))
      if (!both) await net.node(first).restart('backend')
      await net.node(second).kill('backend')
      await net.sleep(random.integer(0, 200))
      await net.node(second).restart('backend')
      if (both) await net.node(first).restart('backend')
    }
    for (const payment of payments) await payment.completed(3_600_000)
  }
})
