import type { Random } from '../../node/runtime/index.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import { assetName, sameAsset } from '../topology/model.ts'
import type { AssetId, LinkTransport } from '../topology/model.ts'
import { routesOf } from '../topology/routes.ts'
import { clientKey, planOf, walletAddressUrl } from './plan.ts'
import type { NetworkPlan, NodePlan } from './plan.ts'

/** Ids that the nodes gave to what the topology names. */
export interface ProvisionedNode {
  name: string
  assets: { id: string; asset: AssetId }[]
  walletAddresses: { id: string; name: string; url: string; asset: AssetId }[]
  peers: { id: string; link: number; with: string }[]
}

/** Creates what the topology says on one node, as its operator would: assets, fees, peers, wallet addresses, keys. */
export async function provisionNode(
  network: NetworkPlan,
  plan: NodePlan,
  { admin, random }: { admin: AdminClient; random: Random }
): Promise<ProvisionedNode> {
  const { node } = plan
  const ids = () => ({ id: random.uuid(), idempotencyKey: random.uuid() })

  const assets = await Promise.all(
    node.assets.map(async ({ code, scale, liquidity, sendingFee }) => {
      const { createAsset } = await admin.call<{ createAsset: { asset: { id: string } } }>(CREATE_ASSET, {
        input: { code, scale }
      })
      const assetId = createAsset.asset.id
      if (liquidity > 0n) {
        await admin.call(DEPOSIT_ASSET, { input: { assetId, amount: liquidity.toString(), ...ids() } })
      }
      if (sendingFee) {
        await admin.call(SET_FEE, {
          input: {
            assetId,
            type: 'SENDING',
            fee: { fixed: sendingFee.fixed.toString(), basisPoints: sendingFee.basisPoints }
          }
        })
      }
      return { id: assetId, asset: { code, scale } }
    })
  )
  const assetIdOf = (asset: AssetId): string => {
    const found = assets.find((candidate) => sameAsset(candidate.asset, asset))
    if (!found) throw new Error(`node "${node.name}" has no asset ${assetName(asset)}`)
    return found.id
  }

  const routes = routesOf(network.topology, node.name)
  const peers = await Promise.all(
    network.topology.links.flatMap((link, index) => {
      if (!link.between.includes(node.name)) return []
      const otherName = link.between[0] === node.name ? link.between[1] : link.between[0]
      const other = planOf(network.plans, otherName)
      const token = (presentedBy: string) =>
        network.linkTokens.find((entry) => entry.link === index && entry.presentedBy === presentedBy)!.token
      return [
        admin
          .call<{ createPeer: { peer: { id: string } } }>(CREATE_PEER, {
            input: {
              staticIlpAddress: other.node.ilpAddress,
              assetId: assetIdOf(link.asset),
              name: otherName,
              http: {
                incoming: { authTokens: [token(otherName)] },
                outgoing: { endpoint: endpointOf(other, link.transport), authToken: token(node.name) }
              },
              initialLiquidity: link.liquidity.toString(),
              routes: routes.get(link) ?? [],
              ...(link.maxPacketAmount !== undefined && { maxPacketAmount: link.maxPacketAmount.toString() })
            }
          })
          .then(({ createPeer }) => ({ id: createPeer.peer.id, link: index, with: otherName }))
      ]
    })
  )

  const walletAddresses = await Promise.all(
    node.walletAddresses.map(async ({ name, asset, publicName }) => {
      const url = walletAddressUrl(plan, name)
      const { createWalletAddress } = await admin.call<{
        createWalletAddress: { walletAddress: { id: string } }
      }>(CREATE_WALLET_ADDRESS, { input: { address: url, assetId: assetIdOf(asset), publicName } })
      const { id } = createWalletAddress.walletAddress
      const { keyId, privateKey } = clientKey(plan, name)
      const x = publicKeyOf(privateKey)
      await admin.call(CREATE_KEY, {
        input: { walletAddressId: id, jwk: { kid: keyId, x, alg: 'EdDSA', kty: 'OKP', crv: 'Ed25519' } }
      })
      return { id, name, url, asset }
    })
  )
  return { name: node.name, assets, walletAddresses, peers }
}

/** The address under which a node's connector takes packets: the same door for every transport. */
export function endpointOf({ urls }: NodePlan, transport: LinkTransport): string {
  return transport === 'btp' ? urls.connector.replace(/^http/, 'btp+ws') : urls.connector
}

function publicKeyOf(privateKey: ReturnType<typeof clientKey>['privateKey']): string {
  // The JWK of an Ed25519 private key carries the public part as x (RFC 8037, 2).
  return privateKey.export({ format: 'jwk' }).x!
}

const CREATE_ASSET = `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`
const DEPOSIT_ASSET = `mutation DepositAssetLiquidity($input: DepositAssetLiquidityInput!) {
  depositAssetLiquidity(input: $input) { success } }`
const SET_FEE = `mutation SetFee($input: SetFeeInput!) { setFee(input: $input) { fee { id } } }`
const CREATE_PEER = `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
const CREATE_WALLET_ADDRESS = `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
const CREATE_KEY = `mutation CreateWalletAddressKey($input: CreateWalletAddressKeyInput!) {
  createWalletAddressKey(input: $input) { walletAddressKey { id } } }`
