import { currentOwner, leftBehind } from '../owner.ts'
import type { Owner } from '../owner.ts'
import type { Scheduler } from '../scheduler.ts'

/** The world whose code the globals of this process serve: worlds come one after the other. */
export interface Stage {
  /** Whoever has no owner of his own draws and sets timers as `fallback`. */
  enter(world: { scheduler: Scheduler; fallback: Owner }): void
  scheduler(): Scheduler
  /** Whose code runs; undefined where it is nobody's. @throws LeftBehindError where it is of a world that has ended */
  owner(): Owner | undefined
  fallback(): Owner
}

export function createStage(first: { scheduler: Scheduler; fallback: Owner }): Stage {
  let world = first
  return {
    enter: (next) => void (world = next),
    scheduler: () => world.scheduler,
    owner() {
      const owner = currentOwner()
      if (owner?.ended) throw leftBehind(owner)
      return owner
    },
    fallback: () => world.fallback
  }
}
