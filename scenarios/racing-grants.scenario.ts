import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Three payments race for a grant that is enough for two: the third is refused',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' }),
  worlds: ['virtual', 'interleave', 'local'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const bob = net.wallet('bob@baobab')
    const send = BigInt(random.integer(1_000, 10_000))
    const incoming = await bob.openIncomingPayment()
    const quotes = await Promise.all([1, 2, 3].map(() => alice.quote(incoming, { send })))
    // The limit is enough for two of the three.
    const limit = { ...quotes[0]!.debitAmount, value: (send * 2n).toString() }
    const consent = await alice.consent(limit)
    const payments = quotes.map((quote) => alice.payQuoted(quote, consent, incoming))
    const outcomes = await Promise.all(payments.map((payment) => payment.ended()))
    const made = outcomes.filter(({ state }) => state !== 'REFUSED')
    always('two of three payments are made', made.length === 2)
    const spent = made.reduce((sum, { debit }) => sum + debit, 0n)
    always('the grant is not overspent', spent <= send * 2n)
  }
})
