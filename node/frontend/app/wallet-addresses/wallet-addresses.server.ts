import type { AdminApi } from '../admin-api/admin-api.ts'
import { notFound } from '../page.server.ts'
import type { PageArgs } from '../page.server.ts'
import { GET_TENANT } from '../tenants/tenants.ts'
import { GET_WALLET_ADDRESS, WALLET_ADDRESS_PREFIXES } from './wallet-addresses.ts'
import type { WalletAddress } from './wallet-addresses.ts'

/** @throws an answer 404 where there is none, or it is another tenant's */
export async function getWalletAddress(api: AdminApi, id: string | undefined): Promise<WalletAddress> {
  const { walletAddress } = await api.call(GET_WALLET_ADDRESS, { id })
  if (walletAddress === null) throw notFound('Wallet address')
  return walletAddress
}

export interface TenantPrefix {
  id: string
  name: string
  /** What its wallet addresses begin with, without a slash at the end. */
  prefix: string
}

const SETTING = 'WALLET_ADDRESS_URL'

/** For whom a wallet address may be made, and what it begins with: the tenant's own setting, else the node's URL. */
export async function tenantPrefixes({
  api,
  credentials,
  context
}: Pick<PageArgs, 'api' | 'credentials' | 'context'>): Promise<TenantPrefix[]> {
  const fallback = context.frontend.config.OPEN_PAYMENTS_URL
  const prefixOf = (settings: readonly { key: string; value: string }[]) =>
    (settings.find(({ key }) => key === SETTING)?.value ?? fallback).replace(/\/+$/, '')
  if (!credentials.isOperator) {
    const { tenant } = await api.call(GET_TENANT, { id: credentials.tenantId })
    const { id, publicName, settings } = tenant
    return [{ id, name: publicName ?? id, prefix: prefixOf(settings) }]
  }
  const { tenants } = await api.call(WALLET_ADDRESS_PREFIXES)
  return tenants.edges
    .filter(({ node }) => node.deletedAt === null)
    .map(({ node: { id, publicName, settings } }) => ({
      id,
      name: publicName ?? id,
      prefix: prefixOf(settings)
    }))
}
