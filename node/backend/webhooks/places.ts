import type { Receiver } from './model.ts'

/** Deliveries to one receiver at a time, first attempts and repeats each, per WEBHOOK_WORKERS. */
export const PLACES_PER_LANE = 32
/** Deliveries of a process at a time, per WEBHOOK_WORKERS; more lanes than that have one place each in turn. */
export const PLACES_PER_PROCESS = 1_024

/**
 * A receiver has two lanes: what it refuses again and again, or does not answer, takes no place from what it is
 * sent for the first time.
 */
export interface Lane {
  receiver: Receiver
  isRepeat: boolean
}

/** A lane that something is due in: since when. */
export interface DueLane extends Lane {
  dueSinceMs: number
}

/**
 * Which deliveries may begin, so that a receiver that is slow or dead holds its own places and no more: each lane
 * has PLACES_PER_LANE, and an equal share of the process's where more lanes are busy than these suffice for.
 */
export function createPlaces(workers: number) {
  const perLane = PLACES_PER_LANE * workers
  const inAll = PLACES_PER_PROCESS * workers
  const taken = new Map<string, number>()
  /** Lanes that had more due than places, or may have had: looked at again when one of theirs ends. */
  const short = new Set<string>()
  let isShortOfLanes = false

  function takenBy(lane: Lane): number {
    return taken.get(keyOf(lane)) ?? 0
  }

  return {
    /** The lanes that deliveries may be claimed for, and how many. Those that wait longest come first. */
    offer(due: readonly DueLane[]): (DueLane & { free: number })[] {
      short.clear()
      const idle = due.filter((lane) => takenBy(lane) === 0).length
      const share = Math.max(1, Math.min(perLane, Math.floor(inAll / Math.max(1, taken.size + idle))))
      const lanes = due.map((lane) => ({ ...lane, free: share - takenBy(lane) }))
      for (const lane of lanes) if (lane.free <= 0) short.add(keyOf(lane))
      const open = lanes.filter(({ free }) => free > 0).sort((a, b) => a.dueSinceMs - b.dueSinceMs)
      isShortOfLanes = open.length > inAll
      return open.slice(0, inAll)
    },
    take(lane: Lane): void {
      taken.set(keyOf(lane), takenBy(lane) + 1)
    },
    /** @returns whether something may wait for the place that became free */
    release(lane: Lane): boolean {
      const left = takenBy(lane) - 1
      if (left > 0) taken.set(keyOf(lane), left)
      else taken.delete(keyOf(lane))
      return isShortOfLanes || short.has(keyOf(lane))
    },
    /**
     * Says how many were claimed of what was offered; where all places were used, there may be more.
     *
     * @returns whether places became free meanwhile that nobody looked for
     */
    used(
      offered: readonly (Lane & { free: number })[],
      claimed: readonly Lane[],
      takenBefore: number
    ): boolean {
      const counts = new Map<string, number>()
      for (const lane of claimed) counts.set(keyOf(lane), (counts.get(keyOf(lane)) ?? 0) + 1)
      for (const lane of offered) if ((counts.get(keyOf(lane)) ?? 0) >= lane.free) short.add(keyOf(lane))
      return (short.size > 0 || isShortOfLanes) && this.taken() < takenBefore + claimed.length
    },
    /** Deliveries in flight. */
    taken(): number {
      let sum = 0
      for (const count of taken.values()) sum += count
      return sum
    }
  }
}

function keyOf({ receiver, isRepeat }: Lane): string {
  return `${receiver} ${isRepeat}`
}
