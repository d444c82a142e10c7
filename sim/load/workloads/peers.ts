import type { AdminClient } from '../../actors/admin-client.ts'
import type { PacketSender } from '../bench/connector-model.ts'
import type { LoadContext } from './model.ts'
import { adminOf } from './network.ts'
import type { LoadedNetwork } from './network.ts'
import { connectSender } from './packet-ends.ts'
import { PLENTY } from './topologies.ts'
import type { PacketPath } from './topologies.ts'

/** A peer of the first node that packets come from. */
export interface SendingPeer {
  accountId: string
  sender: PacketSender
  origin: string
  token: string
}

/** The peers that send; each is connected to every connector process of the node, and counts as one account. */
export async function addSenders(
  context: LoadContext,
  { network }: LoadedNetwork,
  { first, firstAsset, senders }: PacketPath,
  { transport, origins }: { transport: 'http' | 'btp'; origins: readonly string[] }
): Promise<SendingPeer[]> {
  const admin = adminOf(network, first)
  const assetId = assetIdOf(network.nodes, first, firstAsset)
  const all: SendingPeer[] = []
  for (let number = 1; number <= senders; number++) {
    const token = `sender-${number}-${context.runtime.random.uuid()}`
    const accountId = await createPeer(admin, {
      assetId,
      staticIlpAddress: `test.sender-${number}`,
      name: `sender ${number}`,
      http: {
        incoming: { authTokens: [token] },
        // Nothing is ever sent to it.
        outgoing: { endpoint: 'http://127.0.0.1:9/', authToken: `node-to-sender-${number}` }
      },
      initialLiquidity: PLENTY.toString()
    })
    for (const origin of origins) {
      const sender = await connectSender(context, transport, origin, token)
      all.push({ accountId, sender, origin, token })
    }
  }
  return all
}

/** The id of an asset of a node. */
export function assetIdOf(
  nodes: LoadedNetwork['network']['nodes'],
  node: string,
  { code }: { code: string }
): string {
  return nodes.find(({ name }) => name === node)!.assets.find(({ asset }) => asset.code === code)!.id
}

/** @returns the peer's id, which is its account's too */
export async function createPeer(admin: AdminClient, input: Record<string, unknown>): Promise<string> {
  const { createPeer } = await admin.call<{ createPeer: { peer: { id: string } } }>(CREATE_PEER, { input })
  return createPeer.peer.id
}

const CREATE_PEER = `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
