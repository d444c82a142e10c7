import type { Knex } from 'knex'

/** Texts whose parameters have been numbered already; further ones are numbered each time. */
export const MAX_NUMBERED_TEXTS = 1_000

interface Statement {
  sql: string
  bindings?: readonly unknown[]
  options?: object
  timeout?: number | false
  statementsProducer?: unknown
  /** What `processResponse` reads. */
  response?: unknown
}

type Callback = (error: Error | null, response: unknown) => void

interface Connection {
  query(statement: { text: string; values: readonly unknown[] }, callback: Callback): void
}

interface Builder {
  toSQL(): Statement | Statement[]
  _connection?: unknown
  _eventsCount?: number
}

interface Runner {
  run(): Promise<unknown>
}

/** What is used of knex's client (dialects/postgres of knex 3). */
interface Client {
  runner(builder: Builder): Runner
  acquireConnection(): Promise<Connection>
  releaseConnection(connection: Connection): Promise<void>
  positionBindings(sql: string): string
  prepBindings(bindings: readonly unknown[]): readonly unknown[]
  processResponse(statement: Statement, runner: Runner): unknown
}

/**
 * Runs single statements outside of transactions the short way: connection, text, parameters, answer. knex's own
 * way tells listeners of each step, copies the statement for each of them and searches its text for parameters
 * anew, which takes a third of what a short statement costs this process. Builders, answers and the pool stay
 * knex's; a transaction and what asks for more (several statements, its own connection, listeners) go knex's way.
 *
 * @param onStatement called for each statement that goes the short way
 */
export function runLean(knex: Knex, onStatement: () => void): void {
  const client = knex.client as Client
  const runnerOf = client.runner.bind(client)
  const numbered = new Map<string, string>()

  function numberParameters(sql: string): string {
    const known = numbered.get(sql)
    if (known !== undefined) return known
    const text = client.positionBindings(sql)
    if (numbered.size < MAX_NUMBERED_TEXTS) numbered.set(sql, text)
    return text
  }

  async function run(builder: Builder, runner: Runner, usual: () => Promise<unknown>): Promise<unknown> {
    if (builder._connection !== undefined || (builder._eventsCount ?? 0) > 0) return usual()
    const statement = builder.toSQL()
    if (Array.isArray(statement) || !isPlain(statement)) return usual()
    const connection = await client.acquireConnection()
    try {
      onStatement()
      statement.response = await send(connection, statement)
    } finally {
      void client.releaseConnection(connection)
    }
    return client.processResponse(statement, runner)
  }

  function send(connection: Connection, { sql, bindings }: Statement): Promise<unknown> {
    const text = numberParameters(sql)
    const values = client.prepBindings(bindings ?? [])
    return new Promise((resolve, reject) => {
      connection.query({ text, values }, (error, response) => {
        if (!error) return resolve(response)
        error.message = `${text} - ${error.message}`
        reject(error)
      })
    })
  }

  // Transactions have clients of their own, which are not made from this object.
  client.runner = (builder) => {
    const runner = runnerOf(builder)
    const usual = runner.run.bind(runner)
    runner.run = () => run(builder, runner, usual)
    return runner
  }
}

function isPlain({ timeout, options, statementsProducer }: Statement): boolean {
  return !timeout && statementsProducer === undefined && Object.keys(options ?? {}).length === 0
}
