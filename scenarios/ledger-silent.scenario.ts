import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'The database’s answer to a booking is lost: it is booked once, or not at all and nobody is told otherwise',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  reaches: ['an answer was lost before a Fulfill', 'an answer was lost during a delivery'],
  async run({ net, random, always, sometimes, does }) {
    const asset = 'USD/2'
    const yak = await net.packetPeer('acacia', { name: 'yak', asset, liquidity: 10_000n })
    const zebra = await net.packetPeer('acacia', { name: 'zebra', asset, liquidity: 0n })
    const lose = (at: 'request' | 'answer', nth: number) =>
      net.fault({ fault: 'connection', node: 'acacia', door: 'database', at, nth, then: 'reset' })

    const { answer } = zebra
    zebra.answer = (packet) => {
      // The next that the node says to its database is that the packet is paid.
      const lost = lose('request', 1)
      void lost.over.then(() => sometimes('an answer was lost before a Fulfill'))
      return answer(packet)
    }
    does('yak sends 100 to zebra')
    const { type } = await yak.send({ destination: zebra.address, amount: 100n })
    zebra.answer = answer
    const [paid, got] = [10_000n - (await yak.liquidity()), await zebra.liquidity()]
    always('what is fulfilled is booked', type !== 'fulfill' || (paid === 100n && got === 100n))
    await net.faultsOver()

    const incoming = await net.wallet('alice@acacia').openIncomingPayment()
    const before = await yak.liquidity()
    const fault = lose('answer', random.integer(1, 5))
    does('yak pays 100 to alice')
    const result = await yak.pay(incoming.credentials, { deliver: 100n, sourceBudget: 100n })
    sometimes('an answer was lost during a delivery', fault.struck())
    await net.sleep(5_000)
    const { received } = await incoming.read()
    always('the receiver has what was sent, once', received <= 100n && received >= result.delivered)
    always('the receiver has what its peer paid', received === before - (await yak.liquidity()))
  }
})
