import os from 'node:os'
import type { Clock } from '../../../node/runtime/index.ts'
import type { LoadContext, Workload } from '../workloads/model.ts'
import { describeOutcomes } from '../workloads/reconcile.ts'
import { describeArrivals } from './arrivals.ts'
import type { Arrivals, LoadBounds, LoadReport, SecondOfStage, StageRecord, StepProfile } from './model.ts'
import { createK6Runner } from './k6.ts'
import type { Thresholds } from './k6.ts'
import { watchProcesses } from './processes.ts'
import type { Watch } from './processes.ts'
import { profileByStep } from './profile.ts'
import { saturationOf } from './saturation.ts'
import { brokenBounds, searchLimit } from './search.ts'
import { slopesOf, SOAK_FROM_MS } from './soak.ts'
import type { Point } from './slopes.ts'
import { runStage } from './stage.ts'
import type { CountedStage, StageOptions } from './stage.ts'

/** How a run offers its calls. */
export type LoadMode =
  /** As many per second; undefined: 70 % of what a probe carries. */
  | { kind: 'rate'; perSecond: number | undefined }
  | { kind: 'ramp'; fromPerSecond: number; toPerSecond: number }
  /** So many at once, each after its last; several numbers: one stage after the other. */
  | { kind: 'closed'; callers: readonly number[] }
  /** Looks for the highest rate that holds the bounds. */
  | { kind: 'search' }

export interface RunOptions {
  mode: LoadMode
  /** Of each stage that counts. */
  durationMs: number
  /** Undefined: the workload's own. */
  warmUpMs: number | undefined
  bounds: LoadBounds
  profile: boolean
  /** A break of the bounds fails the run, where they were asked for. */
  boundsMustHold: boolean
  /** Path of the k6 that makes the calls; undefined: the built-in engine. */
  k6: string | undefined
  onSecond?(text: string): void
}

/** What the engine adds to a report; who started the run adds the rest. */
export type EngineResult = Pick<
  LoadReport,
  | 'mode'
  | 'stages'
  | 'processes'
  | 'limit'
  | 'senders'
  | 'thresholds'
  | 'slopes'
  | 'profiles'
  | 'reconciliation'
  | 'ok'
  | 'problems'
>

const PROBE_MS = 5_000
/** Of a probe: what a run without a rate offers. */
export const PART_OF_PROBE = 0.7
/** With stages of ten seconds it ends within four minutes. */
export const SEARCH_STAGES = { bisection: 7, confirmation: 12 }
const DATABASE_LOOK_EVERY_MS = 10_000

/**
 * A whole run over a workload that is up:
 *
 *   warm-up ──▶ probe (rate unknown, or search) ──▶ one stage, or the stages of a search ──▶ reconciliation
 */
