import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'Two payers race for the last unit that an incoming payment asks for',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'USD/2' }, link: 'USD/2', slippage: '0' }),
  worlds: ['virtual', 'interleave', 'local'],
  reaches: ['one was too late'],
  async run({ net, random, always, sometimes }) {
    const amount = BigInt(random.integer(2, 1_000))
    const invoice = await net.wallet('bob@baobab').openIncomingPayment({ amount })
    if (amount > 1n)
      await net
        .wallet('alice@acacia')
        .pay(invoice, { send: amount - 1n })
        .completed()
    const payers = ['alice@acacia', 'adam@acacia', 'bella@baobab'].map((payer) =>
      net.wallet(payer).pay(invoice, { send: 1n })
    )
    const outcomes = await Promise.all(payers.map((payment) => payment.ended(3_600_000)))
    const paid = outcomes.filter(({ sent }) => sent === 1n).length
    const { state, received } = await invoice.read()
    always('somebody paid the last unit', paid >= 1)
    always('the invoice has what was paid', received === amount - 1n + BigInt(paid))
    always('it is closed', state === 'COMPLETED')
    sometimes('one was too late', paid < payers.length)
  }
})
