import type { Account, AuditableLedger } from '../../../node/ledger/index.ts'
import type { Database } from '../../../node/runtime/index.ts'
import type { AdminClient } from '../../actors/admin-client.ts'
import type { Tally } from './packet-ends.ts'

/** What a node booked of packets on one account. */
export interface AccountBooks {
  /** Packets that the account paid for, and that it was paid for. */
  debited(accountId: string): Promise<BookedPackets>
  credited(accountId: string): Promise<BookedPackets>
  /** What is reserved for packets under way, of all accounts. */
  reserved(): Promise<bigint>
}

/** Without a count where only balances can be read. */
export type BookedPackets = Pick<Tally, 'amount'> & Partial<Pick<Tally, 'count'>>

/**
 * The books as PostgreSQL has them, read beside the node: each packet that was posted, none that was voided or expired,
 * no deposit and no withdrawal.
 */
export function booksInDatabase(database: Database): AccountBooks {
  const packets = async (side: 'debitAccountId' | 'creditAccountId', accountId: string) => {
    const { rows } = await database.knex.raw<{ rows: [{ count: string; amount: string }] }>(
      `SELECT count(*)::text AS count, coalesce(sum(t.amount), 0)::text AS amount
       FROM "ledgerTransfers" t LEFT JOIN "ledgerTransfers" reservation ON reservation.id = t."pendingId"
       WHERE coalesce(reservation."${side}", t."${side}") = ?
         AND coalesce(reservation.code, t.code) = 1
         AND t.flags & 10 = 0`,
      [accountId]
    )
    return { count: Number(rows[0].count), amount: BigInt(rows[0].amount) }
  }
  return {
    debited: (accountId) => packets('debitAccountId', accountId),
    credited: (accountId) => packets('creditAccountId', accountId),
    async reserved() {
      const { rows } = await database.knex.raw<{ rows: [{ amount: string }] }>(
        `SELECT coalesce(sum("debitsPending"), 0)::text AS amount FROM "ledgerAccounts"`
      )
      return BigInt(rows[0].amount)
    }
  }
}

/**
 * The balances of a ledger beside the node, by what they changed since they were opened: of stores that cannot be asked
 * for sums. Nothing but packets may move them meanwhile.
 */
export async function booksInLedger(
  ledger: AuditableLedger,
  accountIds: readonly string[]
): Promise<AccountBooks> {
  const read = async (id: string) => (await ledger.lookupAccounts([ledgerId(id)]))[0]
  const opening = new Map<string, Account>()
  for (const id of accountIds) {
    const account = await read(id)
    if (account) opening.set(id, account)
  }
  const change = async (side: 'debitsPosted' | 'creditsPosted', id: string): Promise<BookedPackets> => ({
    // An account that is opened by its first packet is not there before it.
    amount: ((await read(id))?.[side] ?? 0n) - (opening.get(id)?.[side] ?? 0n)
  })
  return {
    debited: (id) => change('debitsPosted', id),
    credited: (id) => change('creditsPosted', id),
    reserved: async () => (await ledger.totals()).reduce((sum, { debitsPending }) => sum + debitsPending, 0n)
  }
}

/** Accounts are named by the UUIDs of what they belong to. */
function ledgerId(uuid: string): bigint {
  return BigInt(`0x${uuid.replaceAll('-', '')}`)
}

/**
 * The books as the Admin API tells them, by what each peer's liquidity changed since they were opened: of nodes
 * whose database is not ours to read.
 */
export async function booksByLiquidity(
  admin: AdminClient,
  peerIds: readonly string[]
): Promise<AccountBooks> {
  const read = async (id: string) => {
    const { peer } = await admin.call<{ peer: { liquidity: string } | null }>(PEER_LIQUIDITY, { id })
    if (!peer) throw new Error(`peer ${id} is not there any more`)
    return BigInt(peer.liquidity)
  }
  const opening = new Map<string, bigint>()
  for (const id of peerIds) opening.set(id, await read(id))
  const change = async (id: string) => (await read(id)) - (opening.get(id) ?? 0n)
  return {
    debited: async (id) => ({ amount: -(await change(id)) }),
    credited: async (id) => ({ amount: await change(id) }),
    // Nothing tells it: what is reserved is missing from the liquidity, and shows there.
    reserved: () => Promise.resolve(0n)
  }
}

const PEER_LIQUIDITY = `query PeerLiquidity($id: String!) { peer(id: $id) { liquidity } }`
