import { readFileSync, readdirSync } from 'node:fs'
import type { Clock } from '../../../node/runtime/index.ts'
import { rounded } from '../bench/histogram.ts'
import type { EventLoopLook } from '../../worlds/local/observer.ts'
import type { ProcessRole, ProcessSample, ProcessSeries } from './model.ts'

/** A process that a run looks at, about once a second. */
export interface WatchedProcess {
  name: string
  role: ProcessRole
  node?: string
  pid: number
  /** Its children count with it: PostgreSQL has a process per connection. */
  family?: boolean
  /** What it tells of its own event loop, where it is ours. */
  observe?(): Promise<EventLoopLook>
}

export interface Watch {
  /** Looks that were taken so far. */
  readonly series: ProcessSeries[]
  stop(): Promise<ProcessSeries[]>
}

const LOOK_EVERY_MS = 1_000
/** The kernel counts in ticks of 10 ms, whatever its own (man 5 proc). */
const MS_PER_TICK = 10

/** Looks at processes until it is stopped. @throws where there is no /proc */
export function watchProcesses(
  clock: Pick<Clock, 'monotonicMs' | 'setTimer'>,
  processes: readonly WatchedProcess[],
  runStartMs: number
): Watch {
  const series = processes.map(({ name, role, node }): ProcessSeries => ({
    name,
    role,
    ...(node !== undefined && { node }),
    samples: []
  }))
  const before = processes.map((process) => readUsage(process))
  let lastMs = clock.monotonicMs()
  let timer: { cancel(): void } | undefined
  let looking: Promise<void> = Promise.resolve()
  let isStopped = false

  async function look(): Promise<void> {
    const nowMs = clock.monotonicMs()
    const spanMs = Math.max(1, nowMs - lastMs)
    lastMs = nowMs
    await Promise.all(
      processes.map(async (process, index) => {
        const usage = readUsage(process)
        const earlier = before[index]
        before[index] = usage
        if (usage === undefined || earlier === undefined) return
        const loop = await process.observe?.().catch(() => undefined) // it is ending: there is no more to tell
        const sample: ProcessSample = {
          atS: rounded((nowMs - runStartMs) / 1_000),
          cpuShare: rounded(Math.max(0, usage.cpuMs - earlier.cpuMs) / spanMs),
          residentBytes: usage.residentBytes,
          ...(usage.handles !== undefined && { handles: usage.handles }),
          ...(process.family && { busiestShare: busiestShare(earlier, usage, spanMs) }),
          ...(loop && {
            heapBytes: loop.heapBytes,
            eventLoopUtilisation: rounded(loop.utilisation),
            eventLoopDelayP99Ms: rounded(loop.delayP99Ms)
          })
        }
        series[index]!.samples.push(sample)
      })
    )
  }
  function again(): void {
    timer = clock.setTimer(LOOK_EVERY_MS, () => {
      looking = look().then(() => {
        if (!isStopped) again()
      })
    })
  }
  again()
  return {
    series,
    async stop() {
      isStopped = true
      timer?.cancel()
      await looking
      return series
    }
  }
}

interface Usage {
  cpuMs: number
  residentBytes: number
  handles: number | undefined
  /** Processor time of each process of the family. */
  each: ReadonlyMap<number, number>
}

/** Undefined when the process is gone. */
function readUsage({ pid, family }: WatchedProcess): Usage | undefined {
  const pids = family ? [pid, ...childrenOf(pid)] : [pid]
  const each = new Map<number, number>()
  let residentBytes = 0
  let handles: number | undefined
  for (const id of pids) {
    const stat = statOf(id)
    if (stat === undefined) continue
    each.set(id, stat.cpuMs)
    residentBytes += family ? privateBytesOf(id) : stat.residentBytes
    const open = handlesOf(id)
    if (open !== undefined) handles = (handles ?? 0) + open
  }
  if (each.size === 0) return undefined
  // What ended meanwhile is not in the sum any more: a share is never below zero.
  return { cpuMs: [...each.values()].reduce((a, b) => a + b, 0), residentBytes, handles, each }
}

function busiestShare(before: Usage, after: Usage, spanMs: number): number {
  let most = 0
  for (const [pid, cpuMs] of after.each) most = Math.max(most, cpuMs - (before.each.get(pid) ?? 0))
  return rounded(most / spanMs)
}

function childrenOf(pid: number): number[] {
  const text = readOrGone(`/proc/${pid}/task/${pid}/children`)
  return text === undefined ? [] : text.split(' ').filter(Boolean).map(Number)
}

const PAGE_BYTES = 4_096

/** /proc/PID/stat (man 5 proc): user and system time, resident pages. */
function statOf(pid: number): { cpuMs: number; residentBytes: number } | undefined {
  const text = readOrGone(`/proc/${pid}/stat`)
  if (text === undefined) return undefined
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    cpuMs: (Number(fields[11]) + Number(fields[12])) * MS_PER_TICK,
    residentBytes: Number(fields[21]) * PAGE_BYTES
  }
}

/** What is not shared with others: the pages of a family's common memory would count many times. */
function privateBytesOf(pid: number): number {
  const text = readOrGone(`/proc/${pid}/statm`)
  if (text === undefined) return 0
  const [, resident, shared] = text.split(' ').map(Number)
  return Math.max(0, resident! - shared!) * PAGE_BYTES
}

function handlesOf(pid: number): number | undefined {
  try {
    return readdirSync(`/proc/${pid}/fd`).length
  } catch (error) {
    // It is gone, or somebody else's: then nobody may count its files.
    if (['ENOENT', 'ESRCH', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

function readOrGone(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}
