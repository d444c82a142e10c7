import type { Runtime } from '../../../../node/runtime/index.ts'
import type { VirtualWorld } from '../../virtual/world.ts'

export interface CountsArgs {
  /** How each process keeps what it read until it has written: not at all, by the row's lock, or its own row first. */
  lock: 'none' | 'row' | 'crossed'
}

export interface CountsResult {
  /** What stands in the rows in the end. */
  counts: number[]
  /** How the transactions ended: `done`, or the code of the error. */
  ended: string[]
}

const ROWS = 2

/** Two processes add one to the same rows, each in a transaction: it reads, then it writes what it read plus one. */
export default async function run(world: VirtualWorld, { lock }: CountsArgs): Promise<CountsResult> {
  const url = world.databaseUrl('counts')
  const home = world.runtime('home', 'home')
  const database = home.openDatabase({ url, maxConnections: 1 })
  await database.knex.raw('CREATE TABLE counts (id int PRIMARY KEY, count int NOT NULL)')
  await database.knex.raw(`INSERT INTO counts SELECT id, 0 FROM generate_series(1, ${ROWS}) AS id`)
  const processes = ['one', 'two'].map((name) => world.runtime(name, name))
  const ended = await Promise.all(processes.map((process, index) => add(process, url, lock, index)))
  const rows = await database.knex('counts').select<{ count: number }[]>('count').orderBy('id')
  await database.close()
  return { counts: rows.map(({ count }) => count), ended }
}

async function add(
  process: Runtime & { run<T>(work: () => T): T },
  url: string,
  lock: CountsArgs['lock'],
  index: number
): Promise<string> {
  const database = process.openDatabase({ url, maxConnections: 1 })
  const ids = Array.from({ length: ROWS }, (_, at) => at + 1)
  if (lock === 'crossed' && index === 1) ids.reverse()
  try {
    await database.transaction(async (trx) => {
      for (const id of ids) {
        const found = trx<{ id: number; count: number }>('counts').where({ id }).first('count')
        const row = await (lock === 'none' ? found : found.forUpdate())
        await trx('counts')
          .where({ id })
          .update({ count: row!.count + 1 })
      }
    })
    return 'done'
  } catch (error) {
    return String((error as { code?: string }).code)
  } finally {
    await database.close()
  }
}
