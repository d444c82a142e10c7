import type { Clock, Database, Logger } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import type { Tenant } from '../tenants/model.ts'
import type { Outbox } from '../webhooks/model.ts'
import type { WalletAddress, WalletAddresses } from './model.ts'
import { normalizeWalletAddressUrl, resolveWalletAddressUrl } from './url.ts'

/** URLs that are waited for at once; what is asked for beyond them is answered as unknown, without an event. */
export const MAX_AWAITED_WALLET_ADDRESSES = 100

export interface AwaitedWalletAddressesDependencies {
  walletAddresses: Pick<WalletAddresses, 'byUrl'>
  tenants: { ids(): readonly string[]; get(id: string): Tenant | undefined }
  outbox: Pick<Outbox, 'add'>
  database: Pick<Database, 'transaction'>
  clock: Clock
  logger: Logger
  config: Pick<BackendConfig, 'WALLET_ADDRESS_LOOKUP_TIMEOUT_MS' | 'WALLET_ADDRESS_POLLING_FREQUENCY_MS'>
}

/** Wallet addresses that their wallet creates when somebody asks for them first. */
export interface AwaitedWalletAddresses {
  /**
   * The wallet address at a URL. Where there is none, the wallet whose base URL it lies below is told
   * (`wallet_address.not_found`) and has WALLET_ADDRESS_LOOKUP_TIMEOUT_MS to create it.
   */
  byUrl(url: string): Promise<WalletAddress | undefined>
}

/**
 * Requests for one URL share one wait and its event. Nobody is told of a URL that no wallet could create: what a
 * stranger writes into a Host header makes no event.
 */
export function createAwaitedWalletAddresses({
  walletAddresses,
  tenants,
  outbox,
  database,
  clock,
  logger,
  config
}: AwaitedWalletAddressesDependencies): AwaitedWalletAddresses {
  const { WALLET_ADDRESS_LOOKUP_TIMEOUT_MS: timeoutMs, WALLET_ADDRESS_POLLING_FREQUENCY_MS: everyMs } = config
  const awaited = new Map<string, Promise<WalletAddress | undefined>>()

  /** The tenant that could create a wallet address at this URL: of several, the one with the longest base. */
  function creatorOf(url: string): Tenant | undefined {
    let creator: { tenant: Tenant; length: number } | undefined
    for (const id of tenants.ids()) {
      const tenant = tenants.get(id)
      const base = tenant?.settings.walletAddressUrl
      if (tenant === undefined || tenant.deletedAt || base === undefined) continue
      if ('problem' in resolveWalletAddressUrl(url, base)) continue
      if (creator === undefined || base.length > creator.length) creator = { tenant, length: base.length }
    }
    return creator?.tenant
  }

  async function wait(url: string, tenant: Tenant): Promise<WalletAddress | undefined> {
    const endMs = clock.monotonicMs() + timeoutMs
    await database.transaction((trx) =>
      outbox.add(trx, {
        type: 'wallet_address.not_found',
        tenantId: tenant.id,
        data: { walletAddressUrl: url },
        resource: { kind: 'walletAddressUrl', id: url }
      })
    )
    for (;;) {
      // Costs no query while nothing was created: absence is remembered until a change is notified.
      const found = await walletAddresses.byUrl(url)
      const leftMs = endMs - clock.monotonicMs()
      if (found || leftMs <= 0) return found
      await clock.sleep(Math.min(leftMs, Math.max(everyMs, 1)))
    }
  }

  return {
    async byUrl(asked) {
      const found = await walletAddresses.byUrl(asked)
      if (found) return found
      const url = normalizeWalletAddressUrl(asked)
      const tenant = url === undefined ? undefined : creatorOf(url)
      if (url === undefined || tenant === undefined) return undefined
      const shared = awaited.get(url)
      if (shared) return shared
      if (awaited.size >= MAX_AWAITED_WALLET_ADDRESSES) {
        logger.warn({ url, limit: MAX_AWAITED_WALLET_ADDRESSES }, 'too many wallet addresses are waited for')
        return undefined
      }
      const waiting = wait(url, tenant).finally(() => awaited.delete(url))
      awaited.set(url, waiting)
      return waiting
    }
  }
}