export async function runLoad(
  context: LoadContext,
  workload: Workload,
  options: RunOptions
): Promise<EngineResult> {
  const { clock } = context.runtime
  const runStartMs = clock.monotonicMs()
  const k6 = options.k6 === undefined ? undefined : createK6Runner(context.runtime, options.k6, workload.k6!)
  const watch = watchProcesses(clock, [...workload.processes, ...(k6 ? [k6.process] : [])], runStartMs)
  const databases = watchDatabases(clock, workload, runStartMs)
  const stages: StageRecord[] = []
  let thresholds: Thresholds | undefined
  const drive: Drive = k6
    ? async (stageOptions) => {
        const ended = await k6.runStage({ ...stageOptions, bounds: options.bounds })
        thresholds = ended.thresholds
        return ended.stage
      }
    : (workload.drive ?? ((stageOptions) => runStage({ ...stageOptions, call: workload.call! })))
  const stage = createStages(context, workload, { options, drive, watch, runStartMs, stages })
  const broken = workload.failure.then((how) => {
    throw new Error(how)
  })
  let profiles: StepProfile[] | undefined
  let limit: LoadReport['limit']
  const running = (async () => {
    const warmUp = { kind: 'closed', callers: workload.probeCallers } as const
    const { completed, outcomes } = await stage(
      'warm-up',
      warmUp,
      options.warmUpMs ?? workload.warmUpMs,
      false
    )
    if (completed === 0) throw new Error(`no call was completed in the warm-up: ${mostOf(outcomes)}`)
    const profiling = options.profile ? await startProfiles(workload) : undefined
    const profiledFrom = stages.length
    limit = await runMode(options, workload, stage)
    if (profiling) {
      const calls = stages.slice(profiledFrom).reduce((sum, { completed }) => sum + completed, 0)
      profiles = await profiling(calls)
    }
  })()
  await Promise.race([running, broken])
  context.signal.throwIfAborted()
  const processes = await watch.stop()
  const databaseBytes = await databases.stop()
  context.step('reconciling', 'once nothing is under way')
  const reconciliation = await workload.reconcile(outcomesOf(stages))
  const last = stages.at(-1)!
  const senders = workload.sendersOf?.(stages)
  const soaked = options.mode.kind !== 'search' && last.elapsedMs >= SOAK_FROM_MS
  const problems = [
    ...reconciliation.problems,
    ...(options.mode.kind === 'search' ? [] : (thresholds ?? []))
      .filter(({ ok }) => !ok)
      .map(({ name }) => `threshold broken: ${name}`),
    ...(options.boundsMustHold && options.mode.kind !== 'search'
      ? stages.flatMap(({ broke = [] }) => broke.map((what) => `bound broken: ${what}`))
      : []),
    ...(options.mode.kind === 'search' && limit === undefined ? ['no rate held the bounds'] : [])
  ]
  return {
    mode: options.mode.kind,
    stages,
    processes,
    ...(limit && { limit }),
    ...(senders && { senders }),
    ...(thresholds && { thresholds }),
    ...(soaked && { slopes: slopesOf(last, processes, databaseBytes) }),
    ...(profiles && { profiles }),
    reconciliation,
    ok: reconciliation.ok && problems.length === 0,
    problems
  }
}

/** Makes the calls of a stage and counts them. */
type Drive = (options: Omit<StageOptions, 'call'>) => Promise<CountedStage>

/** How calls of all stages ended. What was dropped was never made. */
function outcomesOf(stages: readonly StageRecord[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const { outcomes } of stages) {
    const { dropped: _, ...made } = outcomes
    for (const [name, count] of Object.entries(made)) sums[name] = (sums[name] ?? 0) + count
  }
  return sums
}

/** The most frequent outcomes in words. */
function mostOf(outcomes: Readonly<Record<string, number>>): string {
  const most = Object.entries(outcomes).sort(([, one], [, other]) => other - one)
  return describeOutcomes(Object.fromEntries(most.slice(0, 3)))
}

type RunOneStage = (
  name: string,
  arrivals: Arrivals,
  durationMs: number,
  counts: boolean
) => Promise<StageRecord>

async function runMode(
  { mode, durationMs }: RunOptions,
  { probeCallers }: Workload,
  stage: RunOneStage
): Promise<LoadReport['limit']> {
  const probe = async () => {
    const { completedPerSecond } = await stage(
      'probe',
      { kind: 'closed', callers: probeCallers },
      PROBE_MS,
      false
    )
    if (completedPerSecond === 0) throw new Error('nothing was completed while the load was probed')
    return completedPerSecond
  }
  switch (mode.kind) {
    case 'closed':
      for (const callers of mode.callers) {
        await stage(`${callers} at once`, { kind: 'closed', callers }, durationMs, true)
      }
      return undefined
    case 'ramp':
      await stage('ramp', mode, durationMs, true)
      return undefined
    case 'rate': {
      const perSecond = mode.perSecond ?? (await probe()) * PART_OF_PROBE
      await stage('rate', { kind: 'rate', perSecond }, durationMs, true)
      return undefined
    }
    case 'search': {
      const at = new Map<number, StageRecord>()
      const count: StageRecord[] = []
      const { held, broke } = await searchLimit({
        probedPerSecond: await probe(),
        stages: SEARCH_STAGES,
        async attempt(perSecond, name) {
          const record = await stage(name, { kind: 'rate', perSecond }, durationMs, true)
          count.push(record)
          at.set(perSecond, record)
          return record.broke ?? []
        }
      })
      if (held === undefined) return undefined
      const record = at.get(held)!
      // What stopped the next rate is what saturated; where it was nothing, the held one's.
      const next = broke === undefined ? undefined : at.get(broke)
      return {
        perSecond: record.completedPerSecond,
        // After the warm-up and the probe.
        stage: count.indexOf(record) + 2,
        saturatedBy: next?.saturation.by ?? record.saturation.by ?? busiest(next ?? record)
      }
    }
  }
}

