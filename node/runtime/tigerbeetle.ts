import { createRequire } from 'node:module'
import { isIP } from 'node:net'
import type * as TigerBeetle from 'tigerbeetle-node'
import type { Network } from './network.ts'

export interface TigerBeetleOptions {
  clusterId: bigint
  /** `port`, `host:port` or `[IPv6]:port`, one per replica in the order of the cluster. */
  addresses: readonly string[]
}

/**
 * TigerBeetle's own client: batches in, results in order. It connects by itself, repeats a request until it is
 * answered, and never gives up: whoever calls it sets the limit.
 */
export type TigerBeetleClient = Pick<
  TigerBeetle.Client,
  | 'createAccounts'
  | 'createTransfers'
  | 'lookupAccounts'
  | 'lookupTransfers'
  | 'getAccountTransfers'
  | 'queryAccounts'
  | 'queryTransfers'
  | 'destroy'
>

/**
 * Makes a client, which has a thread and sockets of its own until it is destroyed. Host names are resolved here,
 * once: the client takes addresses only. The native library is loaded when the first client is made, so that
 * a node without TigerBeetle never does.
 *
 * @throws Error naming the address that cannot be resolved, or that the client refuses
 */
export async function openTigerBeetleClient(
  network: Pick<Network, 'resolve'>,
  { clusterId, addresses }: TigerBeetleOptions
): Promise<TigerBeetleClient> {
  const resolved = await Promise.all(addresses.map((address) => resolveAddress(network, address)))
  const require = createRequire(import.meta.url)
  const { createClient } = require('tigerbeetle-node') as typeof TigerBeetle
  try {
    return createClient({ cluster_id: clusterId, replica_addresses: resolved })
  } catch (error) {
    throw new Error(`TigerBeetle's client refuses the addresses ${addresses.join(',')}`, { cause: error })
  }
}

async function resolveAddress(network: Pick<Network, 'resolve'>, address: string): Promise<string> {
  if (/^\d+$/.test(address) || address.startsWith('[')) return address
  const colon = address.lastIndexOf(':')
  const host = address.slice(0, colon)
  if (isIP(host)) return address
  let found: string[]
  try {
    found = await network.resolve(host)
  } catch (error) {
    throw new Error(`TigerBeetle's address ${address} cannot be resolved`, { cause: error })
  }
  // What listens on a name listens on IPv4 in every deployment that TigerBeetle describes.
  const ip = found.find((candidate) => isIP(candidate) === 4) ?? found[0]
  if (ip === undefined) throw new Error(`TigerBeetle's address ${address} stands for no host`)
  return `${isIP(ip) === 6 ? `[${ip}]` : ip}${address.slice(colon)}`
}
