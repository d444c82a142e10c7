import { parseArgs } from 'node:util'
import { describePacketHistory } from '../packets/describe.ts'
import { explorePackets } from '../packets/explore.ts'
import type { FoundPacketViolation, PacketExploration } from '../packets/explore.ts'
import { writePacketRegression } from '../packets/regression.ts'
import { EXPECTED_STATES } from '../packets/states.ts'
import { measureThroughput } from '../packets/throughput.ts'
import { createProgress } from '../reports/progress.ts'
import type { Progress } from '../reports/progress.ts'

const MAX_SEED = 2 ** 31 - 1
const MAX_RUNS = 10_000_000
const MAX_MINUTES = 100_000
const DEFAULT_RUNS = 1_000
const PROGRESS_INTERVAL_MS = 2_000
const SHOWN_EVENTS = 25
const THROUGHPUT_SECONDS = 10

export const EXPLORE_PACKETS_HELP = `npm run lab -- explore --packets [--runs N | --minutes N] [--seed N] [--max-found N] [--regressions DIR] [--json]

Searches histories of packets and ledgers alone (real connectors, the ledger in memory, BTP and HTTP in simulated time)
for one that violates what must hold, makes it small, prints it, and writes it as a regression file.

  --runs N            histories in all (default ${DEFAULT_RUNS})
  --minutes N         as many as fit into so many minutes instead
  --seed N            the first seed (default 1): each stands for 50 histories
  --max-found N       stop after so many violations (default 5)
  --regressions DIR   where regression files go (default fixtures/regressions)
  --throughput        measure how many packets a second go through connectors instead, for 10 s
  --json              one JSON object per line, the last {"event":"summary","ok":…}

Exit status: 0 nothing was found, 1 something was, 2 wrong use.
`

/** `lab explore --packets`. */
export async function explorePacketsCommand(args: string[]): Promise<number> {
  const progress = createProgress({ json: args.includes('--json') })
  if (args.includes('--help')) {
    process.stdout.write(EXPLORE_PACKETS_HELP)
    return 0
  }
  let options: ReturnType<typeof readOptions>
  try {
    options = readOptions(args)
  } catch (error) {
    const { message } = error as Error
    progress.error(message.split('\n')[0]!)
    progress.summary({ ok: false, error: message })
    return 2
  }
  return options.throughput ? showThroughput(progress) : explore(options, progress)
}

async function showThroughput(progress: Progress): Promise<number> {
  const throughput = await measureThroughput(THROUGHPUT_SECONDS)
  const { hops, wallMs, hopsPerSecond, hopsPerCpuSecond, ok } = throughput
  progress.say(
    `${hopsPerSecond} packet hops per second (${hopsPerCpuSecond} per second of processor time): ${hops} in ${(wallMs / 1_000).toFixed(1)} s, over BTP with the ledger in memory, in the virtual world in one process, every check on${ok ? '' : '; something that must hold does not'}`
  )
  progress.summary({ ...throughput })
  return ok ? 0 : 1
}

