import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'Routes of packets: whole segments count, nothing goes back where it came from, a peer’s rate is its own',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const common = { asset: 'USD/2', liquidity: 10_000n, maxPacketsPerSecond: 5 }
    const yak = await net.packetPeer('acacia', { name: 'yak', ...common })
    const zebra = await net.packetPeer('acacia', { name: 'zebra', ...common })
    const refused = async (peer: typeof yak, destination: string) => {
      does(`${peer.name} sends 1 to ${destination}`)
      const reply = await peer.send({ destination, amount: 1n })
      return reply.type === 'reject' && reply.code === 'F02'
    }
    const elsewhere = `${zebra.address}${random.pick(['2', 'fish', '-1'])}.shop`
    always('an address that is nobody’s is reached by nobody', await refused(yak, elsewhere))
    always('a packet does not go back where it came from', await refused(zebra, `${zebra.address}.child`))
    always('nothing arrived', zebra.arrived.length + yak.arrived.length === 0)

    await net.sleep(2_000)
    const count = random.integer(6, 10)
    does(`yak, which may send 5 packets a second, sends ${count} to zebra at once`)
    const replies = await Promise.all(
      Array.from({ length: count }, () => yak.send({ destination: zebra.address, amount: 1n }))
    )
    const limited = replies.filter((reply) => reply.type === 'reject' && reply.code === 'T05').length
    always('a peer has its rate, and no more', limited > 0 && limited < count)
    does('zebra sends 1 to yak')
    const { type } = await zebra.send({ destination: yak.address, amount: 1n })
    always('a peer’s rate is its own', type === 'fulfill')
  }
})
