import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { wholeNodes } from '../explore/kinds.ts'
import { REGRESSIONS, writeRegression } from '../explore/regression.ts'
import { missedGoals, search } from '../explore/search.ts'
import type { Found, SearchKind, SearchResult } from '../explore/search.ts'
import { createProgress } from '../reports/progress.ts'
import type { Progress } from '../reports/progress.ts'
import { withWorldPool } from '../worlds/virtual/index.ts'
import type { WorldPool } from '../worlds/virtual/index.ts'
import { explorePacketsCommand } from './explore-packets.ts'
import { numberIn, WrongUse } from './wrong-use.ts'

const MAX_SEED = 2 ** 32 - 1
const MAX_RUNS = 10_000_000
const MAX_MINUTES = 100_000
const MAX_JOBS = 64
const DEFAULT_SHRINK_RUNS = 150
/** Between two lines of progress. */
const PROGRESS_MS = 10_000
const STORY_LINES = 12

const HELP = `npm run lab -- explore [--runs N] [--minutes N] [--seed N] [--jobs N] [--json]

Makes up histories of whole nodes, one for each seed: a network, what its customers and operators do, what goes wrong.
Runs them in the virtual world and checks what must hold, until something does not: that history is made as small as it
will get, told, and written to fixtures/regressions. Without --runs and --minutes it searches until Ctrl-C.

  --packets        histories of packets and ledgers alone instead, many times faster: --packets --help says more
  --runs N         histories to run
  --minutes N      end after so many minutes
  --seed N         the first seed, 0 to ${MAX_SEED} (default 1)
  --jobs N         histories at once (default: one for each core)
  --shrink-runs N  runs that making a violation small may take (default ${DEFAULT_SHRINK_RUNS})
  --keep-going     go on after a violation; all are told in the end
  --out DIR        write regression files there (default fixtures/regressions)
  --json           one JSON object per line, the last {"event":"summary","ok":…,"runs":…,"states":…,"found":…}

Exit status: 0 nothing was violated, 1 something was, 2 wrong use.
`

interface Options {
  seed: number
  runs: number
  minutes: number | undefined
  jobs: number
  shrinkRuns: number
  keepGoing: boolean
  out: string
}

/** `lab explore`. @param pool where histories of whole nodes live, instead of one of its own */
export async function exploreCommand(args: string[], pool?: WorldPool): Promise<number> {
  if (args.includes('--packets')) return explorePacketsCommand(args)
  const progress = createProgress({ json: args.includes('--json') })
  try {
    if (args.includes('--help')) {
      process.stdout.write(HELP)
      return 0
    }
    const options = readOptions(args)
    return await withWorldPool({ pool, jobs: options.jobs }, ({ run }) =>
      explore(wholeNodes(run), options, progress)
    )
  } catch (error) {
    if (!(error instanceof WrongUse)) throw error
    progress.error(error.message)
    progress.summary({ ok: false, error: error.message })
    return 2
  }
}

/** Searches one kind of history and tells of it. @returns the exit status */
export async function explore<H>(kind: SearchKind<H>, options: Options, progress: Progress): Promise<number> {
  const startMs = performance.now()
  const endMs = options.minutes === undefined ? Infinity : startMs + options.minutes * 60_000
  let interrupted = false
  const interrupt = () => {
    if (interrupted) process.exit(130)
    interrupted = true
    progress.say('stopping: histories that run come to their end; Ctrl-C again ends at once')
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, interrupt)
  // The first history is told of at once: it says that the search is under way.
  let toldMs = -Infinity
  try {
    const result = await search(
      kind,
      { ...options, isOver: () => interrupted || performance.now() > endMs },
      {
        progress(soFar) {
          if (performance.now() - toldMs < PROGRESS_MS) return
          toldMs = performance.now()
          progress.step('explored', describeProgress(soFar, toldMs - startMs))
        },
        violated: (seed, violation) => progress.step('VIOLATED', `seed ${seed}: ${firstLine(violation)}`),
        found: () => undefined
      }
    )
    const files: string[] = []
    for (const found of result.found) files.push(await tell(kind, found, options.out, progress))
    return conclude(kind, result, files, performance.now() - startMs, progress)
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupt)
  }
}

