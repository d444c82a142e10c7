import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'An incoming payment expires in the middle of a payment: what was delivered stays, the rest is not sent',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 10n }),
  worlds: ['virtual'],
  latency: { networkMs: [20, 80], databaseMs: [1, 3] },
  reaches: ['a part was delivered before it expired', 'it completed in time'],
  async run({ net, random, always, sometimes }) {
    const incoming = await net
      .wallet('bob@baobab')
      .openIncomingPayment({ expiresInMs: random.integer(4_000, 12_000) })
    const outcome = await net.wallet('alice@acacia').pay(incoming, { send: 60_000n }).ended()
    await net.until(
      'it is over',
      async () => !['PENDING', 'PROCESSING'].includes((await incoming.read()).state)
    )
    const { received } = await incoming.read()
    sometimes('it completed in time', outcome.state === 'COMPLETED')
    sometimes('a part was delivered before it expired', outcome.state === 'FAILED' && received > 0n)
    always('what completed was delivered', outcome.state !== 'COMPLETED' || received >= outcome.promised)
    always('nothing was sent that was not delivered', outcome.sent > 0n === received > 0n)
  }
})
