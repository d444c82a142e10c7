import type { Clock, Logger } from '../runtime/index.ts'

/** What was started and how it is stopped, in groups: the last one first, the members of one together. */
export interface StopOrder {
  /** Registers a part before it is started, so that a start that fails half-way is undone too. */
  add(name: string, stop: () => Promise<unknown> | undefined): void
  /** What is added from here on is stopped before everything above. */
  nextGroup(): void
  /** Stops everything; a part that fails or takes too long is logged and left behind. */
  stop(): Promise<void>
}

/** The longest that one group may take to stop. */
export const STOP_GROUP_MS = 15_000

export function createStopOrder({ clock, logger }: { clock: Clock; logger: Logger }): StopOrder {
  let groups: { name: string; stop: () => Promise<unknown> | undefined }[][] = [[]]

  async function stopPart(name: string, stop: () => Promise<unknown> | undefined): Promise<void> {
    let deadline: { cancel(): void } | undefined
    const late = new Promise<never>((_resolve, reject) => {
      deadline = clock.setTimer(STOP_GROUP_MS, () =>
        reject(new Error(`not stopped within ${STOP_GROUP_MS} ms`))
      )
    })
    try {
      await Promise.race([stop(), late])
    } catch (error) {
      logger.error({ err: error, part: name }, 'a part of the service could not be stopped in order')
    } finally {
      deadline?.cancel()
    }
  }

  return {
    add: (name, stop) => void groups.at(-1)!.push({ name, stop }),
    nextGroup: () => void groups.push([]),
    async stop() {
      const stopping = groups.reverse()
      groups = [[]]
      for (const group of stopping) {
        await Promise.all(group.map(({ name, stop }) => stopPart(name, stop)))
      }
    }
  }
}
