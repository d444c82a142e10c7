import { addressScheme, isAddressPrefix, isValidAddress } from '../../ilp/index.ts'
import type { Peer } from '../peers/model.ts'

/** Who claims an ILP address, and what it must not take. */
export interface AddressClaim {
  address: string
  /** Host name of the claimant, as it was proved or asked. */
  host: string
  /** The address of our tenant. */
  own: string
  /** All peers of that tenant. */
  peers: readonly Peer[]
  /** The operator chose this peer: it may be our parent, whose address ours begins with. */
  mayBeParent: boolean
}

/**
 * Why a node must not be routed to under the address that it claims; undefined where it may. An address is a
 * route: who claims that of another peer, of ours, or of everybody takes their packets.
 */
export function problemOfClaim({ address, host, own, peers, mayBeParent }: AddressClaim): string | undefined {
  if (!isValidAddress(address)) return `"${address}" is not a valid ILP address`
  if (addressScheme(address) !== addressScheme(own)) {
    return `"${address}" is of another network than "${own}"`
  }
  if (isAddressPrefix(own, address)) return `"${address}" lies below the address of this node`
  if (isAddressPrefix(address, own) && !mayBeParent) return `the address of this node lies below "${address}"`
  const others = peers.filter((peer) => !isOwnedBy(peer, host))
  if (others.some(({ staticIlpAddress }) => isTaken(staticIlpAddress, address, own))) {
    return `"${address}" overlaps the address of another peer`
  }
  if (others.some(({ routes }) => routes.some((route) => isTaken(route, address, own)))) {
    return `"${address}" overlaps what is routed to another peer`
  }
  return undefined
}

/** Whether a peer is the claimant's: made by auto-peering, by the same host. */
export function isOwnedBy({ isAutoPeered, autoPeeredHost }: Peer, host: string): boolean {
  return isAutoPeered === true && autoPeeredHost === host
}

/** The host name of a URL, in lower case. */
export function hostOf(url: string): string {
  return new URL(url).hostname.toLowerCase()
}

/**
 * Whether a claim overlaps what is another's. What our own address begins with, as our parent's address does or a
 * route for everything else, is the beginning of everybody's, and nobody's alone.
 */
function isTaken(prefix: string, claimed: string, own: string): boolean {
  if (isAddressPrefix(prefix, own)) return false
  return isAddressPrefix(prefix, claimed) || isAddressPrefix(claimed, prefix)
}
