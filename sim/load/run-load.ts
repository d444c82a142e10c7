import { execFileSync } from 'node:child_process'
import { createSystemRuntime } from '../../node/runtime/index.ts'
import { WrongUse } from '../commands/wrong-use.ts'
import { createLiveLine } from '../reports/live-line.ts'
import type { Progress } from '../reports/progress.ts'
import { describeMachine } from './bench/machine.ts'
import { findK6, NO_K6 } from './engine/k6.ts'
import type { LoadBounds, LoadReport } from './engine/model.ts'
import { runLoad, SEARCH_STAGES } from './engine/runner.ts'
import type { LoadOptions } from './options.ts'
import { hindranceOfK6, startWorkload } from './workloads/kinds.ts'
import type { LoadContext } from './workloads/model.ts'

/** What bringing up and taking down may take at most beside the stages. */
const OVERHEAD_LIMIT_MS = 240_000

/**
 * Brings up what is to be loaded, loads it, takes it down, however it ends.
 *
 * @throws WrongUse when k6 is asked for and is not here, or cannot make such calls; Error when it was interrupted, or a
 *   service failed
 */
export async function runLoadCommand(
  options: LoadOptions,
  command: string,
  progress: Pick<Progress, 'step'> & { json: boolean }
): Promise<LoadReport> {
  const k6 = options.engine === 'k6' ? findK6() : undefined
  if (options.engine === 'k6' && k6 === undefined) throw new WrongUse(NO_K6)
  const hindrance = hindranceOfK6(options)
  if (k6 !== undefined && hindrance !== undefined) throw new WrongUse(`k6 ${hindrance}: leave --engine away`)
  const runtime = createSystemRuntime({
    name: 'lab-load',
    logLevel: 'warn',
    writeLog: (line) => process.stderr.write(line)
  })
  const live = createLiveLine({ json: progress.json, nowMs: runtime.clock.monotonicMs, step: progress.step })
  const abort = new AbortController()
  const takeDowns: (() => Promise<void> | void)[] = []
  const context: LoadContext = {
    runtime,
    signal: abort.signal,
    step(name, detail) {
      live.clear()
      progress.step(name, detail)
    },
    defer: (takeDown) => void takeDowns.push(takeDown)
  }
  const interrupted = interruptions(abort, takeDowns, limitOf(options))
  const startedAt = new Date(runtime.clock.nowMs()).toISOString()
  try {
    context.step('machine', describeMachine())
    return await Promise.race([load(), interrupted])
  } finally {
    live.clear()
    for (const takeDown of takeDowns.reverse()) await takeDown()
    runtime.kill()
  }

  async function load(): Promise<LoadReport> {
    const workload = await startWorkload(context, options)
    const bounds: LoadBounds = { ...workload.bounds, ...options.bounds }
    const result = await runLoad(context, workload, {
      mode: options.mode,
      durationMs: options.durationMs,
      warmUpMs: options.warmUpMs,
      bounds,
      profile: options.profile,
      k6,
      boundsMustHold: Object.keys(options.bounds).length > 0,
      onSecond: live.show
    })
    return {
      version: 1,
      kind: options.kind,
      engine: options.engine,
      unit: workload.unit,
      command,
      startedAt,
      seed: options.seed,
      machine: describeMachine(),
      commit: commitOf(),
      versions: { ...workload.versions, ...(k6 !== undefined && { k6: versionOf(k6) }) },
      settings: workload.settings,
      topology: workload.topology,
      bounds,
      ...result
    }
  }
}

/** Rejects on Ctrl-C, and when the run takes much longer than it was asked to. */
function interruptions(abort: AbortController, takeDowns: (() => void)[], limitMs: number): Promise<never> {
  return new Promise((_, reject) => {
    const stop = (message: string) => {
      abort.abort(new Error(message))
      reject(abort.signal.reason as Error)
    }
    const limit = setTimeout(
      () => stop(`the run did not end within ${Math.round(limitMs / 1_000)} s`),
      limitMs
    )
    takeDowns.push(() => clearTimeout(limit))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const onSignal = () => stop(`interrupted by ${signal}`)
      process.once(signal, onSignal)
      takeDowns.push(() => void process.off(signal, onSignal))
    }
  })
}

function limitOf({ mode, durationMs }: LoadOptions): number {
  const searching = SEARCH_STAGES.bisection + SEARCH_STAGES.confirmation
  const stages = mode.kind === 'search' ? searching / 2 : mode.kind === 'closed' ? mode.callers.length : 1
  return durationMs * stages * 2 + OVERHEAD_LIMIT_MS
}

function versionOf(k6: string): string {
  return execFileSync(k6, ['version'], { encoding: 'utf8' }).trim().split(' ')[1] ?? 'unknown'
}

/** Undefined outside a checkout. */
function commitOf(): string | undefined {
  const git = (...args: string[]) =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  try {
    const isChanged = git('status', '--porcelain', '--untracked-files=no').trim() !== ''
    return git('rev-parse', '--short=12', 'HEAD').trim() + (isChanged ? '+' : '')
  } catch {
    // No git here, or no checkout: a report says so by leaving it out.
    return undefined
  }
}
