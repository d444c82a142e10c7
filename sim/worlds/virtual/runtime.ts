import { createLogger, createRandom, createRuntime, sleepOn } from '../../../node/runtime/index.ts'
import type { Clock, Runtime } from '../../../node/runtime/index.ts'
import type { EventLog } from './event-log.ts'
import type { NetworkView } from './network.ts'
import { runAs } from './owner.ts'
import type { Owner } from './owner.ts'
import { WORLD_START_MS } from './scheduler.ts'
import type { Scheduler } from './scheduler.ts'

/** All that a service has of the outside, in the virtual world. */
export interface VirtualRuntime extends Runtime {
  readonly owner: Owner
  readonly network: NetworkView
  /** Settled when this process is killed: whoever waits for what it does may wait for ever. */
  readonly whenKilled: Promise<void>
  /**
   * Runs code as this process's own: globals that its libraries use (timers, `Date`, `fetch`, randomness) are this
   * process's, and end with it. Services are built and started in here.
   */
  run<T>(work: () => T): T
}

/** The runtime of one process: the same code as on a real machine, on parts of the virtual world. */
export function createVirtualRuntime(options: {
  owner: Owner
  scheduler: Scheduler
  log: EventLog
  network: NetworkView
  logLevel?: string
}): VirtualRuntime {
  const { owner, scheduler, log, network, logLevel = 'info' } = options
  const clock = createVirtualClock(scheduler, owner)
  const { promise: whenKilled, resolve: tellKilled } = Promise.withResolvers<void>()
  const runtime = createRuntime({
    clock,
    random: createRandom((length) => owner.draw(length), clock),
    network,
    logger: createLogger({
      name: owner.name,
      level: logLevel,
      write: (line) => log.note(owner.name, line.trimEnd())
    }),
    kill() {
      if (owner.killed) return
      log.append('process', `${owner.name} ${owner.incarnation} killed`)
      owner.killed = true
      network.kill()
      scheduler.touch()
      tellKilled()
    }
  })
  return { ...runtime, owner, network, whenKilled, run: (work) => runAs(owner, work) }
}

/** The world's time as one process reads it. */
function createVirtualClock(scheduler: Scheduler, owner: Owner): Clock {
  const setTimer: Clock['setTimer'] = (delayMs, callback) => {
    const event = scheduler.after(delayMs, callback, { owner, logged: 'timer' })
    return { cancel: () => scheduler.cancel(event) }
  }
  return {
    nowMs: () => Math.floor(scheduler.nowMs() + owner.skewMs),
    monotonicMs: () => scheduler.nowMs() - WORLD_START_MS,
    setTimer,
    sleep: (delayMs, signal) => sleepOn(setTimer, delayMs, signal)
  }
}
