import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A peer holds a packet nearly to its expiry: it is booked all the same, and once',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const asset = 'USD/2'
    const yak = await net.packetPeer('acacia', { name: 'yak', asset, liquidity: 10_000n })
    const zebra = await net.packetPeer('acacia', { name: 'zebra', asset, liquidity: 0n })
    const { answer } = zebra
    const heldMs = random.integer(6_000, 25_000)
    zebra.answer = async (packet) => {
      await net.sleep(heldMs)
      return answer(packet)
    }
    const packet = { destination: zebra.address, amount: 100n, expiresInMs: 28_000 }
    does(`yak sends 100 to zebra, which holds it for ${heldMs} ms`)
    const held = yak.send(packet)
    await net.until('the packet arrives', () => zebra.arrived.length > 0)
    const { executionCondition: condition } = zebra.arrived[0]!.prepare
    does('yak repeats the packet while it is held')
    const repeated = await yak.send({ ...packet, condition })
    always('a repeated Prepare goes nowhere', repeated.type === 'reject' && zebra.arrived.length === 1)
    const { type } = await held
    always('an honest peer is paid', type === 'fulfill')
    always('what is fulfilled is booked', (await yak.liquidity()) === 9_900n)
    always('what is fulfilled is booked', (await zebra.liquidity()) === 100n)
  }
})
