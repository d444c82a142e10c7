import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Many payments into one incoming payment: it closes once it has its amount',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 500n }),
  worlds: ['virtual', 'interleave', 'local'],
  reaches: ['a payment found the receiver closed', 'every payment completed'],
  async run({ net, random, always, sometimes }) {
    const bob = net.wallet('bob@baobab')
    const amount = 1_000_000n
    const invoice = await bob.openIncomingPayment({ amount })
    // Together they send about a fifth more than the invoice asks for, in bursts of packets.
    const payments = Array.from({ length: 4 }, (_, index) =>
      net
        .wallet(index % 2 === 0 ? 'alice@acacia' : 'adam@acacia')
        .pay(invoice, { send: BigInt(random.integer(2_800, 3_800)) })
    )
    const outcomes = await Promise.all(payments.map((payment) => payment.ended()))
    sometimes(
      'every payment completed',
      outcomes.every(({ state }) => state === 'COMPLETED')
    )
    const { state, received } = await invoice.read()
    sometimes('a payment found the receiver closed', state === 'COMPLETED')
    // A packet is accepted while less than the amount has come: only the last may go above it.
    const largestPacket = 50_000n
    always('the invoice has at most one packet above its amount', received < amount + largestPacket)
    always('a closed invoice has its amount', state !== 'COMPLETED' || received >= amount)
  }
})
