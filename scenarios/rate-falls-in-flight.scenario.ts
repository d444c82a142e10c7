import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A rate falls between two packets of a payment: those that would bring too little are refused',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 10n }),
  worlds: ['virtual'],
  latency: { networkMs: [20, 80], databaseMs: [1, 3] },
  reaches: ['it failed in part'],
  async run({ net, random, always, sometimes }) {
    const alice = net.wallet('alice@acacia')
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const quote = await alice.quote(incoming, { send: 10_000n })
    const consent = await alice.consent(quote.debitAmount)
    net.node('baobab').changeRate('USD', 'EUR', random.integer(300, 800))
    // Rates are fetched again some 12 seconds after the quote's probe asked for them; its word on the path holds for 15.
    await net.sleep(random.integer(6_000, 7_500))
    const payment = alice.payQuoted(quote, consent, incoming)
    const { state, sent, debit, promised } = await payment.ended(3_600_000)
    const { received } = await incoming.read()
    sometimes('it failed in part', state === 'FAILED' && sent > 0n)
    // One unit of rounding may be owed still when it ends.
    always('never below the minimum rate', (received + 1n) * debit >= sent * promised)
  }
})
