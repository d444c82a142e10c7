import { parseArgs } from 'node:util'
import { createSystemRuntime } from '../../../node/runtime/index.ts'
import { createLiveLine } from '../../reports/live-line.ts'
import { createProgress } from '../../reports/progress.ts'
import { describeMachine } from './machine.ts'
import { DEFAULT_SECONDS, MAX_SECONDS, OVERHEAD_LIMIT_S, TAKE_DOWN_LIMIT_S, WrongUseError } from './model.ts'
import type { Benchmark, BenchmarkContext, BenchmarkOption, BenchmarkResult } from './model.ts'

/**
 * `npm run bench -- NAME …`: runs one benchmark and resolves to the exit status: 0 when it was measured and the
 * audit is clean, 1 when not, 2 for wrong use.
 */
export async function benchCommand(args: string[], benchmarks: readonly Benchmark[]): Promise<number> {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(help(benchmarks))
    return name === undefined ? 2 : 0
  }
  const benchmark = benchmarks.find((entry) => entry.name === name)
  if (!benchmark) {
    const names = benchmarks.map((entry) => entry.name).join(', ')
    process.stderr.write(`unknown benchmark "${name}"; there are: ${names}\n\n${help(benchmarks)}`)
    return 2
  }
  let given
  try {
    given = parseOptions(rest, benchmark)
  } catch (error) {
    return wrongUse(benchmark, rest.includes('--json'), (error as Error).message)
  }
  if (given.help) {
    process.stdout.write(helpOf(benchmark))
    return 0
  }
  return run(benchmark, given)
}

interface Given {
  help: boolean
  json: boolean
  seconds: number
  options: Record<string, string | boolean | undefined>
}

const COMMON: Record<string, BenchmarkOption> = {
  seconds: {
    type: 'string',
    value: 'N',
    default: String(DEFAULT_SECONDS),
    help: 'how long to measure, the limit for comparison included'
  },
  json: { type: 'boolean', help: 'one JSON object per line, the last {"event":"summary","bench":…}' },
  help: { type: 'boolean', help: 'this text' }
}

function parseOptions(args: string[], benchmark: Benchmark): Given {
  const all = { ...benchmark.options, ...COMMON }
  const { values } = parseArgs({
    args,
    options: Object.fromEntries(
      Object.entries(all).map(([name, option]) => [
        name,
        { type: option.type, ...(option.default !== undefined && { default: option.default }) }
      ])
    )
  })
  const { seconds, json, help: wantsHelp, ...options } = values as Record<string, string | boolean>
  return {
    help: wantsHelp === true,
    json: json === true,
    seconds: wholeNumber('--seconds', seconds as string, MAX_SECONDS),
    options
  }
}

/** A whole number from 1 on. @throws WrongUseError */
export function wholeNumber(name: string, text: string, max: number): number {
  const value = /^[0-9_]+$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  if (value >= 1 && value <= max) return value
  throw new WrongUseError(`${name} is "${text}"; a whole number from 1 to ${max} is needed`)
}

