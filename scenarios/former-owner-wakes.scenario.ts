import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

/** What a unit of the payer's is worth to the receiver, and one of rounding. */
const ONE_UNITS_WORTH = 93n

export default scenario({
  title:
    'The process that sends a payment is paused until another has taken it over, and wakes up: it sends and books nothing more',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    maxPacketAmount: 20n,
    hasKeyFiles: true
  }),
  worlds: ['virtual'],
  latency: { networkMs: [5, 20], databaseMs: [1, 3] },
  reaches: [
    'paused while SENDING',
    'it woke up while another went on',
    'it woke up when another had ended it'
  ],
  async run({ net, random, always, sometimes }) {
    const acacia = net.node('acacia')
    await acacia.startSecond()
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const alice = net.wallet('alice@acacia')
    const quote = await alice.quote(incoming, { send: 20_000n })
    const consent = await alice.consent(quote.debitAmount)
    const payment = alice.payQuoted(quote, consent, incoming)
    await payment.until('SENDING')
    await net.sleep(random.integer(0, 300))
    sometimes('paused while SENDING', (await payment.state()) === 'SENDING')
    // A lease lasts for 10 s after it was renewed, others give it 5 s more, and then need less than one to pay the rest.
    const forMs = random.pick([random.integer(12_500, 15_500), random.integer(14_000, 16_000), 90_000])
    const pause = net.fault({ fault: 'pause', node: 'acacia', service: 'backend', afterMs: 0, forMs })
    await net.sleep(1)
    const before = (await incoming.read()).received
    acacia.leadTo('second')
    await pause.over
    const { received } = await incoming.read()
    const state = await payment.until('SENDING')
    sometimes('it woke up while another went on', received > before && state === 'SENDING')
    sometimes('it woke up when another had ended it', state === 'COMPLETED')
    const { promised, sent, debit } = await payment.completed(3_600_000)
    always('it sent no more than was agreed', sent <= debit)
    const total = (await incoming.read()).received
    always('the receiver has what was promised', total >= promised)
    always('the receiver has no more than was promised', total <= promised + ONE_UNITS_WORTH)
  }
})
