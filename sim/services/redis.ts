import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { freePort } from './free-ports.ts'

/** A Redis of our own on 127.0.0.1, without persistence, that ends with this process however that ends. */
export interface EmbeddedRedis {
  readonly url: string
  readonly pid: number
  stop(): Promise<void>
}

export const NO_REDIS = 'there is no redis-server on PATH'
const START_TIMEOUT_MS = 10_000

/** Whether a Redis can be started here. */
export function isRedisOnPath(): boolean {
  return spawnSync('redis-server', ['--version'], { stdio: 'ignore' }).status === 0
}

/**
 * @param options.databases how many it has, numbered from 0 (default 16)
 * @throws an Error with what Redis said, when it does not start
 */
export async function startRedis({ databases = 16 }: { databases?: number } = {}): Promise<EmbeddedRedis> {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'rafiki-lab-redis-'))
  const port = await freePort()
  const redis = `redis-server --port ${port} --bind 127.0.0.1 --databases ${databases} --save '' --appendonly no`
  // The shell waits for the end of its input, which is the end of this process, and takes Redis along.
  const child = spawn(
    'sh',
    ['-c', `${redis} <&- & redis=$!; echo "pid $redis"; cat >&2; kill $redis; wait`],
    {
      cwd: directory,
      stdio: ['pipe', 'pipe', 'ignore']
    }
  )
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  let output = ''
  let pid = 0
  await new Promise<void>((resolve, reject) => {
    const refuse = () => reject(new Error(`redis-server did not start: ${output.trim()}`))
    const timer = setTimeout(refuse, START_TIMEOUT_MS)
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      pid = Number(/^pid (\d+)$/m.exec(output)?.[1] ?? 0)
      if (/Address already in use|Failed listening/.test(output)) refuse()
      if (!/Ready to accept connections/.test(output)) return
      clearTimeout(timer)
      resolve()
    })
    void ended.then(refuse)
  })
  return {
    url: `redis://127.0.0.1:${port}`,
    pid,
    async stop() {
      child.stdin.end()
      await ended
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
