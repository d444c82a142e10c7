import { AdminApiError } from '../sim/actors/admin-client.ts'
import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

export default scenario({
  title:
    'A node in the middle ends its peering with the next, and drops the asset, while a payment goes through: it ends, nothing is lost',
  topology: line({
    nodes: { acacia: 'USD/2', baobab: 'EUR/2', cedar: 'MXN/2' },
    link: ['USD/2', 'MXN/2'],
    maxPacketAmount: 200n
  }),
  worlds: ['virtual'],
  reaches: ['ended while the payment was SENDING'],
  async run({ net, random, always, sometimes, does }) {
    const alice = net.wallet('alice@acacia')
    const { admin, provisioned } = net.node('baobab')
    const assetId = provisioned.assets.find(({ asset }) => asset.code === 'MXN')!.id
    const dropAsset = async (): Promise<boolean> => {
      try {
        await admin.call(DELETE_ASSET, { input: { id: assetId } })
        return true
      } catch (error) {
        if (!(error instanceof AdminApiError)) throw error
        return false
      }
    }
    const payment = alice.pay('carol@cedar', { send: 2_000n })
    await payment.until('SENDING')
    does('baobab wants to drop the asset of its link with cedar')
    always('what is in use is not dropped', !(await dropAsset()))
    await net.sleep(random.integer(0, 100))
    sometimes('ended while the payment was SENDING', (await payment.state()) === 'SENDING')
    does('baobab ends its peering with cedar')
    const id = provisioned.peers.find((peer) => peer.with === 'cedar')!.id
    await admin.call(DELETE_PEER, { input: { id } })
    does('and drops the asset')
    always('what nobody uses is dropped', await dropAsset())
    const { sent, debit } = await payment.ended(3_600_000)
    always('it sent no more than was agreed', sent <= debit)
    const late = await alice.pay('carol@cedar', { send: 1_000n }).ended(3_600_000)
    always('nothing goes there any more', late.state === 'REFUSED' && late.sent === 0n)
  }
})

const DELETE_ASSET = 'mutation ($input: DeleteAssetInput!) { deleteAsset(input: $input) { asset { id } } }'
const DELETE_PEER = 'mutation ($input: DeletePeerInput!) { deletePeer(input: $input) { success } }'
