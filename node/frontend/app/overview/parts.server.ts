import { AdminApiError, CredentialsRefusedError, NodeUnreachableError } from '../admin-api/admin-api.ts'
import type { FrontendContext } from '../../context.ts'

/** One part of a page: what it shows, or in words why it cannot. */
export type Part<Value> = { ok: true; value: Value } | { ok: false; error: string }

export interface Parts {
  /** Loads a part from the Admin API. What goes wrong stays in its place: the other parts are shown. */
  load<Value>(name: string, load: () => Promise<Value>): Promise<Part<Value>>
  /** Loads what cannot fail. */
  time<Value>(name: string, load: () => Promise<Value>): Promise<Value>
  /**
   * To be called when all have ended.
   *
   * @throws what is wrong with the whole page: refused credentials; a node that answered to none of the parts
   */
  throwIfNothingIsThere(): void
  /** `Server-Timing`: how long each part took, and all of them together, in milliseconds. */
  serverTiming(): string
}

/** The parts of a page, which are loaded at once. */
export function createParts({ clock, logger }: Pick<FrontendContext, 'clock' | 'logger'>): Parts {
  const beganMs = clock.monotonicMs()
  const took: string[] = []
  const failures: unknown[] = []
  let loaded = 0

  async function time<Value>(name: string, load: () => Promise<Value>): Promise<Value> {
    const beganMs = clock.monotonicMs()
    try {
      return await load()
    } finally {
      took.push(metric(name, clock.monotonicMs() - beganMs))
    }
  }

  return {
    time,
    async load(name, load) {
      loaded += 1
      try {
        return { ok: true, value: await time(name, load) }
      } catch (error) {
        failures.push(error)
        return { ok: false, error: wordsOf(error, name) }
      }
    },
    throwIfNothingIsThere() {
      const refused = failures.find((error) => error instanceof CredentialsRefusedError)
      if (refused !== undefined) throw refused
      if (loaded > 0 && failures.length === loaded) {
        if (failures.every((error) => error instanceof NodeUnreachableError)) throw failures[0]
      }
    },
    serverTiming: () => [...took, metric('all', clock.monotonicMs() - beganMs)].join(', ')
  }

  function wordsOf(error: unknown, part: string): string {
    if (error instanceof AdminApiError) return `The node refused: ${error.message} (${error.code})`
    if (error instanceof NodeUnreachableError) {
      logger.warn({ err: error, part }, 'the node did not answer to a part of a page')
      return 'The node did not answer to this.'
    }
    logger.error({ err: error, part }, 'a part of a page failed')
    return 'Something that was not foreseen went wrong; the log of the admin UI has its cause.'
  }
}

const metric = (name: string, durationMs: number): string => `${name};dur=${durationMs.toFixed(1)}`
