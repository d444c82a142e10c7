import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { z } from 'zod'
import { PACKET_HISTORY_VERSION, packetHistoryToJson, parsePacketHistory } from './history.ts'
import type { FoundPacketViolation } from './explore.ts'
import type { PacketHistory } from './history.ts'

export const REGRESSIONS_DIRECTORY = path.resolve(import.meta.dirname, '../../fixtures/regressions')

/** A history that once violated something: the data, for a seed means nothing to another generator. */
export interface PacketRegression {
  kind: 'packets'
  version: number
  /** Of the code that it was found in. */
  commit: string
  found: { seed: number; property: string; message: string }
  history: PacketHistory
  /** Of what happens, in the code as it is now: checked where it is replayed. */
  hash: string
}

const regressionSchema = z.strictObject({
  kind: z.literal('packets'),
  version: z.int(),
  commit: z.string(),
  found: z.strictObject({ seed: z.int(), property: z.string(), message: z.string() }),
  history: z.unknown(),
  hash: z.string()
})

/** A file that is no regression of this version: one line that says why. */
export class RegressionFileError extends Error {
  override name = 'RegressionFileError'
}

/**
 * Reads a regression file of packets and ledgers.
 *
 * @throws RegressionFileError saying what is wrong with it
 */
export function readPacketRegression(file: string): PacketRegression {
  const refuse = (reason: string) => new RegressionFileError(`${path.basename(file)}: ${reason}`)
  let value: unknown
  try {
    value = JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    throw refuse((error as Error).message)
  }
  const parsed = regressionSchema.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw refuse(`${issue!.path.join('.') || 'the whole'}: ${issue!.message}`)
  }
  if (parsed.data.version !== PACKET_HISTORY_VERSION)
    throw refuse(`it is of version ${parsed.data.version}, and version ${PACKET_HISTORY_VERSION} is read`)
  try {
    return { ...parsed.data, history: parsePacketHistory(parsed.data.history) }
  } catch (error) {
    throw refuse((error as Error).message)
  }
}

/** The regression files of packets and ledgers. */
export function packetRegressionFiles(directory = REGRESSIONS_DIRECTORY): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory)
    .filter((name) => name.startsWith('packets-') && name.endsWith('.json'))
    .map((name) => path.join(directory, name))
}

/** Writes what was found as a regression file, and gives its path. */
export function writePacketRegression(
  { violation, history, run, seed }: FoundPacketViolation,
  directory = REGRESSIONS_DIRECTORY
): string {
  mkdirSync(directory, { recursive: true })
  const name = `packets-${violation.property.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${run.hash.slice(0, 8)}.json`
  const file = path.join(directory, name)
  const regression = {
    kind: 'packets',
    version: PACKET_HISTORY_VERSION,
    commit: currentCommit(),
    found: { seed, property: violation.property, message: violation.message },
    history: packetHistoryToJson(history),
    hash: run.hash
  }
  writeFileSync(file, `${JSON.stringify(regression, undefined, 2)}\n`)
  return file
}

function currentCommit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore']
    }).trim()
  } catch {
    return 'unknown' // a copy of the tree without its history
  }
}
