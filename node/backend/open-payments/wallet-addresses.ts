import type { Jwk } from '../../http-signatures/index.ts'
import type { StreamReceiver } from '../../ilp/index.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import type { WalletAddress, WalletAddresses } from '../wallet-addresses/model.ts'
import { refuse } from './errors.ts'
import type { Refusal } from './errors.ts'
import type { Answer } from './request.ts'
import { answerSpsp } from './spsp.ts'
import { serializeKeys, serializeWalletAddress } from './serialize.ts'
import type { Doors } from './serialize.ts'

/** What anybody may read: a wallet address and its keys. Wallet addresses are https, whatever the wire speaks. */
export function createWalletAddressHandlers({
  walletAddresses,
  tenants,
  streamReceiver,
  doors,
  instance
}: {
  walletAddresses: Pick<WalletAddresses, 'byUrl' | 'activeKeys' | 'additionalProperties'>
  tenants: Pick<TenantDirectory, 'get'>
  streamReceiver: Pick<StreamReceiver, 'createCredentials'>
  doors: Doors
  instance: { walletAddressUrl: string; key: Jwk }
}) {
  const instanceUrl = new URL(instance.walletAddressUrl)

  /** This instance's own address is a client's identity: it has keys and is otherwise hidden. */
  function isInstance(url: string): boolean {
    const { host, pathname } = new URL(url)
    return host === instanceUrl.host && pathname === instanceUrl.pathname.toLowerCase()
  }

  /** The wallet address at `https://<host><path>`, where it serves requests. */
  async function find(url: string): Promise<WalletAddress | undefined> {
    const walletAddress = await walletAddresses.byUrl(url)
    if (!walletAddress?.isActive || tenants.get(walletAddress.tenantId)?.deletedAt) return undefined
    return walletAddress
  }

  return {
    find,

    async get(host: string, path: string): Promise<Answer | Refusal> {
      const url = walletAddressUrl(host, path)
      const walletAddress = url === undefined || isInstance(url) ? undefined : await find(url)
      if (!walletAddress) return unknown(host, path)
      const properties = await walletAddresses.additionalProperties(walletAddress.id)
      return { status: 200, body: serializeWalletAddress(doors, walletAddress, properties) }
    },

    /** Credentials to pay it by STREAM, without Open Payments. */
    async spsp(
      host: string,
      path: string,
      headers: Parameters<typeof answerSpsp>[1]
    ): Promise<Answer | Refusal> {
      const url = walletAddressUrl(host, path)
      const walletAddress = url === undefined || isInstance(url) ? undefined : await find(url)
      if (!walletAddress) return unknown(host, path)
      return answerSpsp(walletAddress, headers, { tenants, streamReceiver })
    },

    async keys(host: string, path: string): Promise<Answer | Refusal> {
      const url = walletAddressUrl(host, path)
      if (url !== undefined && isInstance(url)) {
        return { status: 200, body: serializeKeys([instance.key]) }
      }
      const walletAddress = url === undefined ? undefined : await find(url)
      if (!walletAddress) return unknown(host, path)
      const keys = await walletAddresses.activeKeys(walletAddress.id)
      return { status: 200, body: serializeKeys(keys.map(({ jwk }) => jwk)) }
    }
  }
}

function walletAddressUrl(host: string, path: string): string | undefined {
  const url = `https://${host}${path}`.toLowerCase()
  return URL.canParse(url) ? url : undefined
}

function unknown(host: string, path: string): Refusal {
  return refuse(404, 'Could not get wallet address', { walletAddressUrl: `https://${host}${path}` })
}
