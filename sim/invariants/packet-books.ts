import { TransferCode } from '../../node/ledger/index.ts'
import type { Transfer } from '../../node/ledger/index.ts'

/** What is looked at of a transfer that was booked. */
export type BookedTransfer = Pick<Transfer, 'debitAccountId' | 'creditAccountId' | 'amount' | 'code'> & {
  flags: Pick<Transfer['flags'], 'pending' | 'postPending' | 'voidPending'>
}

/** Who has accounts for whom. A node that is byzantine is not listed. */
export interface BookedNode {
  name: string
  peers: readonly { accountId: bigint; link: number; with: string }[]
}

/** Packets of one direction of a link that have the same amount: money cannot tell them apart. */
export interface PacketKind {
  readonly link: number
  /** Upstream and downstream. */
  readonly from: string
  readonly to: string
  readonly amount: bigint
  /** How many the ledgers of both have reserved and posted. */
  readonly upstream: { reserved: number; posted: number }
  readonly downstream: { reserved: number; posted: number }
}

/** Counts what the ledgers of all nodes book of packets, by link, direction and amount. */
export interface PacketBooks {
  /** @returns the kinds that were posted, with the side that did */
  booked(node: string, transfer: BookedTransfer): { kind: PacketKind; side: 'upstream' | 'downstream' }[]
  kind(link: number, from: string, to: string, amount: bigint): PacketKind
  kinds(): Iterable<PacketKind>
}

export function createPacketBooks(nodes: readonly BookedNode[]): PacketBooks {
  const accounts = new Map<string, ReadonlyMap<bigint, { link: number; with: string }>>(
    nodes.map(({ name, peers }) => [name, new Map(peers.map((peer) => [peer.accountId, peer]))])
  )
  const kinds = new Map<string, PacketKind>()

  function kind(link: number, from: string, to: string, amount: bigint): PacketKind {
    const key = `${link} ${from} ${to} ${amount}`
    let found = kinds.get(key)
    if (!found) {
      const sides = { upstream: { reserved: 0, posted: 0 }, downstream: { reserved: 0, posted: 0 } }
      found = { link, from, to, amount, ...sides }
      kinds.set(key, found)
    }
    return found
  }

  return {
    kind,
    kinds: () => kinds.values(),
    booked(node, { debitAccountId, creditAccountId, amount, code, flags }) {
      if (code !== TransferCode.TRANSFER || flags.voidPending) return []
      const posted: ReturnType<PacketBooks['booked']> = []
      const known = accounts.get(node)
      const count = (of: PacketKind, side: 'upstream' | 'downstream') => {
        if (!flags.postPending) of[side].reserved += 1
        if (flags.pending) return
        of[side].posted += 1
        posted.push({ kind: of, side })
      }
      const payer = known?.get(debitAccountId)
      if (payer) count(kind(payer.link, payer.with, node, amount), 'downstream')
      const payee = known?.get(creditAccountId)
      if (payee) count(kind(payee.link, node, payee.with, amount), 'upstream')
      return posted
    }
  }
}
