import { WatchedClient } from './watched-client.ts'

/** Statements that one connection prepares; further ones are parsed each time. */
export const MAX_PREPARED_STATEMENTS = 400
/** Statements with more parameters are lists of varying length, of which each would be one of its own. */
export const MAX_PREPARED_PARAMETERS = 40

interface Statement {
  text: string
  values?: unknown[]
  name?: string
}

type Callback = (error: (Error & { code?: string; routine?: string }) | null, result?: unknown) => void

/**
 * A connection that prepares what it is asked a second time: parsing and planning cost the server more than
 * running our short statements does. Plans follow the table's statistics, and its columns: a statement whose
 * result changed its shape under a migration is prepared anew (PostgreSQL manual, PREPARE).
 */
export class PreparingClient extends WatchedClient {
  readonly #names = new Map<string, string>()
  #seen = new Set<string>()
  #counter = 0

  // The overloads are those of pg; what passes through unchanged needs none of them.
  override query(...args: never[]): never {
    const [config, callback] = args as unknown as [Statement, unknown]
    const plain = super.query.bind(this) as (...all: unknown[]) => never
    if (typeof config !== 'object' || typeof callback !== 'function' || !isPreparable(config)) {
      return plain(...args)
    }
    const name = this.#nameOf(config.text)
    if (name === undefined) return plain(...args)
    const isAlone = this.getTransactionStatus() === 'I'
    const answer = callback as Callback
    return plain({ ...config, name }, (error: Parameters<Callback>[0], result: unknown) => {
      if (!isStalePlan(error)) return answer(error, result)
      this.#names.delete(config.text)
      // The statement did not run. A transaction that it was in is lost, alone it can be sent again.
      if (isAlone) plain(config, callback)
      else answer(error, result)
    })
  }

  /** Undefined for the first time, and beyond the limit. */
  #nameOf(text: string): string | undefined {
    const known = this.#names.get(text)
    if (known !== undefined) return known
    if (this.#counter >= MAX_PREPARED_STATEMENTS) return undefined
    if (!this.#seen.delete(text)) {
      if (this.#seen.size >= MAX_PREPARED_STATEMENTS) this.#seen = new Set()
      this.#seen.add(text)
      return undefined
    }
    this.#counter += 1
    const name = `s${this.#counter}`
    this.#names.set(text, name)
    return name
  }
}

function isPreparable({ text, values, name }: Statement): boolean {
  return (
    typeof text === 'string' &&
    name === undefined &&
    values !== undefined &&
    values.length > 0 &&
    values.length <= MAX_PREPARED_PARAMETERS
  )
}

/** "cached plan must not change result type": feature_not_supported, raised where the plan is looked at again. */
function isStalePlan(error: Parameters<Callback>[0]): boolean {
  return error?.code === '0A000' && error.routine === 'RevalidateCachedQuery'
}
