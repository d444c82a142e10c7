import type { Owner } from './owner.ts'

/** Something that happens at a time of the world. */
export interface ScheduledEvent {
  dueMs: number
  /** Order among events of one due time. */
  sequence: number
  readonly callback: () => void
  readonly owner: Owner | undefined
  /** How the event log names it; `undefined` leaves it out (a message in flight is logged by the network). */
  readonly logged: string | undefined
  /** The end of its owner's pause for which it was put off. */
  heldUntilMs?: number
}

/** Events by (due time, sequence): a binary heap. Deleted events stay until they reach the top. */
export function createTimerHeap() {
  const heap: ScheduledEvent[] = []
  const live = new Set<ScheduledEvent>()

  function before(a: ScheduledEvent, b: ScheduledEvent): boolean {
    return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.sequence < b.sequence)
  }

  function swap(i: number, j: number): void {
    const held = heap[i]!
    heap[i] = heap[j]!
    heap[j] = held
  }

  function removeTop(): ScheduledEvent | undefined {
    const top = heap[0]
    const last = heap.pop()
    if (top === undefined || last === undefined || heap.length === 0) return top
    heap[0] = last
    let index = 0
    for (;;) {
      const left = 2 * index + 1
      let least = index
      if (left < heap.length && before(heap[left]!, heap[least]!)) least = left
      if (left + 1 < heap.length && before(heap[left + 1]!, heap[least]!)) least = left + 1
      if (least === index) return top
      swap(index, least)
      index = least
    }
  }

  function dropDeleted(): void {
    while (heap.length > 0 && !live.has(heap[0]!)) removeTop()
  }

  return {
    push(event: ScheduledEvent): void {
      live.add(event)
      heap.push(event)
      let index = heap.length - 1
      while (index > 0) {
        const parent = (index - 1) >> 1
        if (!before(heap[index]!, heap[parent]!)) break
        swap(index, parent)
        index = parent
      }
    },
    /** The next event, left where it is. */
    peek(): ScheduledEvent | undefined {
      dropDeleted()
      return heap[0]
    },
    pop(): ScheduledEvent | undefined {
      dropDeleted()
      const top = removeTop()
      if (top) live.delete(top)
      return top
    },
    /** Tells whether the event was still to come. */
    delete: (event: ScheduledEvent): boolean => live.delete(event),
    size: (): number => live.size
  }
}
