import { scenario } from '../sim/scenarios/scenario.ts'
import { line } from '../sim/topology/builders.ts'

const OTHERS = 20

export default scenario({
  title: 'A node with more peers than fit one page starts again: every one of them is served and routed to',
  topology: line({ nodes: { acacia: 'USD/2' } }),
  worlds: ['virtual'],
  async run({ net, always, does }) {
    const acacia = net.node('acacia')
    does(`acacia peers with ${OTHERS} others`)
    const assetId = acacia.provisioned.assets[0]!.id
    for (let index = 0; index < OTHERS; index++) {
      const http = {
        incoming: { authTokens: [`token-${index}`] },
        outgoing: { endpoint: 'http://nobody.example', authToken: `own-${index}` }
      }
      const input = { staticIlpAddress: `test.other${index}`, assetId, http }
      await acacia.admin.call(CREATE_PEER, { input })
    }
    const yak = await net.packetPeer('acacia', { name: 'yak', asset: 'USD/2', liquidity: 1_000n })
    const zebra = await net.packetPeer('acacia', { name: 'zebra', asset: 'USD/2', liquidity: 1_000n })
    await acacia.kill('backend')
    await acacia.restart('backend')
    does('yak sends 100 to zebra')
    const type = await yak.send({ destination: zebra.address, amount: 100n }).then(
      (reply) => reply.type,
      () => 'no packet'
    )
    always('every peer is known and routed to', type === 'fulfill')
  }
})

const CREATE_PEER = `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
