import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'A rate falls in the middle of a payment: it fails with what was sent by then, never below its minimum',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    peerLiquidity: 50_00n,
    maxPacketAmount: 5_00n
  }),
  worlds: ['virtual'],
  reaches: ['it failed in part'],
  async run({ net, random, always, sometimes }) {
    const alice = net.wallet('alice@acacia')
    const bob = net.wallet('bob@baobab')
    const incoming = await bob.openIncomingPayment()
    const quote = await alice.quote(incoming, { send: 100_00n })
    const again = await alice.quote(incoming, { send: 60_00n })
    const consent = await alice.consent({ ...quote.debitAmount, value: '10000' })
    const payment = alice.payQuoted(quote, consent, incoming)
    const baobab = net.node('baobab')
    await net.until('the liquidity is used up', async () => (await baobab.peerLiquidity('acacia')) < 5_00n)
    baobab.changeRate('USD', 'EUR', random.integer(400, 950))
    await net.sleep(random.integer(16_000, 20_000))
    await baobab.depositPeerLiquidity('acacia', 200_00n)
    const { state, sent, debit, promised } = await payment.ended(3_600_000)
    const { received } = await incoming.read()
    sometimes('it failed in part', state === 'FAILED' && sent > 0n)
    // One unit of rounding may be owed still when it ends.
    always('never below the minimum rate', (received + 1n) * debit >= sent * promised)
    const late = await alice.payQuoted(again, consent, incoming).ended(3_600_000)
    const fits = sent + 60_00n <= 100_00n
    always('a failed payment gives back what it did not send, and no more', fits || late.state === 'REFUSED')
  }
})
