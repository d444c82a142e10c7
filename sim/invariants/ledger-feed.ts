import { uuidToId } from '../../node/runtime/index.ts'
import type { ProvisionedNode } from '../networks/provision.ts'
import type { PgliteGate } from '../worlds/virtual/pglite-gate.ts'
import type { BookedNode, BookedTransfer } from './packet-books.ts'

/**
 * Timestamps of transfers from which on is asked: rounded down to a multiple, so that one statement, which the database
 * has planned, serves many commits.
 */
const TIMESTAMPS_PER_STATEMENT = 256

/** Bits of "flags" (node/ledger/postgres). */
const PENDING = 2
const POST_PENDING = 4
const VOID_PENDING = 8

/**
 * Tells of each transfer that touches a peer's account once it is committed, in order, in the virtual world, where
 * nothing happens in between.
 */
export function feedLedgers(
  gate: Pick<PgliteGate, 'inspect'> & {
    observe(listener: (database: string, executed?: readonly string[]) => void): void
  },
  nodes: readonly ProvisionedNode[],
  onBooked: (node: string, transfer: BookedTransfer) => void
): void {
  const feeds = new Map(
    nodes.filter(({ peers }) => peers.length > 0).map((node) => [`${node.name}_backend`, { node, seen: 0 }])
  )
  gate.observe((database, executed) => {
    const feed = feeds.get(database)
    if (!feed || executed?.some((sql) => /ledger/i.test(sql)) === false) return
    const { node } = feed
    const from = feed.seen - (feed.seen % TIMESTAMPS_PER_STATEMENT)
    for (const [timestamp, debit, credit, amount, code, flags] of gate.inspect(transfersSql(node, from))) {
      if (Number(timestamp) <= feed.seen) continue
      feed.seen = Number(timestamp)
      const bits = Number(flags)
      onBooked(node.name, {
        debitAccountId: uuidToId(debit!),
        creditAccountId: uuidToId(credit!),
        amount: BigInt(amount!),
        code: Number(code),
        flags: {
          pending: (bits & PENDING) !== 0,
          postPending: (bits & POST_PENDING) !== 0,
          voidPending: (bits & VOID_PENDING) !== 0
        }
      })
    }
  })
}

function transfersSql({ name, peers }: ProvisionedNode, from: number): string {
  const accounts = `('${peers.map(({ id }) => id).join("', '")}')`
  const touching = (condition: string) =>
    `SELECT "timestamp", "debitAccountId", "creditAccountId", amount, code, flags
     FROM "${name}_backend"."ledgerTransfers" WHERE ${condition} AND "timestamp" > ${from}`
  const [debits, credits] = [`"debitAccountId" IN ${accounts}`, `"creditAccountId" IN ${accounts}`]
  return `${touching(debits)} UNION ALL ${touching(`${credits} AND NOT ${debits}`)} ORDER BY 1`
}

/** A node's peers as the checker of packets knows them. */
export function bookedNodeOf({ name, peers }: ProvisionedNode): BookedNode {
  return { name, peers: peers.map(({ id, ...peer }) => ({ ...peer, accountId: uuidToId(id) })) }
}
