import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'
import type { Topology } from '../sim/topology/model.ts'

/** Two ways from acacia to cedar: by baobab, which is taken at first, and by dogwood. */
function ring(): Topology {
  const open = line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/4', cedar: 'USD/2', dogwood: 'USD/2' },
    link: 'USD/2',
    maxPacketAmount: 50n
  })
  const { between: _, ...link } = open.links[0]!
  return { ...open, name: 'ring', links: [...open.links, { ...link, between: ['acacia', 'dogwood'] }] }
}

export default scenario({
  title:
    'Routes are changed in the middle of a payment: it goes on the other way; where there is none it ends, and nothing is lost',
  topology: ring(),
  worlds: ['virtual'],
  reaches: ['the way was changed while the payment was SENDING', 'the way was closed while it was SENDING'],
  async run({ net, random, always, sometimes, does }) {
    const alice = net.wallet('alice@acacia')
    const { admin, provisioned } = net.node('acacia')
    const route = async (peer: string, routes: string[]): Promise<void> => {
      const { id } = provisioned.peers.find((one) => one.with === peer)!
      await admin.call(UPDATE_PEER, { input: { id, routes } })
    }
    const first = alice.pay('carol@cedar', { send: 10_000n })
    await first.until('SENDING')
    await net.sleep(random.integer(0, 100))
    sometimes('the way was changed while the payment was SENDING', (await first.state()) === 'SENDING')
    does('acacia routes to cedar by dogwood')
    await route('baobab', [])
    await route('dogwood', ['test.cedar'])
    // Between the two there was no way at all: packets of that time were refused, and a payment may end by that.
    const changed = await first.ended(3_600_000)
    always('it sent no more than was agreed', changed.sent <= changed.debit)
    await alice.pay('carol@cedar', { send: 1_000n }).completed()

    const second = alice.pay('carol@cedar', { send: 10_000n })
    await second.until('SENDING')
    await net.sleep(random.integer(0, 100))
    sometimes('the way was closed while it was SENDING', (await second.state()) === 'SENDING')
    does('acacia routes to cedar no more')
    await route('dogwood', [])
    const closed = await second.ended(3_600_000)
    always('it sent no more than was agreed', closed.sent <= closed.debit)
    const late = await alice.pay('carol@cedar', { send: 1_000n }).ended()
    always('where there is no way nothing is begun', late.state === 'REFUSED')
    does('acacia routes to cedar by baobab again')
    await route('baobab', ['test.cedar'])
    await alice.pay('carol@cedar', { send: 1_000n }).completed()
  }
})

const UPDATE_PEER = 'mutation ($input: UpdatePeerInput!) { updatePeer(input: $input) { peer { id routes } } }'
