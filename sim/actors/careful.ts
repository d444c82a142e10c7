import { OpenPaymentsClientError } from '@interledger/open-payments'
import type { Clock } from '../../node/runtime/index.ts'

/** How long a careful client waits for a node that is away, and between two questions at most. */
const ASKS_FOR_MS = 120_000
const LONGEST_PAUSE_MS = 1_000

/** No answer came, or a node said that it cannot answer: whether it heard the request is not known. */
export function isUnanswered(error: unknown): boolean {
  return (
    error instanceof OpenPaymentsClientError &&
    error.validationErrors === undefined &&
    (error.status === undefined || error.status >= 500 || COULD_NOT_CHECK.test(error.description))
  )
}

/** What a node answers 401 with where its own authorization server, or the client's key set, gave it no answer. */
const COULD_NOT_CHECK = /^Invalid Token$|could not retrieve client keys/

/**
 * Asks until there is an answer, less and less often. For questions only, which may be asked twice.
 *
 * @throws what the node answers; its last silence after two minutes
 */
export async function askAgain<Answer>(clock: Clock, question: () => Promise<Answer>): Promise<Answer> {
  const deadlineMs = clock.nowMs() + ASKS_FOR_MS
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
    try {
      return await question()
    } catch (error) {
      if (!isUnanswered(error) || clock.nowMs() > deadlineMs) throw error
    }
    await clock.sleep(pauseMs)
  }
}

/**
 * Makes a request whose effect must be had once. While nothing was lost it is sent once, and a refusal is a refusal.
 * Where an answer is lost, the state is read, and it is sent again only where it had no effect. An attempt that is still
 * under way then may yet have it, so the node must refuse the second effect; a refusal in doubt is read as well.
 *
 *   sent ──answer──▶ done
 *    │└────refusal─▶ refused
 *    └─────silence─▶ in doubt ──read: effect──▶ done
 *                     ▲    └────read: none────▶ sent again ──answer──▶ done
 *                     └──────────silence────────┘└─refusal─▶ read: effect ──▶ done, none ──▶ refused
 *
 * @param effect reads what the request came to; undefined: nothing
 * @throws what the node answers; its last silence after two minutes
 */
export async function effectOnce<Effect>(
  clock: Clock,
  request: () => Promise<Effect>,
  effect: () => Promise<Effect | undefined>
): Promise<Effect> {
  let inDoubt = false
  return askAgain(clock, async () => {
    try {
      return await request()
    } catch (error) {
      inDoubt ||= isUnanswered(error)
      if (!inDoubt) throw error
      const found = await askAgain(clock, effect)
      if (found === undefined) throw error
      return found
    }
  })
}
