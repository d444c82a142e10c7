import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'A peer sends two packets at once, and has enough for one',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const rich = await net.packetPeer('acacia', { name: 'rich', asset: 'USD/2', liquidity: 0n })
    const poor = await net.packetPeer('acacia', { name: 'poor', asset: 'USD/2', liquidity: 1_000n })
    const amount = BigInt(random.integer(501, 1_000))
    does(`poor has 1000 and sends two packets of ${amount} to rich at once`)
    const { answer } = rich
    rich.answer = async (packet) => {
      await net.sleep(500)
      return answer(packet)
    }
    const packet = { destination: rich.address, amount }
    const replies = await Promise.all([poor.send(packet), poor.send(packet)])
    const paid = replies.filter(({ type }) => type === 'fulfill').length
    always('a peer pays only what it has', paid === 1)
    always('what is fulfilled is booked', (await poor.liquidity()) === 1_000n - amount)
  }
})
