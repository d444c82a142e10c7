import type { AdminClient } from '../actors/admin-client.ts'
import { createWallet } from '../actors/wallet/wallet.ts'
import type { CustomerAccounts } from '../actors/wallet/accounts.ts'
import { planOf } from '../networks/plan.ts'
import { endpointOf } from '../networks/provision.ts'
import { assetName, sameAsset } from '../topology/model.ts'
import type { AssetId } from '../topology/model.ts'
import type { LabIncomingPayment } from './lab-account.ts'
import { readIncomingPayment } from './lab-account.ts'
import type { LabParts } from './lab-network.ts'

/** A tenant of a node: an account servicing entity with customers, assets and keys of its own. */
export interface LabTenant {
  readonly id: string
  /** The Admin API with the tenant's own key. */
  readonly admin: AdminClient
  /** Where its resources are, and where grants for them are asked for. */
  readonly resourceServer: string
  readonly authServer: string
  /** What its customers have, beside those of the operator; its wallet honours its webhooks. */
  readonly accounts: CustomerAccounts
  /** An asset of its own, by its id; `liquidity` in minor units is deposited at once. */
  createAsset(code: string, scale: number, liquidity?: bigint): Promise<string>
  /** A customer with a wallet address in one of its assets, and `balance` minor units: its id and URL. */
  createWalletAddress(name: string, assetId: string, balance?: bigint): Promise<{ id: string; url: string }>
  /**
   * Another node's operator and the tenant peer in an asset that both have: the tenant's own packets go no other way
   * (facts 4.6). Each grants the other plenty; of the largest packet that the tenant takes, minor units.
   */
  peerWith(other: string, assetId: string, options?: { maxPacketAmount?: bigint }): Promise<void>
  /** A third party opens an incoming payment at one of its wallet addresses, over Open Payments. */
  openIncomingPayment(
    url: string,
    options?: { amount?: bigint; expiresInMs?: number }
  ): Promise<LabIncomingPayment>
  /** The operator ends it. */
  delete(): Promise<void>
}

/**
 * The operator creates it, and it opens a wallet of its own, for its webhooks, rates and consents. Its customers' wallet
 * addresses lie below the node's own. The operator keeps its books: when a tenant is deleted, what its payments still
 * come to is told to the operator, whose customers they are then.
 */
