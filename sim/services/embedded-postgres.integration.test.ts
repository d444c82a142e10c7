import { spawn } from 'node:child_process'
import { existsSync, readFileSync, watch } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { PostgresStartError, startEmbeddedPostgres } from './embedded-postgres.ts'

/** Where a server keeps its data: the directory above the one it was started with. */
function directoryOf(pid: number): string {
  const argv = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  return path.dirname(argv[argv.indexOf('-D') + 1]!)
}

function gone(directory: string): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(os.tmpdir(), check)
    check()
    function check(): void {
      if (existsSync(directory)) return
      watcher.close()
      resolve()
    }
  })
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

describe.skipIf(process.platform !== 'linux')('the embedded PostgreSQL', () => {
  it('starts durable, keeps databases apart, and leaves nothing behind when stopped', async () => {
    const server = await startEmbeddedPostgres()
    const directory = directoryOf(server.pid)
    const url = await server.createDatabase('one')
    await server.createDatabase('two')
    await query(url, 'CREATE TABLE t AS SELECT 1 AS n')
    expect(await query(url, 'SELECT n FROM t')).toEqual([{ n: 1 }])
    await expect(query(server.url('two'), 'SELECT n FROM t')).rejects.toThrow(/does not exist/)
    expect(
      await query(url, `SELECT current_setting('fsync') AS f, current_setting('synchronous_commit') AS c`)
    ).toEqual([{ f: 'on', c: 'on' }])
    expect(
      await query(
        url,
        `SELECT current_setting('listen_addresses') AS a, current_setting('unix_socket_directories') AS s`
      )
    ).toEqual([{ a: '127.0.0.1', s: '' }])
    await server.stop()
    expect(existsSync(directory)).toBe(false)
    await expect(query(url, 'SELECT 1')).rejects.toThrow(/ECONNREFUSED/)
  })

  it('says what PostgreSQL said when it cannot start', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as net.AddressInfo
    const failure = await startEmbeddedPostgres({ port }).catch((error: unknown) => error)
    taken.close()
    expect(failure).toBeInstanceOf(PostgresStartError)
    expect((failure as Error).message).toContain('Address already in use')
  })

  it('ends when the process that started it is killed, and its directory with it', async () => {
    const module = fileURLToPath(new URL('./embedded-postgres.ts', import.meta.url))
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { startEmbeddedPostgres } from ${JSON.stringify(module)}
         const { pid, port } = await startEmbeddedPostgres({ durable: false })
         console.log(JSON.stringify({ pid, port }))`
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] }
    )
    const [line] = await new Promise<string[]>((resolve) =>
      createInterface(parent.stdout).once('line', (text) => resolve([text]))
    )
    const { pid, port } = JSON.parse(line!) as { pid: number; port: number }
    const directory = directoryOf(pid)
    const connection = net.connect(port, '127.0.0.1')
    await new Promise((resolve) => connection.once('connect', resolve))
    const closed = new Promise((resolve) => connection.once('close', resolve))
    connection.on('error', () => connection.destroy())
    parent.kill('SIGKILL')
    await closed
    await gone(directory)
    expect(() => process.kill(pid, 0)).toThrow(/ESRCH/)
  })
})
