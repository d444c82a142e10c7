import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A quote makes one payment, whatever its grant has left',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual', 'local'],
  async run({ net, random, always }) {
    const alice = net.wallet('alice@acacia')
    const incoming = await net.wallet('adam@acacia').openIncomingPayment()
    const send = BigInt(random.integer(100, 10_000))
    const quote = await alice.quote(incoming, { send })
    const consent = await alice.consent({ ...quote.debitAmount, value: (send * 10n).toString() })
    await alice.payQuoted(quote, consent, incoming).completed()
    const { state } = await alice.payQuoted(quote, consent, incoming).ended()
    always('a quote makes one payment', state === 'REFUSED')
    always('what was paid once is received once', (await incoming.read()).received === send)
  }
})