/** Where nothing was full: the busiest, which latency broke on. */
function busiest({ saturation }: StageRecord): string | undefined {
  const [first] = saturation.busiest
  return first && `${first.what} (busiest, ${Math.round(first.share * 100)} %)`
}

function createStages(
  { runtime: { clock }, signal, step }: LoadContext,
  workload: Workload,
  {
    options,
    drive,
    watch,
    runStartMs,
    stages
  }: { options: RunOptions; drive: Drive; watch: Watch; runStartMs: number; stages: StageRecord[] }
): RunOneStage {
  return async (name, arrivals, durationMs, counts) => {
    signal.throwIfAborted()
    const counted = await drive({
      clock,
      name,
      arrivals,
      durationMs,
      runStartMs,
      maxInFlight: workload.maxInFlight,
      counts,
      signal,
      onSecond: (second) => options.onSecond?.(describeSecond(name, second, durationMs))
    })
    const fromS = counted.startedAtS
    const saturation = saturationOf(watch.series, {
      fromS,
      toS: fromS + Math.min(counted.elapsedMs, durationMs) / 1_000,
      processors: os.availableParallelism()
    })
    const record: StageRecord = {
      ...counted,
      saturation,
      ...(counts && { broke: brokenBounds(counted, options.bounds) })
    }
    stages.push(record)
    step(name, describeStage(record, workload.unit))
    return record
  }
}

function describeSecond(
  name: string,
  { atS, completed, failed, p99Ms }: SecondOfStage,
  durationMs: number
): string {
  const wrong = failed > 0 ? `, ${failed} failed` : ''
  return `${name}: ${atS + 1} of ${Math.round(durationMs / 1_000)} s, ${completed}/s, p99 ${p99Ms} ms${wrong}`
}

function describeStage(
  { arrivals, completedPerSecond, latency, failed, dropped, broke, saturation }: StageRecord,
  unit: string
): string {
  const carried = `${Math.round(completedPerSecond * 10) / 10} ${unit}/s (${describeArrivals(arrivals)})`
  const wrong = failed + dropped > 0 ? `, ${failed} failed, ${dropped} dropped` : ''
  const verdict = broke === undefined ? '' : broke.length === 0 ? '; held' : `; broke: ${broke.join('; ')}`
  const full = saturation.by === undefined ? '' : `; saturated: ${saturation.by}`
  return `${carried}, p50 ${latency.p50Ms} ms, p99 ${latency.p99Ms} ms${wrong}${verdict}${full}`
}

/** Profiles of all processes that can be; gives how to end them, over so many calls. */
async function startProfiles({ profiled }: Workload): Promise<(calls: number) => Promise<StepProfile[]>> {
  await Promise.all(profiled.map(({ ask }) => ask('startProfile')))
  return (calls) =>
    Promise.all(profiled.map(async ({ name, ask }) => profileByStep(name, await ask('stopProfile'), calls)))
}

/** The size of the databases, now and then; nothing where they are not ours to ask. */
function watchDatabases(
  clock: Pick<Clock, 'monotonicMs' | 'setTimer'>,
  { databaseBytes }: Workload,
  runStartMs: number
) {
  const points: Point[] = []
  let timer: { cancel(): void } | undefined
  let looking: Promise<void> = Promise.resolve()
  let failure: Error | undefined
  let isStopped = false
  const again = () => {
    timer = clock.setTimer(DATABASE_LOOK_EVERY_MS, () => {
      looking = databaseBytes!().then(
        (value) => {
          points.push({ atS: (clock.monotonicMs() - runStartMs) / 1_000, value })
          if (!isStopped) again()
        },
        (error: Error) => void (failure = error)
      )
    })
  }
  if (databaseBytes) again()
  return {
    async stop(): Promise<Point[]> {
      isStopped = true
      timer?.cancel()
      await looking
      if (failure) throw failure
      return points
    }
  }
}
