import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'An incoming payment expires in the middle of a payment: what was delivered stays, the rest is not sent',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 10n }),
  worlds: ['virtual'],
  latency: { networkMs: [20, 80], databaseMs: [1, 3] },
  reaches: ['a part was delivered before it expired', 'all was delivered before it expired'],
  async run({ net, random, always, sometimes }) {
    const incoming = await net
      .wallet('bob@baobab')
      .openIncomingPayment({ expiresInMs: random.integer(11_500, 15_000) })
    const send = random.pick([60_000n, 60_000n, 2_000n])
    const outcome = await net.wallet('alice@acacia').pay(incoming, { send }).ended()
    await net.until(
      'it is over',
      async () => !['PENDING', 'PROCESSING'].includes((await incoming.read()).state)
    )
    const { received } = await incoming.read()
    // The receiver closed first: the payment is over with what was delivered, whatever was promised (docs/money.md, 7).
    const inPart = received > 0n && received < outcome.promised
    sometimes('all was delivered before it expired', received >= outcome.promised)
    sometimes('a part was delivered before it expired', inPart)
    always('a part that was delivered was not sent again', !inPart || outcome.sent < outcome.debit)
    always('nothing was sent that was not delivered', outcome.sent > 0n === received > 0n)
  }
})