/** The reproducer, for a person and as a file. */
async function tell<H>(
  kind: SearchKind<H>,
  { seed, violation, original, smallest, run, shrinkRuns, exhausted }: Found<H>,
  out: string,
  progress: Progress
): Promise<string> {
  const lines = kind.lines(smallest)
  const file = writeRegression(out, {
    kind: kind.kind,
    version: kind.version,
    commit: commitOfProject(),
    found: { seed, property: violation.property, message: (run.violation ?? violation).message },
    lines,
    hash: run.hash ?? null,
    history: kind.toJson(smallest)
  })
  const events = await kind.lastEvents(smallest)
  progress.error(
    [
      `${firstLine(run.violation ?? violation)}`,
      `seed ${seed}, shrunk from ${kind.sizeOf(original)} to ${kind.sizeOf(smallest)} actions and faults in ${shrinkRuns} runs${exhausted ? ' (no more were allowed)' : ''}:`,
      ...lines.map((line) => `  ${line}`),
      ...run.story.slice(-STORY_LINES).map((line) => `  story  ${line}`),
      ...events.map((line) => `  event  ${line}`),
      `again: npm run lab -- replay ${path.relative(process.cwd(), file)}`
    ].join('\n')
  )
  return file
}

function conclude<H>(
  kind: SearchKind<H>,
  result: SearchResult<H>,
  files: readonly string[],
  wallMs: number,
  progress: Progress
): number {
  const { runs, states, payments, worldMs, costMs, found } = result
  for (const [state, meaning] of Object.entries(kind.states)) {
    const count = states[state] ?? 0
    const share = runs === 0 ? '' : ` (${((100 * count) / runs).toFixed(1)} %)`
    progress.step('reached', count === 0 ? `NEVER: ${meaning}` : `${count} of ${runs}${share}: ${meaning}`)
  }
  const missed = missedGoals(kind, result)
  for (const goal of missed) progress.step('goal missed', goal)
  const ok = found.length === 0
  progress.say(`${ok ? 'nothing was violated' : 'violated'}: ${describeProgress(result, wallMs)}`)
  progress.summary({
    ok,
    runs,
    simulatedHours: Number((worldMs / 3_600_000).toFixed(3)),
    wallMs: Math.round(wallMs),
    costMs,
    payments,
    states,
    neverReached: Object.keys(kind.states).filter((state) => !states[state]),
    goalsMissed: missed,
    found: found.map(({ seed, violation, original, smallest, shrinkRuns }, index) => ({
      seed,
      ...violation,
      size: kind.sizeOf(original),
      shrunkTo: kind.sizeOf(smallest),
      shrinkRuns,
      lines: kind.lines(smallest),
      file: files[index]
    }))
  })
  return ok ? 0 : 1
}

function describeProgress<H>(
  { runs, states, payments, worldMs, found }: SearchResult<H>,
  wallMs: number
): string {
  const reached = Object.values(states).filter((count) => count > 0).length
  const paid = Object.values(payments).reduce((sum, count) => sum + count, 0)
  const rate = (runs / (wallMs / 60_000)).toFixed(1)
  return `${runs} histories (${rate} a minute), ${paid} payments, ${(worldMs / 3_600_000).toFixed(2)} h simulated, ${reached} of ${Object.keys(states).length} states, ${found.length} violations`
}

function firstLine({ property, message }: { property: string; message: string }): string {
  return `${property} is violated: ${message.split('\n')[0]}`
}

/** The commit that the code is of; "unknown" outside of a clone, with "+" where files were changed since. */
function commitOfProject(): string {
  const git = (...args: string[]) =>
    execFileSync('git', args, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore']
    }).trim()
  try {
    return (
      git('rev-parse', 'HEAD') + (git('status', '--porcelain', '--', ':/node', ':/sim') === '' ? '' : '+')
    )
  } catch {
    return 'unknown'
  }
}

function readOptions(args: string[]): Options {
  let values
  try {
    values = parseArgs({
      args,
      options: {
        runs: { type: 'string' },
        minutes: { type: 'string' },
        seed: { type: 'string', default: '1' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        'shrink-runs': { type: 'string', default: String(DEFAULT_SHRINK_RUNS) },
        'keep-going': { type: 'boolean', default: false },
        out: { type: 'string', default: REGRESSIONS },
        json: { type: 'boolean', default: false }
      }
    }).values
  } catch (error) {
    throw new WrongUse((error as Error).message)
  }
  const seed = numberIn('--seed', values.seed, 0, MAX_SEED)
  return {
    seed,
    runs: Math.min(
      values.runs === undefined ? MAX_RUNS : numberIn('--runs', values.runs, 1, MAX_RUNS),
      MAX_SEED - seed + 1
    ),
    minutes: values.minutes === undefined ? undefined : numberIn('--minutes', values.minutes, 1, MAX_MINUTES),
    jobs: numberIn('--jobs', values.jobs, 1, MAX_JOBS),
    shrinkRuns: numberIn('--shrink-runs', values['shrink-runs'], 0, MAX_RUNS),
    keepGoing: values['keep-going'],
    out: path.resolve(values.out)
  }
}
