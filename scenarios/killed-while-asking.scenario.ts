import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const TYPES = [
  'outgoing_payment.created',
  'outgoing_payment.completed',
  'incoming_payment.completed'
] as const

const MAX_KILLS = 2

export default scenario({
  title:
    'A backend is killed while its wallet is asked to honour an event: the event comes again, and books once',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual', 'local'],
  reaches: ['the event came again'],
  async run({ net, random, always, sometimes }) {
    const acacia = net.node('acacia')
    const alice = net.wallet('alice@acacia')
    const adam = net.wallet('adam@acacia')
    const start = { alice: alice.balance(), adam: adam.balance() }
    // Events of earlier payments may come at any time, and come again.
    const earlier = new Set<unknown>()
    let paid = 0n
    for (const type of TYPES) {
      const amount = BigInt(random.integer(100, 1_000))
      paid += amount
      const asked = acacia.nextAsked((one) => one.type === type && !earlier.has(one.data.id))
      const payment = alice.pay('adam@acacia', { receive: amount })
      const event = await asked
      const isHonoured = () => acacia.honoured.some(({ id }) => id === event.id)
      for (let kills = 1; kills <= MAX_KILLS && !isHonoured(); kills++) {
        const again = acacia.nextAsked(({ id }) => id === event.id)
        await net.sleep(random.integer(0, 2))
        await acacia.kill('backend')
        // What the wallet does goes on, and fails where it needs the node.
        await net.sleep(random.integer(0, 100))
        await acacia.restart('backend')
        if (isHonoured()) break
        await again
        sometimes('the event came again')
      }
      await payment.completed(3_600_000)
      const { incoming, outgoingPaymentUrl } = await payment.created
      for (const { url } of [incoming, { url: outgoingPaymentUrl }])
        earlier.add(url.slice(url.lastIndexOf('/') + 1))
    }
    await net.until('adam has all of it', () => adam.balance() - start.adam === paid)
    await net.until('alice paid it once', () => start.alice - alice.balance() === paid)
    always('books add up', start.alice + start.adam === alice.balance() + adam.balance())
  }
})
