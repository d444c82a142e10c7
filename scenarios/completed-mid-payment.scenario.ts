import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'The receiver completes its incoming payment while money is on its way: what came stays, the rest returns',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 20n }),
  worlds: ['virtual', 'local'],
  latency: { networkMs: [10, 40], databaseMs: [1, 3] },
  reaches: ['a part was delivered'],
  async run({ net, random, always, sometimes }) {
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const alice = net.wallet('alice@acacia')
    const payment = alice.pay(incoming, { send: 20_000n })
    await payment.until('SENDING')
    await net.sleep(random.integer(300, 700))
    await incoming.complete()
    const { sent, debit } = await payment.ended(3_600_000)
    const { state, received } = await incoming.read()
    always('a completed incoming payment stays so', state === 'COMPLETED')
    always('it sent no more than was agreed', sent <= debit)
    always('nothing was sent that was not delivered', sent > 0n === received > 0n)
    sometimes('a part was delivered', sent > 0n && sent < debit)
  }
})
