import { createLogger, createRandom, createRuntime, sleepOn } from '../../node/runtime/index.ts'
import type { Clock, Logger, Runtime } from '../../node/runtime/index.ts'
import type { EventLog } from '../worlds/virtual/event-log.ts'
import { createVirtualNetwork } from '../worlds/virtual/network.ts'
import type { VirtualNetwork } from '../worlds/virtual/network.ts'
import { createOwner, runAs } from '../worlds/virtual/owner.ts'
import type { Owner } from '../worlds/virtual/owner.ts'
import { WORLD_START_MS, createScheduler } from '../worlds/virtual/scheduler.ts'
import type { Scheduler } from '../worlds/virtual/scheduler.ts'

/** The virtual world's time, network and processes, without its database and without a history of every byte. */
export interface PacketWorld {
  readonly scheduler: Scheduler
  readonly network: VirtualNetwork
  /** Milliseconds since the world's start. */
  elapsedMs(): number
  /** A fresh number from 0 to `below` − 1, from the seed. */
  draw(below: number): number
  bytes(length: number): Buffer
  /** The next incarnation of a process, on the host of its name. */
  process(name: string, options?: { skewMs?: number }): PacketProcess
}

/** What a process has of the outside. */
export interface PacketProcess extends Runtime {
  readonly owner: Owner
  run<T>(work: () => T): T
}

/** Lines that services log at level `error`: what no packet may bring about. */
export type ErrorSink = (line: string) => void

/** A logger that all worlds of this process share: making one costs more than a short history. */
export function createSharedLogger(): { logger: Logger; collectTo(sink: ErrorSink): void } {
  let collect: ErrorSink = () => undefined
  return {
    logger: createLogger({ name: 'packets', level: 'error', write: (line) => collect(line) }),
    collectTo: (sink) => void (collect = sink)
  }
}

const UNLOGGED = { onDraw: () => undefined, onFraction: () => undefined }
const NO_LOG: EventLog = {
  append: () => undefined,
  countFraction: () => undefined,
  note: () => undefined,
  length: 0,
  hash: () => ''
}

export function createPacketWorld(
  seed: number,
  networkMs: readonly [number, number],
  logger: Logger
): PacketWorld {
  const { scheduler } = createScheduler({ log: () => NO_LOG })
  const network = createVirtualNetwork({ scheduler, log: NO_LOG })
  const numbers = createOwner({
    seed: String(seed),
    name: 'laboratory',
    incarnation: 1,
    ...UNLOGGED
  })
  const incarnations = new Map<string, number>()
  const draw = (below: number) => (below <= 1 ? 0 : numbers.draw(4).readUInt32BE(0) % below)
  network.conditions.setLatency(() => between(networkMs, draw))

  return {
    scheduler,
    network,
    draw,
    bytes: (length) => numbers.draw(length),
    elapsedMs: () => scheduler.nowMs() - WORLD_START_MS,
    process(name, { skewMs = 0 } = {}) {
      const incarnation = (incarnations.get(name) ?? 0) + 1
      incarnations.set(name, incarnation)
      const owner = createOwner({ seed: String(seed), name, incarnation, skewMs, ...UNLOGGED })
      const view = network.view(owner, name)
      const clock = clockOf(scheduler, owner)
      const runtime = createRuntime({
        clock,
        random: createRandom((length) => owner.draw(length), clock),
        network: view,
        logger,
        kill() {
          if (owner.killed) return
          owner.killed = true
          view.kill()
          scheduler.touch()
        }
      })
      return { ...runtime, owner, run: (work) => runAs(owner, work) }
    }
  }
}

/** A number of milliseconds within a range. */
export function between([low, high]: readonly [number, number], draw: (below: number) => number): number {
  return high <= low ? low : low + draw(high - low + 1)
}

function clockOf(scheduler: Scheduler, owner: Owner): Clock {
  const setTimer: Clock['setTimer'] = (delayMs, callback) => {
    const event = scheduler.after(delayMs, callback, { owner })
    return { cancel: () => scheduler.cancel(event) }
  }
  return {
    nowMs: () => Math.floor(scheduler.nowMs() + owner.skewMs),
    monotonicMs: () => scheduler.nowMs() - WORLD_START_MS,
    setTimer,
    sleep: (delayMs, signal) => sleepOn(setTimer, delayMs, signal)
  }
}
