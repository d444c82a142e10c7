/** Handle of a timer that was set. Cancelling a timer that fired, or twice, does nothing. */
export interface Timer {
  cancel(): void
}

/**
 * Time and timers. In the virtual world time stands still while code runs and jumps to the next timer when
 * nothing is left to do; a node's clock may be skewed against that of others.
 */
export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  nowMs(): number
  /** Milliseconds from an arbitrary start, never going back: for durations. */
  monotonicMs(): number
  /** Calls `callback` once, after at least `delayMs`. A pending timer keeps no process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
  /** Resolves after `delayMs`; rejects with the signal's reason when aborted. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>
}

/** The longest delay that a platform timer holds; longer ones are set again when they fire. */
const LONGEST_PLATFORM_DELAY_MS = 2 ** 31 - 1

/** The machine's clock. `kill()` drops all its timers, as the end of a process would. */
export function createSystemClock(): Clock & { kill(): void } {
  const pending = new Set<NodeJS.Timeout>()
  let killed = false

  function setTimer(delayMs: number, callback: () => void): Timer {
    const dueMs = performance.now() + Math.max(0, delayMs)
    let handle: NodeJS.Timeout | undefined
    const arm = () => {
      if (killed) return
      const remainingMs = Math.max(0, dueMs - performance.now())
      const stepMs = Math.min(Math.ceil(remainingMs), LONGEST_PLATFORM_DELAY_MS)
      const armed = setTimeout(() => {
        pending.delete(armed)
        if (performance.now() < dueMs - 0.5) arm()
        else callback()
      }, stepMs)
      armed.unref()
      pending.add(armed)
      handle = armed
    }
    arm()
    return {
      cancel() {
        if (handle === undefined) return
        clearTimeout(handle)
        pending.delete(handle)
        handle = undefined
      }
    }
  }

  return {
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    setTimer,
    sleep: (delayMs, signal) => sleepOn(setTimer, delayMs, signal),
    kill() {
      killed = true
      for (const handle of pending) clearTimeout(handle)
      pending.clear()
    }
  }
}

/** `Clock.sleep` on top of any `setTimer`. */
export function sleepOn(setTimer: Clock['setTimer'], delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = () => {
      timer.cancel()
      reject(signal?.reason)
    }
    const timer = setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** A clock that moves only when told to: for tests of code that waits. Timers fire in order of their due time. */
export interface ManualClock extends Clock {
  /** Moves time forward, firing what becomes due, and lets promises settle in between. */
  advance(byMs: number): Promise<void>
  /** Due time of the next timer, if there is one. */
  nextTimerMs(): number | undefined
}

export function createManualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let timeMs = startMs
  let sequence = 0
  const timers = new Map<number, { dueMs: number; callback: () => void }>()

  function next(): [number, { dueMs: number; callback: () => void }] | undefined {
    let found: [number, { dueMs: number; callback: () => void }] | undefined
    for (const entry of timers) if (!found || entry[1].dueMs < found[1].dueMs) found = entry
    return found
  }

  function setTimer(delayMs: number, callback: () => void): Timer {
    const id = sequence++
    timers.set(id, { dueMs: timeMs + Math.ceil(Math.max(0, delayMs)), callback })
    return { cancel: () => void timers.delete(id) }
  }

  return {
    nowMs: () => timeMs,
    monotonicMs: () => timeMs,
    setTimer,
    sleep: (delayMs, signal) => sleepOn(setTimer, delayMs, signal),
    nextTimerMs: () => next()?.[1].dueMs,
    async advance(byMs) {
      const untilMs = timeMs + byMs
      await settle()
      for (let due = next(); due && due[1].dueMs <= untilMs; due = next()) {
        timers.delete(due[0])
        timeMs = Math.max(timeMs, due[1].dueMs)
        due[1].callback()
        await settle()
      }
      timeMs = untilMs
      await settle()
    }
  }

  async function settle(): Promise<void> {
    for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve))
  }
}