export async function createLabTenant(
  { network, paying, adminOf, tell, newPort, joins }: LabParts,
  node: string,
  name: string
): Promise<LabTenant> {
  const plan = planOf(network.plan.plans, node)
  const { urls, node: planned, secrets } = plan
  const { random } = network.runtime
  const operator = adminOf(node)
  const base = `${urls.openPayments}/${name}`
  const secret = random.bytes(24).toString('hex')
  const idpSecret = random.bytes(24).toString('hex')
  const door = newPort()
  const wallet = `http://${door.host}:${door.port}`
  tell('tenant', `${name} of ${node}`)
  const { createTenant } = await operator.call<{ createTenant: { tenant: { id: string } } }>(CREATE_TENANT, {
    input: {
      apiSecret: secret,
      publicName: name,
      idpConsentUrl: `${wallet}/consent`,
      idpSecret,
      settings: [
        { key: 'WALLET_ADDRESS_URL', value: base },
        { key: 'WEBHOOK_URL', value: `${wallet}/webhooks` },
        { key: 'EXCHANGE_RATES_URL', value: `${wallet}/rates` },
        { key: 'ILP_ADDRESS', value: `${planned.ilpAddress}.${name}` }
      ]
    }
  })
  const { id } = createTenant.tenant
  const entity = createWallet(network.runtime, {
    plan: {
      ...plan,
      node: { ...planned, name, walletAddresses: [] },
      urls: { ...urls, wallet },
      secrets: { ...secrets, operatorTenantId: id, adminApiSecret: secret, idpSecret }
    },
    address: { host: '0.0.0.0', port: door.port },
    accounts: network.wallets.get(node)!.accounts
  })
  await entity.start()
  joins(node, entity)
  const { admin, accounts } = entity
  return {
    id,
    admin,
    accounts,
    resourceServer: `${urls.openPayments}/${id}`,
    authServer: `${urls.auth}/${id}`,
    async createAsset(code, scale, liquidity = 0n) {
      const { createAsset } = await admin.call<{ createAsset: { asset: { id: string } } }>(CREATE_ASSET, {
        input: { code, scale }
      })
      const assetId = createAsset.asset.id
      if (liquidity > 0n) {
        const input = { assetId, amount: liquidity.toString(), id: random.uuid() }
        await admin.call(DEPOSIT_ASSET, { input: { ...input, idempotencyKey: random.uuid() } })
      }
      return assetId
    },
    async createWalletAddress(walletAddress, assetId, balance = 0n) {
      const { asset } = await admin.call<{ asset: AssetId }>(ASSET, { id: assetId })
      accounts.open(walletAddress, asset, balance)
      const url = `${base}/${walletAddress}`
      const { createWalletAddress } = await admin.call<{
        createWalletAddress: { walletAddress: { id: string } }
      }>(CREATE_WALLET_ADDRESS, { input: { address: url, assetId, publicName: walletAddress } })
      return { id: createWalletAddress.walletAddress.id, url }
    },
    async peerWith(other, assetId, { maxPacketAmount } = {}) {
      tell('peers', `${name} of ${node} with ${other}`)
      const { asset } = await admin.call<{ asset: AssetId }>(ASSET, { id: assetId })
      const theirs = network.nodes.find((one) => one.name === other)?.assets
      const theirAsset = theirs?.find((one) => sameAsset(one.asset, asset))
      if (!theirAsset) throw new Error(`node "${other}" has no asset ${assetName(asset)}`)
      const tokens = { ofTenant: random.bytes(16).toString('hex'), ofOther: random.bytes(16).toString('hex') }
      const otherPlan = planOf(network.plan.plans, other)
      const common = { initialLiquidity: PLENTY.toString() }
      await adminOf(other).call(CREATE_PEER, {
        input: {
          ...common,
          staticIlpAddress: `${planned.ilpAddress}.${name}`,
          assetId: theirAsset.id,
          name,
          http: {
            incoming: { authTokens: [tokens.ofTenant] },
            outgoing: { endpoint: endpointOf(plan, 'http'), authToken: tokens.ofOther }
          }
        }
      })
      await admin.call(CREATE_PEER, {
        input: {
          ...common,
          staticIlpAddress: otherPlan.node.ilpAddress,
          assetId,
          name: other,
          http: {
            incoming: { authTokens: [tokens.ofOther] },
            outgoing: { endpoint: endpointOf(otherPlan, 'http'), authToken: tokens.ofTenant }
          },
          ...(maxPacketAmount !== undefined && { maxPacketAmount: maxPacketAmount.toString() })
        }
      })
    },
    async openIncomingPayment(url, { amount, expiresInMs } = {}) {
      tell('opens', `${url}: an incoming payment`)
      const thirdParty = await paying.payerKnownAs({
        walletAddress: planned.walletAddresses[0]!.name,
        node
      })
      const opened = await thirdParty.openIncomingPayment(url, {
        ...(amount !== undefined && { amount }),
        ...(expiresInMs !== undefined && {
          expiresAt: new Date(network.runtime.clock.nowMs() + expiresInMs).toISOString()
        })
      })
      return {
        ...opened,
        account: { walletAddress: url.slice(url.lastIndexOf('/') + 1), node },
        amount,
        read: () => readIncomingPayment(admin, opened.url)
      }
    },
    async delete() {
      tell('tenant', `${name} of ${node} is deleted`)
      await operator.call(DELETE_TENANT, { id })
    }
  }
}

/** Minor units. */
const PLENTY = 1_000_000_000_000n

const CREATE_PEER = `mutation CreatePeer($input: CreatePeerInput!) { createPeer(input: $input) { peer { id } } }`
const CREATE_TENANT = `mutation CreateTenant($input: CreateTenantInput!) {
  createTenant(input: $input) { tenant { id } } }`
const DELETE_TENANT = `mutation DeleteTenant($id: String!) { deleteTenant(id: $id) { success } }`
const CREATE_ASSET = `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`
const ASSET = 'query Asset($id: String!) { asset(id: $id) { code scale } }'
const DEPOSIT_ASSET = `mutation DepositAssetLiquidity($input: DepositAssetLiquidityInput!) {
  depositAssetLiquidity(input: $input) { success } }`
const CREATE_WALLET_ADDRESS = `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
