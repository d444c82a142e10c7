import { createAdminClient } from '../actors/admin-client.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import { planOf } from '../networks/plan.ts'
import type { LabParts } from './lab-network.ts'

/** A tenant of a node: an account servicing entity with customers, assets and keys of its own. */
export interface LabTenant {
  readonly id: string
  /** The Admin API with the tenant's own key. */
  readonly admin: AdminClient
  /** Where its resources are, and where grants for them are asked for. */
  readonly resourceServer: string
  readonly authServer: string
  /** An asset of its own, by its id. */
  createAsset(code: string, scale: number): Promise<string>
  /** A wallet address in one of its assets: its id and URL. */
  createWalletAddress(name: string, assetId: string): Promise<{ id: string; url: string }>
  /** The operator ends it. */
  delete(): Promise<void>
}

/** The operator creates it; its customers' wallet addresses lie below the node's own. */
export async function createLabTenant(
  { network, adminOf, tell, http }: LabParts,
  node: string,
  name: string
): Promise<LabTenant> {
  const { urls, node: planned } = planOf(network.plan.plans, node)
  const { random, clock } = network.runtime
  const operator = adminOf(node)
  const base = `${urls.openPayments}/${name}`
  const secret = random.bytes(24).toString('hex')
  tell('tenant', `${name} of ${node}`)
  const { createTenant } = await operator.call<{ createTenant: { tenant: { id: string } } }>(CREATE_TENANT, {
    input: {
      apiSecret: secret,
      publicName: name,
      idpConsentUrl: `${urls.wallet}/consent`,
      idpSecret: random.bytes(24).toString('hex'),
      settings: [
        { key: 'WALLET_ADDRESS_URL', value: base },
        { key: 'ILP_ADDRESS', value: `${planned.ilpAddress}.${name}` }
      ]
    }
  })
  const { id } = createTenant.tenant
  const admin = createAdminClient({ http, clock }, { url: urls.admin, tenantId: id, secret })
  return {
    id,
    admin,
    resourceServer: `${urls.openPayments}/${id}`,
    authServer: `${urls.auth}/${id}`,
    async createAsset(code, scale) {
      const { createAsset } = await admin.call<{ createAsset: { asset: { id: string } } }>(CREATE_ASSET, {
        input: { code, scale }
      })
      return createAsset.asset.id
    },
    async createWalletAddress(walletAddress, assetId) {
      const url = `${base}/${walletAddress}`
      const { createWalletAddress } = await admin.call<{
        createWalletAddress: { walletAddress: { id: string } }
      }>(CREATE_WALLET_ADDRESS, { input: { address: url, assetId, publicName: walletAddress } })
      return { id: createWalletAddress.walletAddress.id, url }
    },
    async delete() {
      tell('tenant', `${name} of ${node} is deleted`)
      await operator.call(DELETE_TENANT, { id })
    }
  }
}

const CREATE_TENANT = `mutation CreateTenant($input: CreateTenantInput!) {
  createTenant(input: $input) { tenant { id } } }`
const DELETE_TENANT = `mutation DeleteTenant($id: String!) { deleteTenant(id: $id) { success } }`
const CREATE_ASSET = `mutation CreateAsset($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }`
const CREATE_WALLET_ADDRESS = `mutation CreateWalletAddress($input: CreateWalletAddressInput!) {
  createWalletAddress(input: $input) { walletAddress { id } } }`
