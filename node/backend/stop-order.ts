import type { Clock, Logger } from '../runtime/index.ts'

/** Stops a part; what it lets end may take up to `graceMs`. */
export type Stop = (graceMs: number) => Promise<unknown> | undefined

/** What was started and how it is stopped, in groups: the last one first, the members of one together. */
export interface StopOrder {
  /** Registers a part before it is started, so that a start that fails half-way is undone too. */
  add(name: string, stop: Stop): void
  /** What is added from here on is stopped before everything above. */
  nextGroup(): void
  /**
   * Stops everything. `graceMs` is for all together: each group has what those before it left. A part that fails or
   * takes too long is logged and left behind.
   */
  stop(graceMs: number): Promise<void>
}

/** What a part may take beyond its grace, for closing alone. */
export const STOP_CUT_MS = 1_000

export function createStopOrder({ clock, logger }: { clock: Clock; logger: Logger }): StopOrder {
  let groups: { name: string; stop: Stop }[][] = [[]]

  async function stopPart(name: string, stop: Stop, graceMs: number): Promise<void> {
    const limitMs = graceMs + STOP_CUT_MS
    let deadline: { cancel(): void } | undefined
    const late = new Promise<never>((_resolve, reject) => {
      deadline = clock.setTimer(limitMs, () => reject(new Error(`not stopped within ${limitMs} ms`)))
    })
    try {
      await Promise.race([stop(graceMs), late])
    } catch (error) {
      logger.error({ err: error, part: name }, 'a part of the service could not be stopped in order')
    } finally {
      deadline?.cancel()
    }
  }

  return {
    add: (name, stop) => void groups.at(-1)!.push({ name, stop }),
    nextGroup: () => void groups.push([]),
    async stop(graceMs) {
      const endMs = clock.monotonicMs() + graceMs
      const stopping = groups.reverse()
      groups = [[]]
      for (const group of stopping) {
        const leftMs = Math.max(0, Math.ceil(endMs - clock.monotonicMs()))
        await Promise.all(group.map(({ name, stop }) => stopPart(name, stop, leftMs)))
      }
    }
  }
}
