import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Clock, Random } from '../../../node/runtime/index.ts'
import { folderOnPath } from '../../services/on-path.ts'
import type { K6Call, K6Setting } from './k6-setting.ts'
import { createCounting } from './stage.ts'
import type { CountedStage, StageOptions } from './stage.ts'
import type { LoadReport } from './model.ts'
import type { WatchedProcess } from './processes.ts'

export const NO_K6 =
  'there is no k6 on the PATH: install it with "go install go.k6.io/k6@latest" or as https://grafana.com/docs/k6 tells, or leave --engine away: the built-in engine needs nothing'

/** The k6 on the PATH; undefined where there is none. */
export function findK6(): string | undefined {
  const folder = folderOnPath(['k6'])
  return folder && path.join(folder, 'k6')
}

/** A script, and what it calls. */
export interface K6Script {
  /** Path from the project's root. */
  script: string
  target: unknown
}

export type Thresholds = NonNullable<LoadReport['thresholds']>

export interface K6Runner {
  /** k6 as it is looked at: whichever process runs a stage. */
  process: WatchedProcess
  runStage(options: Omit<StageOptions, 'call'> & Pick<K6Setting<unknown>, 'bounds'>): Promise<K6Stage>
}

export interface K6Stage {
  stage: CountedStage
  thresholds: Thresholds
}

/** What k6 exits with where its thresholds were broken. */
const THRESHOLDS_BROKEN = 99
/** Of what k6 said, as much is told where it failed. */
const TOLD_LINES = 8

/** Runs the stages of a run with k6, one process each. */
export function createK6Runner(
  { clock, random }: { clock: Clock; random: Pick<Random, 'uuid'> },
  k6: string,
  { script, target }: K6Script
): K6Runner {
  let running: ChildProcess | undefined
  return {
    process: {
      name: 'k6',
      role: 'generator',
      // No process is 0: then there is nothing to look at.
      get pid() {
        return running?.exitCode === null ? (running.pid ?? 0) : 0
      }
    },
    async runStage(options) {
      const directory = mkdtempSync(path.join(tmpdir(), 'rafiki-lab-k6-'))
      try {
        const setting: K6Setting<unknown> = {
          stageId: random.uuid(),
          arrivals: options.arrivals,
          durationMs: options.durationMs,
          maxInFlight: options.maxInFlight,
          bounds: options.bounds,
          target
        }
        const settingFile = path.join(directory, 'load.json')
        const summaryFile = path.join(directory, 'summary.json')
        // It names the secrets of the node.
        writeFileSync(settingFile, JSON.stringify(setting), { mode: 0o600 })
        const counting = createCalls(options, clock)
        await runK6({
          k6,
          args: [
            'run',
            '--quiet',
            '--no-usage-report',
            '--log-format=raw',
            `--summary-export=${summaryFile}`,
            script
          ],
          environment: { PATH: process.env.PATH, HOME: process.env.HOME, LOAD: settingFile },
          signal: options.signal,
          onStarted: (child) => (running = child),
          onCall: counting.add
        })
        const summary = JSON.parse(readFileSync(summaryFile, 'utf8')) as Summary
        return {
          stage: counting.result(summary.metrics.dropped_iterations?.count ?? 0),
          thresholds: thresholdsOf(summary)
        }
      } finally {
        running = undefined
        rmSync(directory, { recursive: true, force: true })
      }
    }
  }
}

/** The calls of a stage as its script tells of them, counted as the built-in engine counts its own. */
function createCalls(options: Omit<StageOptions, 'call'>, clock: Pick<Clock, 'monotonicMs' | 'nowMs'>) {
  // k6 tells wall time.
  const wallToRunMs = clock.monotonicMs() - clock.nowMs()
  let startMs: number | undefined
  let endedMs = 0
  let lastMs = 0
  const begin = (fromMs: number) => {
    startMs = fromMs
    return createCounting({ ...options, clock: { monotonicMs: () => endedMs } }, fromMs)
  }
  let counting: ReturnType<typeof createCounting> | undefined
  return {
    add({ endMs, latencyMs, ok, outcome }: K6Call): void {
      endedMs = endMs + wallToRunMs
      lastMs = Math.max(lastMs, endedMs)
      const sinceMs = endedMs - latencyMs
      // k6 takes a while to start: the stage begins with its first call.
      counting ??= begin(sinceMs)
      counting.offer(sinceMs)
      counting.settle({ ok, name: outcome }, sinceMs)
    },
    result(dropped: number): CountedStage {
      counting ??= begin(clock.monotonicMs())
      // When they were due k6 does not tell: evenly.
      for (let count = 0; count < dropped; count++) {
        counting.offer(startMs! + (count * options.durationMs) / dropped)
        counting.drop()
      }
      return counting.stage(Math.max(0, lastMs - startMs!))
    }
  }
}

interface Summary {
  metrics: Record<string, { count?: number; thresholds?: Record<string, boolean> } | undefined>
}

/** In an exported summary a threshold is true where it was broken. */
function thresholdsOf({ metrics }: Summary): Thresholds {
  return Object.entries(metrics)
    .flatMap(([metric, value]) =>
      Object.entries(value?.thresholds ?? {}).map(([expression, isBroken]) => ({
        name: `${metric}: ${expression}`,
        ok: !isBroken
      }))
    )
    .sort((one, other) => one.name.localeCompare(other.name))
}

async function runK6({
  k6,
  args,
  environment,
  signal,
  onStarted,
  onCall
}: {
  k6: string
  args: string[]
  environment: NodeJS.ProcessEnv
  signal: AbortSignal | undefined
  onStarted(child: ChildProcess): void
  onCall(call: K6Call): void
}): Promise<void> {
  const child = spawn(k6, args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] })
  onStarted(child)
  // It ends its calls and says what they were; whoever asked is gone by then.
  const stop = () => void child.kill('SIGTERM')
  signal?.addEventListener('abort', stop, { once: true })
  const said: string[] = []
  const lines = createInterface({ input: child.stderr })
  lines.on('line', (line) => {
    const call = callOf(line)
    if (call) onCall(call)
    else said.push(line)
  })
  const ended = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, killedBy) => resolve(code ?? killedBy ?? 'unknown'))
  })
  const read = new Promise<void>((resolve) => lines.once('close', resolve))
  try {
    const how = await ended
    await read
    signal?.throwIfAborted()
    if (how === 0 || how === THRESHOLDS_BROKEN) return
    throw new Error(`k6 ended with ${how}:\n${said.filter(Boolean).slice(-TOLD_LINES).join('\n')}`)
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

const CALL_STARTS = '{"endMs":'

function callOf(line: string): K6Call | undefined {
  return line.startsWith(CALL_STARTS) ? (JSON.parse(line) as K6Call) : undefined
}
