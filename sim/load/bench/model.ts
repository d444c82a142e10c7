import type { Runtime } from '../../../node/runtime/index.ts'

/** One option of a benchmark, beside `--seconds`, `--json` and `--help` which all have. */
export interface BenchmarkOption {
  type: 'string' | 'boolean'
  /** What the value is called in the help, for options of type `string`. */
  value?: string
  default?: string
  help: string
}

/**
 * A benchmark: what it measures, and beside it the limit it is compared with, in one run. To add one, write it in
 * a file of its own and put it into benchmarks.ts.
 */
export interface Benchmark {
  /** As typed: `npm run bench -- NAME`. */
  name: string
  /** One line for the help. */
  title: string
  options: Readonly<Record<string, BenchmarkOption>>
  /**
   * Time that the whole run may take, with what comes before and after the measurement. Default: the measured
   * seconds and `OVERHEAD_LIMIT_S`. At the limit the run ends as failed.
   */
  limitS?(context: Pick<BenchmarkContext, 'seconds' | 'options'>): number
  /**
   * Resolves when everything was measured and the audit was made. A rejection is a failed run (exit status 1);
   * `WrongUseError` is wrong use (2). What must be taken down is given to `context.defer`.
   */
  run(context: BenchmarkContext): Promise<BenchmarkResult>
}

export interface BenchmarkContext {
  /** Time to measure, warm-up not counted. */
  seconds: number
  /** The benchmark's own options as given, defaults filled in. */
  options: Readonly<Record<string, string | boolean | undefined>>
  runtime: Runtime
  /** Aborted when the run is interrupted or its limit has passed. */
  signal: AbortSignal
  /** What is going on: a line for a person, an object with `--json`. */
  step(name: string, detail: string): void
  /** How far it is, on the last line of a terminal. With `--json` or without a terminal: one line every 10 s. */
  progress(text: string): void
  /** Called at the end, in reverse order, however the run ends. */
  defer(takeDown: () => Promise<void> | void): void
}

export interface BenchmarkResult {
  /** What was measured: events of the benchmark's kind per second. */
  perSecond: number
  /** The limit it is compared with, measured in the same run. */
  limitPerSecond: number
  /** perSecond / limitPerSecond. */
  ratio: number
  p50Ms: number
  p99Ms: number
  /** Whether the books add up after the run; `problems` says what does not. */
  audit: { ok: boolean; problems?: readonly string[] }
  /** More figures of the benchmark, after these on the last line. */
  [more: string]: unknown
}

/** What was asked for makes no sense: told with the help, exit status 2. */
export class WrongUseError extends Error {
  override name = 'WrongUseError'
}

/** `--seconds` without a value. */
export const DEFAULT_SECONDS = 20
/** Longest measurement that can be asked for. */
export const MAX_SECONDS = 3_600
/** What a run may take beside its measurement: services up, warm-up, audit. */
export const OVERHEAD_LIMIT_S = 50
/** What taking down may take after that; beyond it the process ends as it is. */
export const TAKE_DOWN_LIMIT_S = 8
