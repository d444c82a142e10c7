import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import { promisify } from 'node:util'
import { currentOwner } from '../owner.ts'
import type { Owner } from '../owner.ts'
import { WORLD_START_MS, WorldError } from '../scheduler.ts'
import type { Scheduler } from '../scheduler.ts'
import type { Stage } from './stage.ts'
import type { ScheduledEvent } from '../timer-heap.ts'

/** Reads of a clock without time moving on; more means that code waits in a busy loop, which would never end. */
export const MAX_CLOCK_READS_PER_INSTANT = 5_000_000
/** What `performance.now()` says at the world's start: never 0, which libraries take for "not set". */
const MONOTONIC_START_MS = 1_000
const LONGEST_PLATFORM_DELAY_MS = 2 ** 31 - 1

/**
 * Gives the process the world's clock and timers: `Date`, `performance`, `process.hrtime`, `setTimeout` and its
 * relatives. Owners may be skewed: each reads its own clock.
 */
export function installTime(stage: Stage): void {
  let readsAtMs = -1
  let reads = 0

  function nowMs(): number {
    const timeMs = stage.scheduler().nowMs()
    if (timeMs !== readsAtMs) {
      readsAtMs = timeMs
      reads = 0
    }
    reads += 1
    if (reads > MAX_CLOCK_READS_PER_INSTANT) {
      reads = 0
      throw new WorldError(
        `a clock was read ${MAX_CLOCK_READS_PER_INSTANT} times without time moving on: a busy wait`
      )
    }
    return timeMs
  }
  const wallMs = () => Math.floor(nowMs() + (currentOwner()?.skewMs ?? 0))
  const monotonicMs = () => nowMs() - WORLD_START_MS + MONOTONIC_START_MS

  installDate(wallMs)
  Object.defineProperty(performance, 'now', { value: monotonicMs, configurable: true, writable: true })
  Object.defineProperty(performance, 'timeOrigin', {
    value: WORLD_START_MS - MONOTONIC_START_MS,
    configurable: true
  })
  const hrtime = (previous?: [number, number]): [number, number] => {
    const nanoseconds = BigInt(Math.round(monotonicMs() * 1e6))
    const before = previous ? BigInt(previous[0]) * 1_000_000_000n + BigInt(previous[1]) : 0n
    return [Number((nanoseconds - before) / 1_000_000_000n), Number((nanoseconds - before) % 1_000_000_000n)]
  }
  process.hrtime = Object.assign(hrtime, { bigint: () => BigInt(Math.round(monotonicMs() * 1e6)) })
  process.uptime = () => monotonicMs() / 1000

  installTimers(stage)
}

function installDate(wallMs: () => number): void {
  const RealDate = globalThis.Date
  const VirtualDate = function (this: unknown, ...args: unknown[]) {
    if (!new.target) return new RealDate(wallMs()).toString()
    return Reflect.construct(RealDate, args.length === 0 ? [wallMs()] : args, new.target)
  } as unknown as DateConstructor
  Object.defineProperties(VirtualDate, Object.getOwnPropertyDescriptors(RealDate))
  VirtualDate.now = wallMs
  // One prototype, so that dates made by the platform are instances as well.
  RealDate.prototype.constructor = VirtualDate
  globalThis.Date = VirtualDate
}

/** What `setTimeout` returns: Node's Timeout, on the world's clock. */
class VirtualTimeout {
  static #next = 1
  readonly id = VirtualTimeout.#next++
  readonly #start: () => ScheduledEvent
  readonly #scheduler: Scheduler
  #event: ScheduledEvent
  #referenced = true

  constructor(scheduler: Scheduler, start: () => ScheduledEvent) {
    this.#scheduler = scheduler
    this.#start = start
    this.#event = start()
  }
  refresh(): this {
    this.#scheduler.cancel(this.#event)
    this.#event = this.#start()
    return this
  }
  close(): this {
    this.#scheduler.cancel(this.#event)
    return this
  }
  ref(): this {
    this.#referenced = true
    return this
  }
  unref(): this {
    this.#referenced = false
    return this
  }
  hasRef(): boolean {
    return this.#referenced
  }
  [Symbol.toPrimitive](): number {
    return this.id
  }
  [Symbol.dispose](): void {
    this.close()
  }
}

