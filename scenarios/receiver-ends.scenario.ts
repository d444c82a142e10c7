import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title: 'An incoming payment ends, by the API or by its time: nothing comes after that',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, random, always, does }) {
    const yak = await net.packetPeer('acacia', { name: 'yak', asset: 'USD/2', liquidity: 100_000n })
    const end = random.pick(['completed', 'expired'] as const)
    const incoming = await net.wallet('alice@acacia').openIncomingPayment({ expiresInMs: 60_000 })
    const { credentials } = incoming
    const amounts = { deliver: 100n, sourceBudget: 100n }
    does('yak pays 100 to it')
    const { nextSequence } = await yak.pay(credentials, amounts)
    does(`it is ${end}`)
    if (end === 'completed') await incoming.complete()
    else await net.sleep(61_000)
    const { received } = await incoming.read()
    always('what came before the end is there', received === 100n)
    does('yak pays 100 more')
    const before = await yak.liquidity()
    const { delivered } = await yak.pay(credentials, { ...amounts, firstSequence: nextSequence })
    always('nothing comes after the end', delivered === 0n && (await yak.liquidity()) === before)
  }
})
