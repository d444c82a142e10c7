// The thread beside an interleave world: it speaks to the server while the world stands still.
//
//   idle ──ask──▶ working ──every session is answered, or waits for a lock of another──▶ answer ──▶ idle
import { parentPort, workerData } from 'node:worker_threads'
import { openConnection, RefusedError } from './connection.ts'
import type { Connection } from './connection.ts'
import type { Answer, Ask, ThreadData } from './messages.ts'
import { backendMessages, dataRow, simpleQuery } from '../virtual/pglite-wire.ts'

/** The thread's own session, which asks the server who waits for whom. */
const MONITOR = -1
/** Silence after which is asked who waits: most statements take less. */
const ASK_AFTER_MS = 2
/**
 * How long all have to be waiting: so much longer than the server's deadlock_timeout (3 ms) that the server has looked
 * for a circle by then on a busy machine too. Of a circle of sessions the one that closed it is then the one that fails.
 */
const SETTLED_AFTER_MS = 100

const { port, signal, answers } = workerData as ThreadData
const done = new Int32Array(signal)
const connections = new Map<number, Connection>()
const sessions = new Map<number, number>()
let wake: () => void = () => undefined

parentPort!.on('message', (ask: Ask) => {
  void work(ask)
    .catch((error: unknown): Answer => {
      if (!(error instanceof RefusedError)) throw error
      return { sessions: [], refused: error.message }
    })
    .then((answer) => {
      answers.postMessage(answer)
      Atomics.store(done, 0, 1)
      Atomics.notify(done, 0)
    })
})

async function work(ask: Ask): Promise<Answer> {
  if (ask.ask === 'open') {
    await open(ask.session, ask.database, ask.settings)
    return { sessions: [] }
  }
  if (ask.ask === 'run') {
    const connection = connections.get(ask.session)!
    connection.send(ask.bytes)
    // The laboratory's own sessions hold no locks, and nothing follows from what they do.
    if (ask.session < 0) {
      await until(() => !connection.busy)
      return collect([connection])
    }
  } else if (ask.ask === 'cancel') {
    await monitor(`SELECT pg_cancel_backend(${connections.get(ask.session)!.processId})`)
  } else await close(ask.sessions)
  await settle()
  await hearNotifications()
  return collect([...connections.values()].filter(({ session }) => session >= 0))
}

async function open(session: number, database: string, settings: Record<string, string>): Promise<void> {
  const made = await openConnection(port, {
    session,
    database,
    settings,
    sessionOf: (processId) => sessions.get(processId),
    changed: () => wake()
  })
  connections.set(session, made)
  sessions.set(made.processId, session)
}

/** The server rolls back before anything else happens: it is asked until the session is gone. */
async function close(numbers: readonly number[]): Promise<void> {
  const ending = numbers.map((session) => connections.get(session)!)
  for (const session of numbers) connections.delete(session)
  const ids = ending.map(({ processId }) => processId).join()
  if (ending.some(({ busy }) => busy))
    await monitor(`SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[${ids}]) AS pid`)
  for (const connection of ending) connection.end()
  if (ending.every(({ busy, status }) => !busy && status === 'I')) return
  while ((await monitor(`SELECT 1 FROM pg_stat_activity WHERE pid IN (${ids})`)).length > 0) await pause(1)
}

/** Until every session is answered, or waits for a lock that another one has. */
async function settle(): Promise<void> {
  let waitingSinceMs: number | undefined
  for (;;) {
    const running = [...connections.values()].filter(({ busy }) => busy)
    if (running.length === 0) return
    if (await changedWithin(ASK_AFTER_MS)) {
      waitingSinceMs = undefined
      continue
    }
    const ids = running.map(({ processId }) => processId).join()
    const free = await monitor(
      `SELECT 1 FROM unnest(ARRAY[${ids}]) AS pid WHERE cardinality(pg_blocking_pids(pid)) = 0`
    )
    const nowMs = performance.now()
    if (free.length > 0) waitingSinceMs = undefined
    else if (waitingSinceMs === undefined) waitingSinceMs = nowMs
    else if (nowMs - waitingSinceMs >= SETTLED_AFTER_MS) return
  }
}

/** The server tells idle sessions of notifications whenever it gets to it; asked, it does at once. */
async function hearNotifications(): Promise<void> {
  for (const connection of connections.values())
    if (connection.listens && !connection.busy && !connection.ended) await connection.poke()
}

function collect(from: readonly Connection[]): Answer {
  const told = from
    .map((connection) => ({
      session: connection.session,
      ...connection.take(),
      ready: !connection.busy
    }))
    .filter(({ bytes, ended }) => bytes.length > 0 || ended)
    .sort((left, right) => left.session - right.session)
  for (const { session, ended } of told) if (ended) connections.delete(session)
  return { sessions: told }
}

async function monitor(sql: string): Promise<(string | null)[][]> {
  if (!connections.has(MONITOR)) await open(MONITOR, 'postgres', {})
  const connection = connections.get(MONITOR)!
  connection.send(simpleQuery(sql))
  await until(() => !connection.busy)
  const { bytes } = connection.take()
  const rows: (string | null)[][] = []
  for (const { type, start } of backendMessages(bytes)) {
    if (type === 'D') rows.push(dataRow(bytes, start))
    if (type === 'E') throw new Error(`the server refused "${sql}"`)
  }
  return rows
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise<void>((resolve) => (wake = resolve))
}

/** Whether something came from the server within so many milliseconds. */
function changedWithin(ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), ms)
    wake = () => {
      clearTimeout(timer)
      resolve(true)
    }
  })
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