function installTimers(stage: Stage): void {
  /** Of each world: what is left of one goes with it. */
  const byWorld = new WeakMap<Scheduler, Map<number, VirtualTimeout>>()
  const realSetImmediate = globalThis.setImmediate

  function timeoutsOf(scheduler: Scheduler): Map<number, VirtualTimeout> {
    const found = byWorld.get(scheduler)
    if (found) return found
    const made = new Map<number, VirtualTimeout>()
    byWorld.set(scheduler, made)
    return made
  }

  function start(
    kind: 'setTimeout' | 'setInterval',
    callback: (...args: unknown[]) => void,
    delay: unknown,
    args: unknown[]
  ) {
    if (typeof callback !== 'function')
      throw new TypeError('The "callback" argument must be of type function')
    const given = Number(delay ?? 1)
    const delayMs = given >= 1 && given <= LONGEST_PLATFORM_DELAY_MS ? Math.trunc(given) : 1
    const owner = stage.owner() ?? null
    const scheduler = stage.scheduler()
    const byId = timeoutsOf(scheduler)
    const timeout: VirtualTimeout = new VirtualTimeout(scheduler, () =>
      scheduler.after(
        delayMs,
        () => {
          if (kind === 'setInterval') timeout.refresh()
          else byId.delete(timeout.id)
          callback(...args)
        },
        { owner, logged: kind }
      )
    )
    byId.set(timeout.id, timeout)
    return timeout
  }

  function clear(handle: unknown): void {
    if (handle == null) return
    const byId = timeoutsOf(stage.scheduler())
    const timeout = handle instanceof VirtualTimeout ? handle : byId.get(Number(handle))
    if (!timeout) return
    timeout.close()
    byId.delete(timeout.id)
  }

  type Callback = (...args: unknown[]) => void
  const setTimeout = (callback: Callback, delay?: unknown, ...args: unknown[]) =>
    start('setTimeout', callback, delay, args)
  const setInterval = (callback: Callback, delay?: unknown, ...args: unknown[]) =>
    start('setInterval', callback, delay, args)
  const setImmediate = (callback: Callback, ...args: unknown[]) => {
    const owner: Owner | undefined = stage.owner()
    const scheduler = stage.scheduler()
    scheduler.touch()
    return realSetImmediate(() => {
      scheduler.touch()
      if (!owner?.killed) callback(...args)
    })
  }

  const sleep = (delayMs?: number, value?: unknown, options?: { signal?: AbortSignal }) =>
    abortable(options?.signal, (resolve) => {
      const handle = setTimeout(() => resolve(value), delayMs)
      return () => clear(handle)
    })
  const nextImmediate = (value?: unknown, options?: { signal?: AbortSignal }) =>
    abortable(options?.signal, (resolve) => {
      const handle = setImmediate(() => resolve(value))
      return () => clearImmediate(handle)
    })
  async function* ticks(delayMs?: number, value?: unknown, options?: { signal?: AbortSignal }) {
    for (;;) yield sleep(delayMs, value, options)
  }

  Object.defineProperty(setTimeout, promisify.custom, { value: sleep })
  Object.defineProperty(setImmediate, promisify.custom, { value: nextImmediate })
  const patched = { setTimeout, setInterval, setImmediate, clearTimeout: clear, clearInterval: clear }
  Object.assign(globalThis, patched)
  Object.assign(timers, patched)
  Object.assign(timersPromises, { setTimeout: sleep, setImmediate: nextImmediate, setInterval: ticks })
  Object.defineProperty(timersPromises, 'scheduler', { value: { wait: sleep, yield: () => nextImmediate() } })

  AbortSignal.timeout = (delayMs: number) => {
    const controller = new AbortController()
    setTimeout(
      () => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
      delayMs
    )
    return controller.signal
  }
}

/** A promise of something that can be cancelled by a signal, as those of node:timers/promises. */
function abortable(
  signal: AbortSignal | undefined,
  begin: (resolve: (value: unknown) => void) => () => void
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const abortError = () =>
      Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), {
        name: 'AbortError',
        code: 'ABORT_ERR'
      })
    if (signal?.aborted) return reject(abortError())
    const onAbort = () => {
      cancel()
      reject(abortError())
    }
    const cancel = begin((value) => {
      signal?.removeEventListener('abort', onAbort)
      resolve(value)
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
