import { readIncomingPayment } from '../sim/scenarios/lab-account.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const PLENTY = 1_000_000_000n

export default scenario({
  title:
    "The operator deletes the receiver's tenant while money is on its way: the payment ends, nothing is lost",
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' }),
  worlds: ['virtual'],
  latency: { networkMs: [5, 20], databaseMs: [1, 3] },
  reaches: ['deleted while the payment was SENDING'],
  async run({ net, random, always, sometimes }) {
    const acacia = net.node('acacia')
    const otter = await acacia.createTenant('otter')
    const dollars = await otter.createAsset('USD', 2, PLENTY)
    await otter.peerWith('baobab', dollars, { maxPacketAmount: 50n })
    const olga = await otter.createWalletAddress('olga', dollars)
    const incoming = await otter.openIncomingPayment(olga.url, { expiresInMs: 600_000 })
    const payment = net.wallet('bob@baobab').pay(incoming, { send: 2_000_000n })
    await payment.until('SENDING')
    await net.sleep(random.integer(0, 400))
    sometimes('deleted while the payment was SENDING', (await payment.state()) === 'SENDING')
    await otter.delete()
    const { sent, debit } = await payment.ended(3_600_000)
    always('it sent no more than was agreed', sent <= debit)
    const { received } = await readIncomingPayment(acacia.admin, incoming.url)
    await net.until('olga has what came', () => otter.accounts.get('olga')!.balance === received, 900_000)
  }
})
