import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { RUN_MARKER } from './run-directory.ts'
import type { RunDirectory } from './run-directory.ts'
import type { Answered, Asked } from './follow-parent.ts'
import type { Answers, Footprint, Question } from './observer.ts'

const ROOT = path.resolve(import.meta.dirname, '../../..')
/**
 * As `npm run backend` and `npm run auth` start them. A small young generation costs auth no measurable speed; a
 * backend that carries thousands of packets per second clears twice this one half as often.
 */
const BACKEND_FLAGS = ['--max-semi-space-size=16']
const OTHER_FLAGS = ['--max-semi-space-size=8']
/** Compiled code is kept between starts, which halves the processor time of a start. */
const COMPILE_CACHE = path.join(ROOT, 'node_modules/.cache/node-compile')
const START_TIMEOUT_MS = 60_000
const KEPT_LINES = 20

/** A service that did not start or ended by itself, with the last lines it wrote. */
export class ServiceError extends Error {
  override name = 'ServiceError'
}

export interface ServiceProcess {
  readonly name: string
  readonly pid: number
  /**
   * Resolves when it says that it is up.
   *
   * @throws ServiceError with the last lines that it wrote, when it ends before, or takes too long
   */
  readonly started: Promise<void>
  /** Resolves with what it says of its end, once it ended for whatever reason. */
  readonly ended: Promise<string>
  /** Every line it logs, as JSON where it is JSON. */
  onLog(listener: (record: Record<string, unknown>) => void): () => void
  /** Its memory after a forced collection, and the processor time that it used so far. */
  measure(): Promise<Footprint>
  /** What its process tells of itself (observer.ts). @throws Error when it ends before it answers */
  ask<Name extends Question>(question: Name): Promise<Answers[Name]>
  /** Ends it and resolves when it is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL', graceMs?: number): Promise<void>
}

/** Starts a service of the node as its operator would, in a process of its own. */
export function startServiceProcess(
  run: RunDirectory,
  { name, entry, environment }: { name: string; entry: string; environment: Record<string, string> }
): ServiceProcess {
  const child = spawn(
    process.execPath,
    [
      ...(entry.startsWith('node/backend/') ? BACKEND_FLAGS : OTHER_FLAGS),
      '--import',
      path.join(import.meta.dirname, 'follow-parent.ts'),
      path.join(ROOT, entry)
    ],
    {
      cwd: ROOT,
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NODE_OPTIONS: process.env.NODE_OPTIONS ?? '',
        NODE_COMPILE_CACHE: COMPILE_CACHE,
        ...environment,
        [RUN_MARKER]: run.id
      },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc']
    }
  )
  const log = createWriteStream(run.file(`${name}.log`), { flags: 'a' })
  const lastLines: string[] = []
  const listeners = new Set<(record: Record<string, unknown>) => void>()
  let sayStarted!: () => void
  const whenStarted = new Promise<void>((resolve) => (sayStarted = resolve))

  for (const stream of [child.stdout!, child.stderr!]) {
    createInterface({ input: stream }).on('line', (line) => {
      log.write(`${line}\n`)
      lastLines.push(line)
      if (lastLines.length > KEPT_LINES) lastLines.shift()
      const record = asRecord(line)
      if (record?.event === 'started') sayStarted()
      if (record) for (const listener of listeners) listener(record)
    })
  }

  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(`${name} could not be started: ${error.message}`))
    child.once('close', (code, signal) => {
      log.end()
      resolve(`${name} ended (${signal ?? `exit status ${code}`})${describe(lastLines)}`)
    })
  })

  const timeout = AbortSignal.timeout(START_TIMEOUT_MS)
  const started = Promise.race([
    whenStarted,
    ended.then((how) => {
      throw new ServiceError(how)
    }),
    new Promise<never>((_, reject) =>
      timeout.addEventListener('abort', () =>
        reject(new ServiceError(`${name} did not start within ${START_TIMEOUT_MS} ms${describe(lastLines)}`))
      )
    )
  ])

  const ask = questionsTo(child, name)
  return {
    name,
    pid: child.pid!,
    started,
    ended,
    onLog(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    measure: () => ask('measure'),
    ask,
    end: (signal, graceMs = 15_000) => endChild(child, ended, signal, graceMs)
  }
}

/** Questions to a process by its channel; each answer finds its own. */
function questionsTo(child: ChildProcess, name: string): ServiceProcess['ask'] {
  const waiting = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>()
  let lastId = 0
  child.on('message', ({ id, answer, error }: Answered) => {
    const asked = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) asked?.resolve(answer)
    else asked?.reject(new Error(`${name} does not answer: ${error}`))
  })
  child.once('disconnect', () => {
    for (const { reject } of waiting.values()) reject(new Error(`${name} ended before it answered`))
    waiting.clear()
  })
  return <Name extends Question>(question: Name) =>
    new Promise<Answers[Name]>((resolve, reject) => {
      const asked: Asked = { id: ++lastId, question }
      waiting.set(asked.id, { resolve: (answer) => resolve(answer as Answers[Name]), reject })
      child.send(asked, (error) => {
        if (!error) return
        waiting.delete(asked.id)
        reject(error)
      })
    })
}

async function endChild(
  child: ChildProcess,
  ended: Promise<string>,
  signal: NodeJS.Signals,
  graceMs: number
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  const kill = setTimeout(() => child.kill('SIGKILL'), graceMs)
  await ended
  clearTimeout(kill)
}

function asRecord(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Record<string, unknown>
  } catch {
    return undefined // a line that merely looks like JSON is kept as text
  }
}

/** The lines that explain an end: those of errors, or the last ones. */
function describe(lines: readonly string[]): string {
  const telling = lines.filter((line) => !line.startsWith('{') || /"level":(50|60)/.test(line))
  const shown = (telling.length > 0 ? telling : lines).slice(-8)
  return shown.length === 0 ? '' : `:\n${shown.map((line) => `  ${line.slice(0, 600)}`).join('\n')}`
}
