import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A wallet hears of a payment only after its quote has expired, and funds it then',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' }),
  worlds: ['virtual'],
  async run({ net, random, always }) {
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const alice = net.wallet('alice@acacia')
    const quote = await alice.quote(incoming, { send: 10_000n })
    const consent = await alice.consent(quote.debitAmount)
    const leftMs = Math.max(0, Date.parse(quote.expiresAt!) - Date.now())
    net.fault({
      fault: 'partition',
      between: [
        { node: 'acacia', part: 'backend' },
        { node: 'acacia', part: 'wallet' }
      ],
      afterMs: 0,
      forMs: leftMs + random.integer(1, 60_000)
    })
    const before = alice.balance()
    const payment = alice.payQuoted(quote, consent, incoming)
    await payment.created
    always('it waits for its money', (await payment.state()) === 'FUNDING')
    const { state, sent } = await payment.ended(3_600_000)
    const { received } = await incoming.read()
    always('at terms that are over nothing is paid', state === 'FAILED' && sent === 0n && received === 0n)
    await net.until('alice has her money again', () => alice.balance() === before)
  }
})
