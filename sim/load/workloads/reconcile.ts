import type { Orphans, ReconciledCount, Reconciliation } from '../engine/model.ts'
import type { BookedPackets } from './books.ts'

/** One side of a hop: who says what of the packets that went through it. */
export interface Statement {
  /** `generator: fulfilled`, `acacia: posted to baobab` … */
  what: string
  packets: BookedPackets
  /** What one packet is there, in minor units. */
  amountEach: bigint
  /** The hop between this statement and the one before, in words: where a packet that only this one has was lost. */
  hop: string
}

export interface PacketStatements {
  /** From the sender to the receiver, in the order that a packet goes. */
  statements: readonly Statement[]
  /** Packets whose end the sender does not know, or heard otherwise of, by outcome: what orphans are explained by. */
  unfulfilled: Record<string, number>
  /** Of nodes: what is still reserved. */
  reserved: readonly { node: string; amount: bigint }[]
}

/**
 * Compares what everybody along the path counted, to the packet and unit. Further along there may be more, never less:
 * a packet that downstream fulfilled and upstream did not book is an orphan (its answer was late or lost; money.md 1),
 * and each must be among those that the sender heard something else of. Anything else is money out of nothing.
 */
export function reconcilePackets({ statements, unfulfilled, reserved }: PacketStatements): Reconciliation {
  const counts: ReconciledCount[] = []
  const orphans: Orphans[] = []
  const problems: string[] = []
  for (const { what, packets, amountEach } of statements) {
    counts.push({
      what,
      ...(packets.count !== undefined && { count: packets.count }),
      amount: packets.amount.toString()
    })
    const counted = packetsOf(packets, amountEach)
    if (packets.amount !== counted * amountEach) {
      problems.push(`${what}: ${packets.amount} is not what ${counted} packets of ${amountEach} are`)
    }
  }
  let orphaned = 0n
  for (const [index, downstream] of statements.entries()) {
    const upstream = statements[index - 1]
    if (!upstream) continue
    const more =
      packetsOf(downstream.packets, downstream.amountEach) - packetsOf(upstream.packets, upstream.amountEach)
    if (more < 0n) {
      problems.push(
        `${upstream.what} has ${-more} packets more than ${downstream.what}: value out of nothing`
      )
    } else if (more > 0n) {
      orphaned += more
      orphans.push({
        where: downstream.hop,
        count: Number(more),
        amount: (more * downstream.amountEach).toString(),
        cause: `fulfilled there and not heard of in time here; the sender was answered ${describeOutcomes(unfulfilled)}`
      })
    }
  }
  const unknown = BigInt(Object.values(unfulfilled).reduce((sum, count) => sum + count, 0))
  if (orphaned > unknown) {
    problems.push(
      `${orphaned} packets are orphans and the sender heard of ${unknown} that were not fulfilled`
    )
  }
  for (const { node, amount } of reserved) {
    if (amount !== 0n) problems.push(`${node} still reserves ${amount}`)
  }
  return { ok: problems.length === 0, counts, orphans, problems }
}

function packetsOf({ count, amount }: BookedPackets, amountEach: bigint): bigint {
  return count === undefined ? amount / amountEach : BigInt(count)
}

/** `R00 (3), HTTP 503 (1)`. */
export function describeOutcomes(outcomes: Readonly<Record<string, number>>): string {
  const list = Object.entries(outcomes).map(([name, count]) => `${name} (${count})`)
  return list.length === 0 ? 'nothing else' : list.join(', ')
}
