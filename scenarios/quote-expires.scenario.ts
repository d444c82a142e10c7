import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A quote expires before it is used: no payment is made of it',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' }),
  worlds: ['virtual'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const quote = await alice.quote(incoming, { send: 1_000n })
    const lifeMs = Date.parse(quote.expiresAt!) - Date.now()
    always('a quote has some life', lifeMs > 0)
    const consent = await alice.consent(quote.debitAmount)
    await net.sleep(Math.max(0, Date.parse(quote.expiresAt!) - Date.now()) + random.integer(1, 60_000))
    const payment = await alice.payQuoted(quote, consent, incoming).ended()
    always('an expired quote pays nothing', payment.state === 'REFUSED')
    always('bob got nothing', (await incoming.read()).received === 0n)
  }
})
