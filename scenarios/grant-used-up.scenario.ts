import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Two payments at once want what is left of a grant, which is enough for one',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual', 'interleave', 'local'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const incoming = await net.wallet('adam@acacia').openIncomingPayment()
    const send = BigInt(random.integer(1_000, 10_000))
    const quotes = [await alice.quote(incoming, { send }), await alice.quote(incoming, { send })]
    const consent = await alice.consent(quotes[0]!.debitAmount)
    const payments = quotes.map((quote) => alice.payQuoted(quote, consent, incoming))
    const outcomes = await Promise.all(payments.map((payment) => payment.ended()))
    const made = outcomes.filter(({ state }) => state !== 'REFUSED').length
    always('the grant is not overspent', made === 1)
    always('what was paid once is received once', (await incoming.read()).received === send)
  }
})