async function run(benchmark: Benchmark, { json, seconds, options }: Given): Promise<number> {
  const progress = createProgress({ json })
  const runtime = createSystemRuntime({
    name: `bench-${benchmark.name}`,
    logLevel: 'warn',
    writeLog: (line) => process.stderr.write(line)
  })
  const live = createLiveLine({ json, nowMs: runtime.clock.monotonicMs, step: progress.step })
  const abort = new AbortController()
  const takeDowns: (() => Promise<void> | void)[] = []
  const context: BenchmarkContext = {
    seconds,
    options,
    runtime,
    signal: abort.signal,
    step(name, detail) {
      live.clear()
      progress.step(name, detail)
    },
    progress: live.show,
    defer: (takeDown) => void takeDowns.push(takeDown)
  }

  const limitS = benchmark.limitS?.(context) ?? seconds + OVERHEAD_LIMIT_S
  const stopped = new Promise<never>((_, reject) => {
    const stop = (message: string) => {
      abort.abort(new Error(message))
      reject(abort.signal.reason as Error)
    }
    // Not a timer of the runtime: this one keeps the process alive.
    const limit = setTimeout(
      () => stop(`the benchmark did not end within its limit of ${limitS} s`),
      limitS * 1_000
    )
    takeDowns.push(() => clearTimeout(limit))
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      const onSignal = () => stop(`interrupted by ${signal}`)
      process.once(signal, onSignal)
      takeDowns.push(() => void process.off(signal, onSignal))
    }
  })

  let result: BenchmarkResult | undefined
  let failure: Error | undefined
  try {
    context.step('machine', describeMachine())
    result = await Promise.race([benchmark.run(context), stopped])
  } catch (error) {
    failure = error as Error
  }
  live.clear()
  const problems = await takeDown(takeDowns, runtime.clock)
  runtime.kill()
  for (const problem of problems) process.stderr.write(`${problem}\n`)

  if (failure instanceof WrongUseError) return wrongUse(benchmark, json, failure.message)
  if (failure || !result) {
    const error = failure?.message ?? 'no result'
    progress.error(`bench ${benchmark.name}: ${error}`)
    writeSummary(json, nothingMeasured(benchmark, error))
    return 1
  }
  const { perSecond, limitPerSecond, ratio, p50Ms, p99Ms, audit, ...more } = result
  for (const problem of audit.problems ?? []) progress.error(`audit: ${problem}`)
  writeSummary(json, {
    bench: benchmark.name,
    perSecond,
    limitPerSecond,
    ratio,
    p50Ms,
    p99Ms,
    audit,
    ...more,
    machine: describeMachine()
  })
  return audit.ok && problems.length === 0 ? 0 : 1
}

/** Takes down what the benchmark put up, the last first. Answers what could not be taken down. */
async function takeDown(
  takeDowns: (() => Promise<void> | void)[],
  clock: { setTimer(delayMs: number, callback: () => void): { cancel(): void } }
): Promise<string[]> {
  const problems: string[] = []
  const work = (async () => {
    for (const each of takeDowns.reverse()) {
      try {
        await each()
      } catch (error) {
        problems.push(`taking down failed: ${(error as Error).message}`)
      }
    }
  })()
  const late = Promise.withResolvers<void>()
  const timer = clock.setTimer(TAKE_DOWN_LIMIT_S * 1_000, () => {
    problems.push(`taking down did not end within ${TAKE_DOWN_LIMIT_S} s`)
    late.resolve()
  })
  await Promise.race([work, late.promise])
  timer.cancel()
  return problems
}

function writeSummary(json: boolean, record: Record<string, unknown>): void {
  if (json) {
    process.stdout.write(`${toLine({ event: 'summary', ...record })}\n`)
    return
  }
  process.stdout.write('\n')
  for (const [name, value] of Object.entries(record)) {
    const text = typeof value === 'object' && value !== null ? toLine(value) : String(value)
    process.stdout.write(`${name.padEnd(24)} ${text}\n`)
  }
}

/** JSON without bigint: what a benchmark reports is counted, never an amount. */
function toLine(value: unknown): string {
  return JSON.stringify(value)
}

function wrongUse(benchmark: Benchmark, json: boolean, message: string): number {
  process.stderr.write(`${message}\n\n${helpOf(benchmark)}`)
  writeSummary(json, nothingMeasured(benchmark, message))
  return 2
}

function nothingMeasured({ name }: Benchmark, problem: string): Record<string, unknown> {
  const none = { perSecond: null, limitPerSecond: null, ratio: null, p50Ms: null, p99Ms: null }
  return { bench: name, ...none, audit: { ok: false, problems: [problem] } }
}

function help(benchmarks: readonly Benchmark[]): string {
  const list = benchmarks.map(({ name, title }) => `  ${name.padEnd(20)} ${title}\n`).join('')
  return `npm run bench -- <benchmark> [--seconds N] [--json]

${list}
Each takes --help. What they measure and how: docs/performance.md. Exit status: 0 measured and the audit is clean,
1 not so, 2 wrong use.
`
}

function helpOf({ name, title, options }: Benchmark): string {
  const lines = Object.entries({ ...options, ...COMMON }).map(
    ([option, { value, default: preset, help }]) => {
      const left = `--${option}${value === undefined ? '' : ` ${value}`}`
      return `  ${left.padEnd(20)} ${help}${preset === undefined ? '' : ` (default ${preset})`}\n`
    }
  )
  return `npm run bench -- ${name} [options]\n\n${title}\n\n${lines.join('')}`
}
