import type { Traffic } from '../sim/faults/model.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

type ThroughADoor = Extract<Traffic, { door: unknown }>

export default scenario({
  title: 'An answer is lost after its request was processed: at each door on the way of a payment',
  topology: line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2', maxPacketAmount: 500n }),
  worlds: ['virtual'],
  reaches: ['an answer was lost', 'the payment completed after that'],
  async run({ net, random, sometimes }) {
    const pay = () => net.wallet('alice@acacia').pay('bob@baobab', { send: 10_000n })
    const at = random.pick(['answer', 'answer', 'request'] as const)
    // A quiet payment first: what is lost is a message that the same payment really sends.
    const doors = DOORS_ON_THE_WAY.map((door) => ({ ...door, at })).map((door) => ({
      door,
      messages: net.count(door)
    }))
    await pay().completed()
    const used = doors.filter(({ messages }) => messages() > 0)
    const { door, messages } = random.pick(used)
    const fault = net.fault({
      fault: 'connection',
      ...door,
      nth: random.integer(1, messages()),
      then: random.pick(['reset' as const, { stallMs: 3_000 }, { stallMs: 40_000 }])
    })
    const { state } = await pay().ended(3_600_000)
    sometimes('an answer was lost', fault.struck())
    sometimes('the payment completed after that', fault.struck() && state === 'COMPLETED')
  }
})

const DOORS_ON_THE_WAY: readonly Omit<ThroughADoor, 'at'>[] = ['acacia', 'baobab'].flatMap((node) =>
  (['connector', 'openPayments', 'admin', 'auth', 'introspection', 'wallet', 'database'] as const).map(
    (door) => ({ node, door })
  )
)
