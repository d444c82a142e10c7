import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'A wallet does not hear of an incoming payment at first: it hears of its end after that, and of both',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  reaches: ['an event was not heard at first'],
  async run({ net, random, always, sometimes }) {
    const lost = net.fault({
      fault: 'connection',
      node: 'acacia',
      door: 'wallet',
      at: random.pick(['request', 'request', 'answer']),
      nth: 1,
      then: 'reset'
    })
    const incoming = await net.wallet('adam@acacia').openIncomingPayment({ amount: 100n })
    await net.wallet('alice@acacia').pay(incoming).completed()
    sometimes('an event was not heard at first', lost.struck())
    const id = incoming.url.slice(incoming.url.lastIndexOf('/') + 1)
    const types = () =>
      net
        .node('acacia')
        .honoured.filter(({ data }) => data.id === id)
        .map(({ type }) => type)
    await net.until('the wallet hears of its end', () => types().includes('incoming_payment.completed'))
    const order = types()
    always(
      'events of a payment come in their order',
      order.indexOf('incoming_payment.created') >= 0 &&
        order.indexOf('incoming_payment.created') < order.indexOf('incoming_payment.completed')
    )
  }
})
