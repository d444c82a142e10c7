import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import path from 'node:path'
import { Pool } from 'undici'
import { closedLoop } from './drivers.ts'
import type { Phase } from './drivers.ts'
import type { BenchmarkContext } from './model.ts'
import { NEEDS } from './payments-needs.ts'

/** Bytes of the body of a round trip, each way: about those of an Open Payments answer. */
export const BARE_BODY_BYTES = 600
/** Header that says how many commits a round trip waits for. */
export const COMMITS_HEADER = 'x-commits'
const CONNECTIONS = 64

/**
 * The limit for comparison: as many HTTP round trips and commits as a payment needs (`NEEDS`), in the same order,
 * and nothing else. Two processes of bare `node:http` stand for the nodes, each with a pool of connections to the
 * PostgreSQL that the payments use; a commit is one row by a prepared statement. Nothing is signed, verified,
 * validated, parsed or booked.
 */
export async function startBarePayments(
  { runtime: { clock }, signal, defer }: Pick<BenchmarkContext, 'runtime' | 'signal' | 'defer'>,
  databaseUrl: string,
  callers: number
): Promise<Phase> {
  const servers = await Promise.all([0, 1].map(() => startServer(databaseUrl, defer)))
  const pools = servers.map((port) => new Pool(`http://127.0.0.1:${port}`, { connections: CONNECTIONS }))
  for (const pool of pools) defer(() => pool.destroy())
  const body = Buffer.alloc(BARE_BODY_BYTES, 'x')

  async function roundTrip(pool: Pool, commits: number): Promise<void> {
    const answer = await pool.request({
      method: 'POST',
      path: '/',
      headers: { [COMMITS_HEADER]: String(commits) },
      body
    })
    await answer.body.arrayBuffer()
    if (answer.statusCode !== 200) throw new Error(`a bare server answered ${answer.statusCode}`)
  }

  /** Commits of a step without a round trip of its own are waited for by the one before it. */
  const trips: number[] = []
  for (const { roundTrips, commits } of NEEDS) {
    for (let trip = 0; trip < roundTrips; trip++) trips.push(0)
    trips[trips.length - 1]! += commits
  }

  return (durationMs) =>
    closedLoop({
      clock,
      durationMs,
      signal,
      callers,
      async call() {
        for (const [index, commits] of trips.entries()) await roundTrip(pools[index % 2]!, commits)
      }
    })
}

/** @returns the port it listens on */
async function startServer(databaseUrl: string, defer: BenchmarkContext['defer']): Promise<number> {
  const child = fork(path.join(import.meta.dirname, 'payments-bare-server.ts'), [databaseUrl])
  defer(() => end(child))
  return new Promise<number>((resolve, reject) => {
    child.once('message', (port) => resolve(port as number))
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`a bare server ended with status ${code}`)))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}
