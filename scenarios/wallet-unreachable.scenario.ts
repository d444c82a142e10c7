import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    "The payer's wallet cannot be reached while its payment waits for money, and answers late after that",
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' }),
  worlds: ['virtual'],
  reaches: ['the payment waited FUNDING'],
  async run({ net, random, sometimes }) {
    const incoming = await net.wallet('bob@baobab').openIncomingPayment({ amount: 50_000n })
    const alice = net.wallet('alice@acacia')
    const quote = await alice.quote(incoming)
    const consent = await alice.consent(quote.debitAmount)
    net.fault({
      fault: 'partition',
      between: [
        { node: 'acacia', part: 'backend' },
        { node: 'acacia', part: 'wallet' }
      ],
      afterMs: 0,
      forMs: random.integer(1_000, 600_000)
    })
    net.fault({
      fault: 'connection',
      node: 'acacia',
      door: 'wallet',
      at: 'answer',
      nth: 1,
      then: { stallMs: random.integer(1_000, 30_000) }
    })
    await net.sleep(1)
    const payment = alice.payQuoted(quote, consent, incoming)
    await payment.created
    sometimes('the payment waited FUNDING', (await payment.state()) === 'FUNDING')
    await payment.completed(3_600_000)
  }
})
