import { TransferCode } from '../../node/ledger/index.ts'
import type { AuditableLedger, Transfer } from '../../node/ledger/index.ts'
import { uuidToId } from '../../node/runtime/index.ts'

/** What the audit of a network found. `ok` only when nothing did not add up. */
export interface Audit {
  ok: boolean
  /** Σ debits − Σ credits over all ledgers of a node, posted and pending: zero each. */
  nodes: { name: string; difference: bigint; pending: bigint; overdrawn: string[] }[]
  /** Downstream's posted − upstream's posted, per link and direction: the orphans of that link. */
  links: { from: string; to: string; upstreamPosted: bigint; downstreamPosted: bigint; orphaned: bigint }[]
  problems: string[]
}

export interface AuditedNode {
  name: string
  ledger: AuditableLedger
  peers: { id: string; link: number; with: string }[]
}

/**
 * Checks the books of a network at rest: every ledger zero-sum, no account overdrawn, nothing pending, and on
 * each link what one side booked as sent is what the other booked as received. Reads the ledgers only.
 */
export async function auditNetwork(nodes: readonly AuditedNode[]): Promise<Audit> {
  const problems: string[] = []
  const audited = await Promise.all(
    nodes.map(async ({ name, ledger }) => {
      let difference = 0n
      let pending = 0n
      const overdrawn: string[] = []
      for (const totals of await ledger.totals()) {
        const posted = totals.debitsPosted - totals.creditsPosted
        const reserved = totals.debitsPending - totals.creditsPending
        if (posted !== 0n)
          problems.push(`${name}: ledger ${totals.ledger} has posted debits − credits = ${posted}`)
        if (reserved !== 0n)
          problems.push(`${name}: ledger ${totals.ledger} has pending debits − credits = ${reserved}`)
        difference += abs(posted) + abs(reserved)
        pending += totals.debitsPending
        overdrawn.push(...totals.overdrawnAccountIds.map((id) => id.toString(16)))
      }
      if (pending !== 0n) problems.push(`${name}: ${pending} is still reserved`)
      for (const id of overdrawn) problems.push(`${name}: account ${id} is overdrawn`)
      return { name, difference, pending, overdrawn }
    })
  )

  const links: Audit['links'] = []
  for (const upstream of nodes) {
    for (const { id, link, with: other } of upstream.peers) {
      const downstream = nodes.find(({ name }) => name === other)
      const mirror = downstream?.peers.find((peer) => peer.link === link)
      if (!downstream || !mirror) continue
      const [sent, received] = await Promise.all([
        packetsPosted(upstream.ledger, id, 'credit'),
        packetsPosted(downstream.ledger, mirror.id, 'debit')
      ])
      const orphaned = received - sent
      links.push({
        from: upstream.name,
        to: other,
        upstreamPosted: sent,
        downstreamPosted: received,
        orphaned
      })
      if (orphaned !== 0n) {
        problems.push(
          `link ${upstream.name} → ${other}: ${other} posted ${received}, ${upstream.name} posted ${sent}`
        )
      }
    }
  }
  return { ok: problems.length === 0, nodes: audited, links, problems }
}

/** What an account's packets moved, without deposits and withdrawals: its total on that side less those. */
async function packetsPosted(
  ledger: AuditableLedger,
  accountId: string,
  side: 'credit' | 'debit'
): Promise<bigint> {
  const id = uuidToId(accountId)
  const [account] = await ledger.lookupAccounts([id])
  if (!account) return 0n
  const code = side === 'credit' ? TransferCode.DEPOSIT : TransferCode.WITHDRAWAL
  let outside = 0n
  let after: bigint | undefined
  for (;;) {
    const page: Transfer[] = await ledger.queryTransfers({
      accountId: id,
      side,
      code,
      limit: 1_000,
      order: 'oldestFirst',
      ...(after !== undefined && { after })
    })
    for (const transfer of page)
      if (!transfer.flags.pending && !transfer.flags.voidPending) outside += transfer.amount
    if (page.length < 1_000) break
    after = page.at(-1)!.timestamp
  }
  return (side === 'credit' ? account.creditsPosted : account.debitsPosted) - outside
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value
}
