import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A grant is revoked in the middle of a payment: the payment goes on, no other is made',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 20n }),
  worlds: ['virtual', 'local'],
  reaches: ['revoked while the payment was SENDING'],
  async run({ net, always, sometimes }) {
    const alice = net.wallet('alice@acacia')
    const incoming = await net.wallet('bob@baobab').openIncomingPayment()
    const [quote, second] = [
      await alice.quote(incoming, { send: 20_000n }),
      await alice.quote(incoming, { send: 1_000n })
    ]
    const consent = await alice.consent({ ...quote.debitAmount, value: '100000' })
    const payment = alice.payQuoted(quote, consent, incoming)
    await payment.until('SENDING')
    await consent.revoke()
    sometimes('revoked while the payment was SENDING', (await payment.state()) === 'SENDING')
    const late = await alice.payQuoted(second, consent, incoming).ended()
    always('a revoked grant pays nothing more', late.state === 'REFUSED')
    await payment.completed()
  }
})
