import type { ProvisionedNode } from '../networks/provision.ts'
import { PropertyViolation } from '../scenarios/scenario.ts'
import type { PgliteGate } from '../worlds/virtual/pglite-gate.ts'

/**
 * Checks the ledgers of all nodes after each commit of a backend that may have changed its own, in the virtual world, where nothing happens in
 * between (money.md 7): each zero-sum, posted and pending; no account beyond its limit; on each link, downstream has
 * posted at least what upstream has (P2).
 */
export function watchLedgers(
  gate: Pick<PgliteGate, 'observe' | 'inspect'>,
  { nodes }: { nodes: readonly ProvisionedNode[] }
): { violated: Promise<never>; checks: () => number } {
  // What a commit of a backend can break is its own books, and what they say beside those at the other ends of its links.
  const sqlOf = new Map(
    nodes.map(({ name }) => [
      databaseOf(name),
      [balancesSql(name), ...linksSql(nodes, name)].join(' UNION ALL ')
    ])
  )
  let checks = 0
  let found = false
  let violate!: (violation: PropertyViolation) => void
  const violated = new Promise<never>((_, reject) => (violate = reject))
  // Whoever runs the scenario hears of it; after its end nobody has to.
  violated.catch(() => undefined)

  gate.observe((database, executed) => {
    const sql = found ? undefined : sqlOf.get(database)
    if (sql === undefined || !executed.some((statement) => TOUCHES_LEDGER.test(statement))) return
    checks += 1
    const [problem] = gate.inspect(sql)
    if (!problem) return
    found = true
    violate(new PropertyViolation(problem[0]!, `${problem[1]}, after a commit of ${database}`))
  })
  return { violated, checks: () => checks }
}

/** Every table and function of the ledger is called so: other statements leave it as it was. */
const TOUCHES_LEDGER = /ledger/i

function databaseOf(node: string): string {
  return `${node}_backend`
}

/** Rows only where something is wrong: the property, and what is so. */
function balancesSql(node: string): string {
  const accounts = `"${databaseOf(node)}"."ledgerAccounts"`
  return `SELECT 'zero-sum', '${node}: ledger ' || ledger || ' has posted debits - credits = '
      || sum("debitsPosted") - sum("creditsPosted") || ', pending ' || sum("debitsPending") - sum("creditsPending")
    FROM ${accounts} GROUP BY ledger
    HAVING sum("debitsPosted") <> sum("creditsPosted") OR sum("debitsPending") <> sum("creditsPending")
    UNION ALL SELECT 'no overdraft', '${node}: account ' || id FROM ${accounts}
    WHERE flags & 2 <> 0 AND "debitsPending" + "debitsPosted" > "creditsPosted"
      OR flags & 4 <> 0 AND "creditsPending" + "creditsPosted" > "debitsPosted"`
}

/** The links of a node, in both directions. What packets moved is an account's total on that side, less what came from or went to its settlement account. */
function linksSql(nodes: readonly ProvisionedNode[], ofNode: string): string[] {
  return nodes.flatMap((upstream) =>
    upstream.peers.flatMap(({ id, link, with: other }) => {
      const downstream = nodes.find(({ name }) => name === other)
      const mirror = downstream?.peers.find((peer) => peer.link === link)
      if (!mirror || ![upstream.name, other].includes(ofNode)) return []
      const sent = packetsSql(upstream.name, id, 'credit')
      const received = packetsSql(other, mirror.id, 'debit')
      return [
        `SELECT 'P2', 'link ${upstream.name} to ${other}: ${other} posted ' || received || ', ${upstream.name} posted ' || sent
         FROM (SELECT (${sent}) AS sent, (${received}) AS received) AS link WHERE received < sent`
      ]
    })
  )
}

function packetsSql(node: string, accountId: string, side: 'credit' | 'debit'): string {
  const schema = `"${databaseOf(node)}"`
  const [own, opposite] =
    side === 'credit' ? ['creditAccountId', 'debitAccountId'] : ['debitAccountId', 'creditAccountId']
  // The settlement account's id is the ledger's number (facts 5.4).
  return `SELECT account."${side}sPosted" - coalesce((SELECT sum(amount) FROM ${schema}."ledgerTransfers" AS transfer
      WHERE transfer."${opposite}" = lpad(to_hex(account.ledger), 32, '0')::uuid
        AND transfer."${own}" = account.id AND transfer.flags & 10 = 0), 0)
    FROM ${schema}."ledgerAccounts" AS account WHERE account.id = '${accountId}'`
}
