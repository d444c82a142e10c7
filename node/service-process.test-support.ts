import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** Compiled code is kept between starts, which halves the processor time of a start. */
const COMPILE_CACHE = path.join(import.meta.dirname, '../node_modules/.cache/node-compile')

/** A service as its operator runs it: a process of its own. */
export interface ServiceUnderTest {
  /** The first line that it logs with this event, also one of the past. */
  logged(event: string): Promise<Record<string, string>>
  kill(signal: NodeJS.Signals): void
  readonly ended: Promise<{
    code: number | null
    signal: NodeJS.Signals | null
    stdout: string
    stderr: string
  }>
}

export function runService(
  service: 'backend' | 'auth',
  environment: Record<string, string>,
  ...options: string[]
): ServiceUnderTest {
  const main = path.join(import.meta.dirname, service, 'main.ts')
  const child = spawn(process.execPath, [main, ...options], {
    env: { PATH: process.env.PATH, NODE_COMPILE_CACHE: COMPILE_CACHE, ...environment },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let stdout = ''
  let stderr = ''
  const records: Record<string, string>[] = []
  const waiting = new Set<() => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout += `${line}\n`
    if (!line.startsWith('{')) return
    records.push(JSON.parse(line) as Record<string, string>)
    for (const look of waiting) look()
  })
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
  const ended: ServiceUnderTest['ended'] = new Promise((resolve) =>
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  )
  return {
    ended,
    kill: (signal) => void child.kill(signal),
    logged: (event) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = records.find((record) => record.event === event)
          if (found === undefined) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
        void ended.then(({ stderr: words }) => reject(new Error(`ended before it logged ${event}: ${words}`)))
      })
  }
}

/** A request that the service has begun with and whose body is not finished: it runs until `finish` is called. */
export async function holdRequest(door: string, requestPath: string) {
  const at = door.lastIndexOf(':')
  const socket = connect(Number(door.slice(at + 1)), door.slice(0, at))
  let text = ''
  socket.on('data', (chunk) => (text += chunk.toString()))
  const closed = new Promise<string>((resolve) => {
    socket.on('error', (error) => (text += error.message))
    socket.once('close', () => resolve(text))
  })
  const body = '{"query":"{ __typename }"}'
  const begun = new Promise<void>((resolve) => socket.once('data', () => resolve()))
  const headers = [
    'Host: x',
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    'Expect: 100-continue'
  ]
  socket.write([`POST ${requestPath} HTTP/1.1`, ...headers, '', body.slice(0, 5)].join('\r\n'))
  await begun
  return { finish: () => void socket.write(body.slice(5)), closed }
}
