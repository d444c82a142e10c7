import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A BTP connection between two nodes is cut in the middle of a payment, and made anew',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4' },
    link: 'USD/2',
    maxPacketAmount: 50n,
    transport: 'btp'
  }),
  worlds: ['virtual'],
  reaches: ['the connection was cut', 'the payment completed after that'],
  async run({ net, random, sometimes }) {
    const pay = () => net.wallet('alice@acacia').pay('bob@baobab', { send: 20_000n })
    // A quiet payment first: who dialled whom, and how many messages such a payment takes.
    const frames = (['acacia', 'baobab'] as const).flatMap((node) =>
      (['request', 'answer'] as const).map((at) => {
        const traffic = { node, door: 'connector' as const, at }
        return { traffic, count: net.count(traffic) }
      })
    )
    await pay().completed()
    const { traffic, count } = random.pick(frames.filter(({ count }) => count() > 0))
    const fault = net.fault({
      fault: 'connection',
      ...traffic,
      nth: random.integer(1, Math.ceil(count() / 2)),
      then: random.pick(['reset' as const, { stallMs: 15_000 }])
    })
    const { state } = await pay().ended(3_600_000)
    sometimes('the connection was cut', fault.struck())
    sometimes('the payment completed after that', fault.struck() && state === 'COMPLETED')
  }
})
