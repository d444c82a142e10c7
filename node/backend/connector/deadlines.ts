import type { Clock, Timer } from '../../runtime/index.ts'

/** A moment at which something is given up, unless it is cancelled before. */
export interface Deadline {
  /** Cancelling one that came, or twice, does nothing. */
  cancel(): void
}

/**
 * Deadlines of packets: thousands stand at a time, and nearly all are cancelled. They share one timer of the
 * clock, and setting or cancelling one costs next to nothing.
 */
export interface Deadlines {
  /** Calls `onDue` when the wall clock reaches `dueMs`; at once is a turn later, as with any timer. */
  at(dueMs: number, onDue: () => void): Deadline
}

interface Entry extends Deadline {
  bucket: Bucket | undefined
  onDue: () => void
}

/** What is due in the same millisecond. */
interface Bucket {
  dueMs: number
  entries: Set<Entry>
}

/**
 * One bucket for each millisecond in which something is due, and a heap of those milliseconds. A bucket that
 * empties is forgotten; its millisecond stays in the heap until its turn comes, or nothing is left.
 *
 *   no deadline ──at──▶ armed for the earliest ──fires──▶ due ones are called ──┬─ some are left ──▶ armed
 *        ▲                        │                                             │
 *        └── the last is cancelled┘◀────────────────────────────────────────────┘
 */
export function createDeadlines(clock: Pick<Clock, 'nowMs' | 'monotonicMs' | 'setTimer'>): Deadlines {
  const buckets = new Map<number, Bucket>()
  const heap: number[] = []
  let armed: { timer: Timer; dueMs: number } | undefined

  function arm(dueMs: number): void {
    armed?.timer.cancel()
    armed = { timer: clock.setTimer(dueMs - clock.monotonicMs(), fire), dueMs }
  }

  function fire(): void {
    armed = undefined
    const nowMs = clock.monotonicMs()
    while (heap.length > 0 && heap[0]! <= nowMs) {
      const bucket = buckets.get(heap[0]!)
      pop(heap)
      if (bucket === undefined) continue
      buckets.delete(bucket.dueMs)
      for (const entry of bucket.entries) {
        entry.bucket = undefined
        entry.onDue()
      }
    }
    // What was called may have set deadlines, and armed the timer.
    while (heap.length > 0 && !buckets.has(heap[0]!)) pop(heap)
    const next = heap[0]
    if (next !== undefined && (armed === undefined || next < (armed as { dueMs: number }).dueMs)) arm(next)
  }

  function cancel(this: Entry): void {
    const { bucket } = this
    if (bucket === undefined) return
    this.bucket = undefined
    bucket.entries.delete(this)
    if (bucket.entries.size > 0) return
    buckets.delete(bucket.dueMs)
    if (buckets.size > 0) return
    heap.length = 0
    armed?.timer.cancel()
    armed = undefined
  }

  return {
    at(wallDueMs, onDue) {
      // Durations are the monotonic clock's; the wall's is read once.
      const dueMs = Math.ceil(clock.monotonicMs() + Math.max(0, wallDueMs - clock.nowMs()))
      let bucket = buckets.get(dueMs)
      if (bucket === undefined) {
        bucket = { dueMs, entries: new Set() }
        buckets.set(dueMs, bucket)
        push(heap, dueMs)
        if (armed === undefined || dueMs < armed.dueMs) arm(dueMs)
      }
      const entry: Entry = { bucket, onDue, cancel }
      bucket.entries.add(entry)
      return entry
    }
  }
}

/** Adds to a binary heap whose smallest number stands first. */
function push(heap: number[], value: number): void {
  let index = heap.length
  heap.push(value)
  while (index > 0) {
    const parent = (index - 1) >> 1
    if (heap[parent]! <= value) break
    heap[index] = heap[parent]!
    index = parent
  }
  heap[index] = value
}

/** Takes the smallest number off a binary heap. */
function pop(heap: number[]): void {
  const value = heap.pop()
  if (value === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && heap[child + 1]! < heap[child]!) child += 1
    if (heap[child]! >= value) break
    heap[index] = heap[child]!
    index = child
  }
  heap[index] = value
}
