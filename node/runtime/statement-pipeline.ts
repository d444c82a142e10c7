import type pg from 'pg'
import type { Logger } from './logger.ts'
import { WatchedClient } from './watched-client.ts'
import type { WatchedConfig } from './watched-client.ts'

/**
 * A connection of its own whose statements are sent without waiting for the answers to those before them. The server
 * runs them in the order in which they were sent, each a transaction of its own: when one has committed the next is
 * there already, and the server does not wait for this process to hear of the first.
 */
export interface StatementPipeline {
  /**
   * Runs one statement with `$1`, `$2` … for its parameters; it is prepared under its text. Resolves with the rows,
   * each the list of its columns.
   *
   * @throws the server's error, or that of the connection: then the outcome is unknown
   */
  query(text: string, values: readonly unknown[]): Promise<unknown[][]>
  /** Waits for what is under way. */
  close(): Promise<void>
}

/**
 * Nothing is connected before the first statement, nor again before the next one after a loss.
 *
 *   closed ──query──▶ open ──lost, or silent for too long──▶ closed: what was under way rejects
 */
export function createStatementPipeline(
  connection: () => WatchedConfig,
  { logger, onQuery }: { logger: Logger; onQuery(): void }
): StatementPipeline {
  const names = new Map<string, string>()
  let client: WatchedClient | undefined

  function open(): WatchedClient {
    const opened = new WatchedClient({ ...connection(), pipeline: true })
    const onLost = (error?: Error) => {
      if (client !== opened) return
      client = undefined
      logger.warn({ err: error }, 'a connection to the database was lost')
    }
    opened.on('error', onLost)
    opened.on('end', () => onLost())
    // Statements wait until it stands, and reject when it never does.
    opened.connect().catch(onLost)
    return opened
  }

  function nameOf(text: string): string {
    const known = names.get(text)
    if (known !== undefined) return known
    const name = `p${names.size + 1}`
    names.set(text, name)
    return name
  }

  return {
    query(text, values) {
      onQuery()
      const asked = (client ??= open())
      const config = { name: nameOf(text), text, values: [...values], rowMode: 'array' as const }
      const { promise, resolve, reject } = Promise.withResolvers<unknown[][]>()
      const answer = (error: Error | null, result: pg.QueryArrayResult<unknown[]>) => {
        asked.answered()
        if (error) reject(error)
        else resolve(result.rows)
      }
      asked.query(...([config, answer] as never[]))
      return promise
    },
    async close() {
      const closing = client
      client = undefined
      await closing?.end()
    }
  }
}
