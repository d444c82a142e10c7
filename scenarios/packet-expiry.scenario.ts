import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'A packet’s life: each hop keeps a second for the answer, and what comes after it counts for nothing',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const asset = 'USD/2'
    const yak = await net.packetPeer('acacia', { name: 'yak', asset, liquidity: 10_000n })
    const zebra = await net.packetPeer('acacia', { name: 'zebra', asset, liquidity: 0n })
    const before = await yak.liquidity()

    const lifeMs = random.integer(5_000, 25_000)
    does(`yak sends 100 to zebra with ${lifeMs} ms to live`)
    const expiresAtMs = Date.now() + lifeMs
    const paid = await yak.send({ destination: zebra.address, amount: 100n, expiresInMs: lifeMs })
    always('an honest peer is paid', paid.type === 'fulfill')
    always('the next hop has a second less', zebra.arrived[0]!.prepare.expiresAtMs <= expiresAtMs - 1_000)

    const shortMs = random.integer(1, 1_900)
    does(`yak sends 100 to zebra with ${shortMs} ms to live`)
    const late = await yak.send({ destination: zebra.address, amount: 100n, expiresInMs: shortMs })
    const wentNowhere = late.type === 'reject' && zebra.arrived.length === 1
    always('a packet with too little life left goes nowhere', wentNowhere)

    const { answer } = zebra
    const afterMs = random.integer(1, 900)
    does(`zebra answers the next packet ${afterMs} ms after its expiry`)
    zebra.answer = async (packet) => {
      await net.sleep(packet.prepare.expiresAtMs + afterMs - Date.now())
      return answer(packet)
    }
    const held = await yak.send({ destination: zebra.address, amount: 100n, expiresInMs: 5_000 })
    always('a Fulfill after the expiry is none', held.type === 'reject')
    await net.sleep(4_000)
    const liquidity = await yak.liquidity()
    always('what was reserved is free again when a packet ended', liquidity >= before - 100n)
    always('what is fulfilled is booked, and nothing else', liquidity === before - 100n)
  }
})
