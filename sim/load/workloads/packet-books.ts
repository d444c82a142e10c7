import type { Reconciliation } from '../engine/model.ts'
import type { LocalLedger } from '../../worlds/local/world.ts'
import { booksInDatabase, booksInLedger } from './books.ts'
import type { AccountBooks, BookedPackets } from './books.ts'
import type { LoadContext } from './model.ts'
import type { LoadedNetwork } from './network.ts'
import type { TallyingPeer } from './packet-ends.ts'
import { reconcilePackets } from './reconcile.ts'
import type { Statement } from './reconcile.ts'
import type { PacketPath } from './topologies.ts'

/** After the last answer, packets whose answer was lost may still be reserved: so long. */
const SETTLED_WITHIN_MS = 45_000

/** Who has accounts along a path. */
export interface AccountsOfPath {
  path: PacketPath
  /** Of the first node: the accounts of who sends. */
  senderAccountIds: readonly string[]
  /** Of the last node: the accounts that packets are credited to. */
  receiverAccountIds: readonly string[]
  /** Behind it, where packets leave the network. */
  peer?: TallyingPeer
  ledger: LocalLedger
  transport: 'http' | 'btp'
}

/**
 * Opens the books of every node on the path; what it gives compares what was booked since then, once nothing is reserved
 * any more, with what the generator counted.
 */
export async function openPathBooks(
  { runtime, defer }: Pick<LoadContext, 'runtime' | 'defer'>,
  { network }: Pick<LoadedNetwork, 'network'>,
  accounts: AccountsOfPath
): Promise<(outcomes: Outcomes) => Promise<Reconciliation>> {
  const { peer, senderAccountIds, receiverAccountIds } = accounts
  const books = new Map<string, AccountBooks>()
  for (const { node, databaseUrls } of network.plan.plans) {
    if (accounts.ledger === 'postgres') {
      const database = runtime.openDatabase({ url: databaseUrls.backend, maxConnections: 1 })
      defer(() => database.close())
      books.set(node.name, booksInDatabase(database))
    } else {
      const peers = network.nodes.find(({ name }) => name === node.name)!.peers.map(({ id }) => id)
      const ids = [...peers, ...senderAccountIds, ...receiverAccountIds]
      books.set(node.name, await booksInLedger(network.ledgerOf(node.name), ids))
    }
  }
  return async (outcomes) => {
    await settled(runtime, [...books.values()])
    const statements = await statementsOf(network, books, accounts, outcomes)
    const { fulfilled: _, ...unfulfilled } = outcomes
    const reserved = await Promise.all(
      [...books].map(async ([node, each]) => ({ node, amount: await each.reserved() }))
    )
    const reconciliation = reconcilePackets({ statements, unfulfilled, reserved })
    return peer ? withRejects(reconciliation, peer, outcomes) : reconciliation
  }
}

type Outcomes = Readonly<Record<string, number>>

/** What everybody along the path has of fulfilled packets, from the sender on. */
async function statementsOf(
  network: LoadedNetwork['network'],
  books: ReadonlyMap<string, AccountBooks>,
  { path, senderAccountIds, receiverAccountIds, peer, transport }: AccountsOfPath,
  outcomes: Outcomes
): Promise<Statement[]> {
  const { amountIn, amountOut } = path
  const fulfilled = outcomes.fulfilled ?? 0
  const statements: Statement[] = [
    {
      what: 'generator: fulfilled',
      hop: '',
      packets: { count: fulfilled, amount: BigInt(fulfilled) * amountIn },
      amountEach: amountIn
    }
  ]
  let from = 'the senders'
  const nodes = network.plan.plans.map(({ node }) => node.name)
  let amountEach = amountIn
  for (const [index, node] of nodes.entries()) {
    const own = books.get(node)!
    const peers = network.nodes.find(({ name }) => name === node)!.peers
    const upstream =
      index === 0
        ? senderAccountIds
        : peers.filter((each) => each.with === nodes[index - 1]).map(({ id }) => id)
    const next = nodes[index + 1]
    const downstream =
      next === undefined ? receiverAccountIds : [peers.find((each) => each.with === next)!.id]
    const to = next ?? (peer ? 'the receiver' : 'the incoming payments')
    statements.push({
      what: `${node}: posted from ${from}`,
      hop: `${from} → ${node} (${transport})`,
      packets: sumOf(await Promise.all(upstream.map((id) => own.debited(id)))),
      amountEach
    })
    // The one node that changes currencies is the last but one: what leaves it is the other amount.
    if (index === Math.max(0, nodes.length - 2)) amountEach = amountOut
    statements.push({
      what: `${node}: posted to ${to}`,
      hop: `within ${node}`,
      packets: sumOf(await Promise.all(downstream.map((id) => own.credited(id)))),
      amountEach
    })
    from = node
  }
  if (peer) {
    statements.push({
      what: 'receiver: fulfilled',
      hop: `${from} → the receiver (${transport})`,
      packets: peer.fulfilled,
      amountEach: amountOut
    })
  }
  return statements
}

/** Without a count where one of them has none. */
function sumOf(all: readonly BookedPackets[]): BookedPackets {
  const amount = all.reduce((sum, each) => sum + each.amount, 0n)
  if (all.some(({ count }) => count === undefined)) return { amount }
  return { amount, count: all.reduce((sum, { count }) => sum + count!, 0) }
}

/** Rejects move nothing; yet each that the sender heard of was one of the receiver's. */
function withRejects(
  reconciliation: Reconciliation,
  { rejected }: TallyingPeer,
  outcomes: Outcomes
): Reconciliation {
  const heard = outcomes.F99 ?? 0
  if (rejected.count === 0 && heard === 0) return reconciliation
  const problems = [...reconciliation.problems]
  if (heard > rejected.count) {
    problems.push(`the sender heard ${heard} rejects of the receiver, who made ${rejected.count}`)
  }
  return {
    ...reconciliation,
    ok: problems.length === 0,
    problems,
    counts: [
      ...reconciliation.counts,
      { what: 'generator: rejected by the receiver (F99)', count: heard },
      { what: 'receiver: rejected', count: rejected.count, amount: rejected.amount.toString() }
    ]
  }
}

/** A packet whose answer was lost is reserved until it expires: waits for that. */
async function settled({ clock }: LoadContext['runtime'], books: readonly AccountBooks[]): Promise<void> {
  const untilMs = clock.monotonicMs() + SETTLED_WITHIN_MS
  for (;;) {
    const reserved = await Promise.all(books.map((each) => each.reserved()))
    if (reserved.every((amount) => amount === 0n) || clock.monotonicMs() > untilMs) return
    await clock.sleep(250)
  }
}
