import { maxOf } from '../../ilp/index.ts'
import { CLOCK_SKEW_MS } from '../incarnation.ts'

/** What another process wrote of itself into a payment's record. Minor units. */
export interface OtherProcess {
  /** As it is written. */
  raw: string
  posted: bigint
  held: bigint
  heldUntilMs: number
  /** How many credits without a tag it has booked; and how many of these the last reading of the ledger covers. */
  untagged: number
  untaggedRead: number
  /** What it wrote when that was stale and the ledger was read: its holds count no more. */
  settledRaw: string | undefined
}

/** What one payment has taken, as far as one process knows. Minor units. */
export interface PaymentCount {
  readonly processTag: bigint
  readonly receiveMax: bigint
  /** Of this process: credited under its tag; admitted and neither posted nor released; asked for just now. */
  posted: bigint
  held: bigint
  claiming: bigint
  /** How many credits without its tag it has booked. */
  untagged: number
  readonly others: Map<bigint, OtherProcess>
  /** What the ledger has, by tag, up to the last reading. */
  readonly read: Map<bigint, bigint>
}

export function createPaymentCount(processTag: bigint, receiveMax: bigint): PaymentCount {
  return {
    processTag,
    receiveMax,
    posted: 0n,
    held: 0n,
    claiming: 0n,
    untagged: 0,
    others: new Map(),
    read: new Map()
  }
}

/** What a process writes of itself: `posted,held,heldUntilMs,untagged`. */
export function recordOf({ posted, held, claiming, untagged }: PaymentCount, heldUntilMs: number): string {
  return [posted, held + claiming, heldUntilMs, untagged].join(',')
}

/** Takes over what another process wrote. */
export function learn({ others }: PaymentCount, tag: bigint, raw: string): void {
  const known = others.get(tag)
  if (known?.raw === raw) return
  const [posted, held, heldUntilMs, untagged] = raw.split(',') as [string, string, string, string]
  others.set(tag, {
    raw,
    // What is posted stays posted, whatever the cache forgot.
    posted: maxOf(BigInt(posted), known?.posted ?? 0n),
    held: BigInt(held),
    heldUntilMs: Number(heldUntilMs),
    untagged: Number(untagged),
    untaggedRead: known?.untaggedRead ?? 0,
    settledRaw: undefined
  })
}

/** In the ledger for certain; nothing of it is in flight in this process. */
export function settledOf({ processTag, posted, others, read }: PaymentCount): bigint {
  let sum = posted
  for (const [tag, amount] of read) if (tag !== processTag && !others.has(tag)) sum += amount
  for (const [tag, other] of others) sum += maxOf(other.posted, read.get(tag) ?? 0n)
  return sum
}

/** With what is being booked, anywhere. */
export function takenOf(count: PaymentCount): bigint {
  let sum = settledOf(count) + count.held
  for (const [tag, other] of count.others) {
    if (other.settledRaw === other.raw) continue
    const settled = maxOf(other.posted, count.read.get(tag) ?? 0n)
    sum += maxOf(settled, other.posted + other.held) - settled
  }
  return sum
}

/** Another process has not repeated what it holds: it died, and the ledger tells what it posted of it. */
export function isStale({ held, heldUntilMs }: OtherProcess, nowMs: number): boolean {
  return held > 0n && nowMs > heldUntilMs + CLOCK_SKEW_MS
}

/** What others did that only the ledger tells. */
export function needsLedger({ others }: PaymentCount, nowMs: number): boolean {
  for (const other of others.values()) {
    if (other.untagged > other.untaggedRead) return true
    if (isStale(other, nowMs) && other.settledRaw !== other.raw) return true
  }
  return false
}
