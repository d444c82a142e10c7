import { MAX_BATCH_EVENTS } from '../model.ts'
import { TooMuchDataError } from './calls.ts'

/**
 * Sends a list in as many requests as the server wants it in: one, unless it was started with a smaller
 * `--limit-request` (as `--development` does). What it takes is learnt from what it refuses, and kept.
 */
export interface Batches {
  /**
   * `send` answers one result per item. Items are applied in order; those for which `isLinked` is true stay in
   * one request with the next.
   *
   * @throws RangeError when a chain is longer than the server takes; what came before it was applied
   */
  inRequests<Item, Result>(
    items: readonly Item[],
    send: (part: readonly Item[]) => Promise<Result[]>,
    isLinked?: (item: Item) => boolean
  ): Promise<Result[]>
}

export function createBatches(): Batches {
  let maxItems = MAX_BATCH_EVENTS

  return {
    async inRequests(items, send, isLinked = () => false) {
      const results = []
      for (let start = 0; start < items.length;) {
        const end = cut(items, start, maxItems, isLinked)
        const part = start === 0 && end === items.length ? items : items.slice(start, end)
        try {
          results.push(...(await send(part)))
          start = end
        } catch (error) {
          if (!(error instanceof TooMuchDataError)) throw error
          if (part.length === 1 || cut(items, start, part.length - 1, isLinked) === end) {
            throw new RangeError(
              `TigerBeetle takes no chain of ${part.length} events; start it without --development, or with a larger --limit-request`,
              { cause: error }
            )
          }
          maxItems = Math.ceil(part.length / 2)
        }
      }
      return results
    }
  }
}

/** Where a request that begins at `start` ends: after at most `max` items, and after the chain that it holds. */
function cut<Item>(
  items: readonly Item[],
  start: number,
  max: number,
  isLinked: (item: Item) => boolean
): number {
  let end = Math.min(start + max, items.length)
  while (end > start && end < items.length && isLinked(items[end - 1]!)) end -= 1
  if (end > start) return end
  // One chain is longer: all of it.
  end = start + 1
  while (end < items.length && isLinked(items[end - 1]!)) end += 1
  return end
}