async function explore(
  { seed, runs, minutes, maxFound, directory }: ReturnType<typeof readOptions>,
  progress: Progress
): Promise<number> {
  const startMs = performance.now()
  const deadlineMs = minutes === undefined ? Infinity : startMs + minutes * 60_000
  let isInterrupted = false
  const interrupt = () => void (isInterrupted = true)
  process.once('SIGINT', interrupt)
  let shownMs = startMs
  const exploration = await explorePackets({
    seed,
    ...(runs !== undefined && { runs }),
    maxFound,
    isOver: () => isInterrupted || performance.now() >= deadlineMs,
    onProgress(soFar) {
      if (performance.now() - shownMs < PROGRESS_INTERVAL_MS) return
      shownMs = performance.now()
      progress.step('explored', lineOf(soFar, shownMs - startMs))
    }
  })
  process.off('SIGINT', interrupt)
  const wallMs = performance.now() - startMs
  for (const found of exploration.found) show(found, progress, directory)
  showDistribution(exploration, wallMs, progress)
  const { histories, moved, faulted, packets, posted, simulatedMs, states, found } = exploration
  const ok = found.length === 0
  progress.summary({
    ok,
    histories,
    movedShare: share(moved, histories),
    faultedShare: share(faulted, histories),
    packets,
    posted,
    simulatedHours: Number((simulatedMs / 3_600_000).toFixed(2)),
    wallMs: Math.round(wallMs),
    states: Object.fromEntries(states),
    neverReached: EXPECTED_STATES.filter((state) => !states.has(state)),
    found: found.map(({ violation, seed: at, histories: tried, sizes, shrinkRuns, history, run }) => ({
      ...violation,
      seed: at,
      histories: tried,
      actions: sizes.shrunk,
      shrinkRuns,
      simulatedMs: run.simulatedMs,
      reproducer: describePacketHistory(history)
    }))
  })
  return ok ? 0 : 1
}

function lineOf(
  { histories, moved, faulted, packets, simulatedMs, states, found }: PacketExploration,
  wallMs: number
): string {
  return `${histories} histories (${((histories * 1_000) / wallMs).toFixed(0)}/s), ${(simulatedMs / 3_600_000).toFixed(1)} h of the world's time, ${packets} packets at a node, ${percent(moved, histories)} move money, ${percent(faulted, histories)} meet a fault, ${states.size} states, ${found.length} violations`
}

function show(
  { violation, history, run, seed, sizes, shrinkRuns }: FoundPacketViolation,
  progress: Progress,
  directory: string | undefined
): void {
  const file = writePacketRegression(
    { violation, history, run, seed, sizes, shrinkRuns, histories: 0 },
    directory
  )
  progress.error(
    [
      `${violation.property} is violated: ${violation.message}`,
      `seed ${seed}, shrunk from ${sizes.found} to ${sizes.shrunk} actions and faults in ${shrinkRuns} runs:`,
      ...describePacketHistory(history).map((line) => `  ${line}`),
      ...run.events.slice(-SHOWN_EVENTS).map((line) => `  event ${line}`),
      `written to ${file}`
    ].join('\n')
  )
}

function showDistribution(exploration: PacketExploration, wallMs: number, progress: Progress): void {
  const { histories, states } = exploration
  for (const state of new Set<string>([...EXPECTED_STATES, ...states.keys()])) {
    const count = states.get(state) ?? 0
    progress.step('reached', `${count === 0 ? 'NEVER' : percent(count, histories).padStart(6)}  ${state}`)
  }
  progress.say(lineOf(exploration, wallMs))
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Number((part / whole).toFixed(4))
}

function percent(part: number, whole: number): string {
  return `${(share(part, whole) * 100).toFixed(1)} %`
}

function readOptions(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      packets: { type: 'boolean' },
      runs: { type: 'string' },
      minutes: { type: 'string' },
      seed: { type: 'string', default: '1' },
      'max-found': { type: 'string', default: '5' },
      regressions: { type: 'string' },
      throughput: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false }
    }
  })
  if (values.runs !== undefined && values.minutes !== undefined)
    throw new Error('--runs and --minutes exclude each other')
  const minutes =
    values.minutes === undefined ? undefined : numberIn('--minutes', values.minutes, 1, MAX_MINUTES)
  return {
    seed: numberIn('--seed', values.seed, 0, MAX_SEED),
    runs:
      minutes === undefined
        ? numberIn('--runs', values.runs ?? String(DEFAULT_RUNS), 1, MAX_RUNS)
        : undefined,
    minutes,
    maxFound: numberIn('--max-found', values['max-found'], 1, 1_000),
    directory: values.regressions,
    throughput: values.throughput
  }
}

function numberIn(option: string, text: string, low: number, high: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < low || value > high)
    throw new Error(`${option} needs a whole number from ${low} to ${high}, not "${text}"`)
  return value
}
