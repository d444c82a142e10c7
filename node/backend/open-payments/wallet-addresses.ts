import type { Jwk } from '../../http-signatures/index.ts'
import type { StreamReceiver } from '../../ilp/index.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import { baseKey } from '../tenants/settings.ts'
import type { AwaitedWalletAddresses } from '../wallet-addresses/awaited.ts'
import { didDocument } from '../wallet-addresses/did.ts'
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
  awaited,
  isAwaitedByAll,
  tenants,
  streamReceiver,
  doors,
  instance
}: {
  walletAddresses: Pick<WalletAddresses, 'byUrl' | 'activeKeys' | 'additionalProperties'>
  awaited: AwaitedWalletAddresses
  /** WALLET_ADDRESS_NOT_FOUND_POLLING_ENABLED: whoever asks, not only clients that showed a token. */
  isAwaitedByAll: boolean
  tenants: Pick<TenantDirectory, 'get'>
  streamReceiver: Pick<StreamReceiver, 'createCredentials'>
  doors: Doors
  instance: { walletAddressUrl: string; key: Jwk }
}) {
  const instanceKey = baseKey(instance.walletAddressUrl)

  /** This instance's own address is a client's identity: it has keys and is otherwise hidden. */
  function isInstance(url: string): boolean {
    return baseKey(url) === instanceKey
  }

  /** Where it serves requests. */
  function serving(walletAddress: WalletAddress | undefined): WalletAddress | undefined {
    if (!walletAddress?.isActive || tenants.get(walletAddress.tenantId)?.deletedAt) return undefined
    return walletAddress
  }

  async function findPublic(url: string): Promise<WalletAddress | undefined> {
    return serving(await (isAwaitedByAll ? awaited : walletAddresses).byUrl(url))
  }

  async function keysAt(host: string, path: string): Promise<{ url: string; keys: Jwk[] } | undefined> {
    const url = walletAddressUrl(host, path)
    if (url === undefined) return undefined
    if (isInstance(url)) return { url: instance.walletAddressUrl, keys: [instance.key] }
    const walletAddress = await findPublic(url)
    if (!walletAddress) return undefined
    const keys = await walletAddresses.activeKeys(walletAddress.id)
    return { url: walletAddress.address, keys: keys.map(({ jwk }) => jwk) }
  }

  return {
    /** The wallet address that an authorized request is about; waited for where its wallet may still create it. */
    async find(url: string): Promise<WalletAddress | undefined> {
      return serving(await awaited.byUrl(url))
    },

    async get(host: string, path: string): Promise<Answer | Refusal> {
      const url = walletAddressUrl(host, path)
      const walletAddress = url === undefined || isInstance(url) ? undefined : await findPublic(url)
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
      const walletAddress = url === undefined || isInstance(url) ? undefined : await findPublic(url)
      if (!walletAddress) return unknown(host, path)
      return answerSpsp(walletAddress, headers, { tenants, streamReceiver })
    },

    async keys(host: string, path: string): Promise<Answer | Refusal> {
      const found = await keysAt(host, path)
      return found ? { status: 200, body: serializeKeys(found.keys) } : unknown(host, path)
    },

    async didDocument(host: string, path: string): Promise<Answer | Refusal> {
      const found = await keysAt(host, path)
      return found ? { status: 200, body: didDocument(found.url, found.keys) } : unknown(host, path)
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
