import type { EventLog } from './event-log.ts'
import { createEventLog } from './event-log.ts'
import { createOwner } from './owner.ts'
import type { Owner } from './owner.ts'
import { createScheduler } from './scheduler.ts'
import type { Scheduler } from './scheduler.ts'

/** Time, history and randomness: what has to be there before any library is imported. */
export interface WorldCore {
  readonly seed: string
  readonly scheduler: Scheduler
  readonly log: EventLog
  /** A process of the world: each name's next incarnation. */
  createOwner(name: string, options?: { skewMs?: number }): Owner
  /** Nothing of this world runs any more: what is under way stops, and whatever of it still asks for something gets an error. */
  end(): Promise<void>
}

export function createWorldCore({
  seed,
  writeLog
}: {
  seed: string
  /** Receives the history as text, line by line. */
  writeLog?: ((line: string) => void) | undefined
}): WorldCore {
  const { scheduler, log } = createScheduler({ log: (nowMs) => createEventLog(nowMs, writeLog) })
  const incarnations = new Map<string, number>()
  const owners: Owner[] = []
  return {
    seed,
    scheduler,
    log,
    createOwner(name, { skewMs = 0 } = {}) {
      const incarnation = (incarnations.get(name) ?? 0) + 1
      incarnations.set(name, incarnation)
      const made = createOwner({
        seed,
        name,
        incarnation,
        skewMs,
        onDraw: (owner, bytes) => {
          scheduler.touch()
          log.append('random', `${owner.name} ${owner.incarnation}`, bytes)
        },
        onFraction: (owner) => {
          scheduler.touch()
          log.countFraction(owner.name)
        }
      })
      owners.push(made)
      return made
    },
    async end() {
      for (const owner of owners) owner.killed = true
      await scheduler.end()
      for (const owner of owners) owner.ended = true
    }
  }
}
