import { createHash } from 'node:crypto'
import type { OutgoingReply } from '../../node/ilp/index.ts'
import type { NewTransfer } from '../../node/ledger/index.ts'
import type { AssetName, Party } from './history.ts'

/** A packet at one connector: from the moment it is handed to it until nothing more is known of it. */
export interface PacketTrace {
  readonly party: Party
  readonly incarnation: number
  /** The link that it came over; undefined: from a customer of the node's own. */
  readonly cameOver: string | undefined
  readonly condition: string
  readonly amount: bigint
  /** Moves no money: a probe of the node's own, or an amount of 0. */
  readonly isFree: boolean
  readonly destination: string
  readonly expiresAtMs: number
  /** Of what it is debited to. */
  readonly accountId: bigint
  readonly asset: AssetName
  /** The world's time, and the node's own clock. */
  readonly arrivedAtMs: number
  readonly arrivedClockMs: number
  sent:
    | { link: string; asset: AssetName; accountId: bigint; amount: bigint; expiresAtMs: number; atMs: number }
    | undefined
  /** What came of it: when, by the node's own clock, and whether it was a Fulfill that meets the condition. */
  outcome: { atMs: number; clockMs: number; kind: string; isValidFulfill: boolean; code?: string } | undefined
  answer: { atMs: number; clockMs: number; type: OutgoingReply['type']; code: string } | undefined
  /** By reservation: what is reserved and neither posted nor voided. */
  readonly reserved: Map<bigint, NewTransfer>
  /** Sums of what was posted, by account: credits less debits. */
  readonly posted: Map<bigint, bigint>
  isPosted: boolean
  /** When the process heard that it is posted, by its own clock. */
  knownPostedClockMs: number | undefined
  /** The ledger was slow, or its answer lost, while it waited for it. */
  isTroubled: boolean
  /** A crash of its process cut it off. */
  isCutOff: boolean
}

/** Both sides of one direction of a link, for one condition. */
export interface Crossing {
  link: string
  sender: Party
  receiver: Party
  condition: string
  sends: number
  arrivals: number
  /** How often the sender and the receiver posted it. An end peer posts when it got, or gave, a valid Fulfill in time. */
  up: number
  down: number
}

/** Answered, and nothing of it is on its way or reserved. */
export function isSettled({ answer, sent, outcome, reserved }: PacketTrace): boolean {
  return answer !== undefined && (sent === undefined || outcome !== undefined) && reserved.size === 0
}

export function meets(fulfillment: Buffer, condition: string): boolean {
  return createHash('sha256').update(fulfillment).digest('hex') === condition
}

export function add(sums: Map<bigint, bigint>, id: bigint, amount: bigint): void {
  const sum = (sums.get(id) ?? 0n) + amount
  if (sum === 0n) sums.delete(id)
  else sums.set(id, sum)
}

export function differenceOf(found: Map<bigint, bigint>, expected: Map<bigint, bigint>): string | undefined {
  for (const id of new Set([...found.keys(), ...expected.keys()])) {
    const [is, must] = [found.get(id) ?? 0n, expected.get(id) ?? 0n]
    if (is !== must) return `account ${id.toString(16).slice(-6)} has ${is} of it where ${must} is due`
  }
  return undefined
}
