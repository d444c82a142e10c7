import { readFileSync, writeFileSync, mkdirSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { HistoryError } from './history.ts'
import type { HistoryRun } from './run-history.ts'

/** What kind of history a search runs: whole nodes, or packets alone. */
export interface HistoryKind<H> {
  /** As regression files name it. */
  readonly kind: string
  readonly version: number
  /** @throws HistoryError where the JSON is no such history */
  parse(json: unknown): H
  toJson(history: H): unknown
  /** For a person: its network, then each action and fault. */
  lines(history: H): string[]
  /** @param options.limitMs simulated time that it may take, instead of a week */
  run(history: H, options?: { limitMs?: number }): Promise<HistoryRun>
}

/** A kind as whoever replays sees it. */
export interface ReplayableKind {
  readonly kind: string
  readonly version: number
  /** @throws HistoryError where the JSON is no such history */
  open(json: unknown): { lines: string[]; run(): Promise<HistoryRun> }
}

export function replayable<H>(kind: HistoryKind<H>): ReplayableKind {
  return {
    kind: kind.kind,
    version: kind.version,
    open(json) {
      const history = kind.parse(json)
      return { lines: kind.lines(history), run: () => kind.run(history) }
    }
  }
}

/** A history that violated something once, with all that it takes to run it again. */
export interface Regression {
  kind: string
  version: number
  /** Of the code that violated it. */
  commit: string
  found: { seed: number; property: string; message: string }
  /** The history for a person. */
  lines?: string[]
  /** SHA-256 of the event log of that commit; null where the world broke. */
  hash: string | null
  history: unknown
}

const schema = z.strictObject({
  kind: z.string(),
  version: z.int(),
  commit: z.string(),
  found: z.strictObject({ seed: z.int(), property: z.string(), message: z.string() }),
  lines: z.array(z.string()).optional(),
  hash: z.string().nullable(),
  history: z.unknown()
})

const PROJECT = path.resolve(import.meta.dirname, '../..')

export const REGRESSIONS = path.join(PROJECT, 'fixtures/regressions')

/**
 * Reads a regression file of one of the kinds.
 *
 * @throws HistoryError in one line: which file, and what is wrong with it
 */
export function readRegression(
  file: string,
  kinds: readonly ReplayableKind[]
): { regression: Regression } & ReturnType<ReplayableKind['open']> {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw new HistoryError(`${file}: ${(error as Error).message}`)
  }
  const parsed = schema.safeParse(json)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new HistoryError(
      `${file}: ${issue!.path.join('.') || 'the whole'}: ${issue!.message}; a regression file is needed, as lab explore writes it`
    )
  }
  const regression = parsed.data as Regression
  const kind = kinds.find((one) => one.kind === regression.kind)
  if (!kind)
    throw new HistoryError(
      `${file}: unknown kind "${regression.kind}"; there are: ${kinds.map((one) => one.kind).join(', ')}`
    )
  if (regression.version !== kind.version)
    throw new HistoryError(
      `${file}: version ${regression.version} of kind "${kind.kind}"; this laboratory reads version ${kind.version}: check out commit ${regression.commit} to replay it`
    )
  try {
    return { regression, ...kind.open(regression.history) }
  } catch (error) {
    if (!(error instanceof HistoryError)) throw error
    throw new HistoryError(`${file}: ${error.message}`)
  }
}

/**
 * Stack traces of its message are told by paths within the project: a file is read on other machines.
 *
 * @returns the file that was written: `DIRECTORY/KIND-PROPERTY-seed-SEED.json`
 */
export function writeRegression(directory: string, regression: Regression): string {
  const { found } = regression
  const message = found.message.replaceAll(`file://${PROJECT}/`, '').replaceAll(`${PROJECT}/`, '')
  const property = found.property.toLowerCase().replace(/[^a-z0-9]+/g, '-')
  const file = path.join(directory, `${regression.kind}-${property}-seed-${found.seed}.json`)
  mkdirSync(directory, { recursive: true })
  writeFileSync(file, `${JSON.stringify({ ...regression, found: { ...found, message } }, null, 2)}\n`)
  return file
}
