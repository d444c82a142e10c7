// Runs searches in the tree that this file stands in, which may have a bug planted: its own process, so that the code
// that runs is that tree's. Tells on standard output, one JSON object per line.
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { startInterleaveServer } from '../worlds/interleave/server.ts'
import type { InterleaveServer } from '../worlds/interleave/server.ts'
import { createWorldPool, VirtualRunError } from '../worlds/virtual/index.ts'
import type { WorldPool } from '../worlds/virtual/index.ts'
import { createCatalogue } from '../scenarios/catalogue.ts'
import { actionsOf } from '../scenarios/run-scenario.ts'
import type { VirtualScenarioArgs, VirtualScenarioResult } from '../scenarios/virtual-entry.ts'
import { describePacketHistory } from '../packets/describe.ts'
import { searchName } from './model.ts'
import type { Finding, Search } from './model.ts'

/** What is to be searched: each seed in every search, then the next seed. */
export interface Hunt {
  searches: readonly Search[]
  firstSeed: number
  seeds: number
  /** Runs at once, each in a process that lives one world after the other. */
  jobs: number
}

/** One run. */
export type HuntLine =
  | { event: 'run'; search: string; seed: number; worldMs: number; finding?: Finding }
  | { event: 'problem'; search: string; message: string }

const ENTRY = path.resolve(import.meta.dirname, '../scenarios/virtual-entry.ts')
const WALL_LIMIT_MS = 120_000
/** Histories that are tried at most to make one of packets smaller. */
const MAX_SHRINK_RUNS = 300

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await hunt(JSON.parse(process.argv[2]!) as Hunt)
  // Histories of packets that were begun ahead of what was found are nobody's any more.
  process.exit()
}

/** Until something is found, or all seeds were tried. What several runs at once find is told as one after the other would. */
async function hunt({ searches, firstSeed, seeds, jobs }: Hunt): Promise<void> {
  const pool = createWorldPool({ jobs })
  const isInterleaved = searches.some((search) => 'scenario' in search && search.world === 'interleave')
  const server = isInterleaved ? await startInterleaveServer() : undefined
  const ahead: Promise<HuntLine>[] = []
  /** @returns whether it is over: what goes wrong by itself goes wrong with the next seed, too */
  const tellFirst = async () => {
    const line = (await ahead.shift())!
    process.stdout.write(`${JSON.stringify(line)}\n`)
    return line.event === 'problem' || line.finding !== undefined
  }
  try {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) {
      for (const search of searches) {
        ahead.push(run(search, seed, pool, server))
        if (ahead.length >= jobs && (await tellFirst())) return
      }
    }
    while (ahead.length > 0) if (await tellFirst()) return
  } finally {
    await pool.close()
    await server?.stop()
  }
}

async function run(
  search: Search,
  seed: number,
  pool: WorldPool,
  server: InterleaveServer | undefined
): Promise<HuntLine> {
  const name = searchName(search)
  try {
    if ('scenario' in search)
      return await runScenarioOnce(search, seed, pool, search.world === undefined ? undefined : server)
    return await searchPackets(seed)
  } catch (error) {
    return { event: 'problem', search: name, message: (error as Error).message.split('\n')[0]! }
  }
}

/** The histories of packets and ledgers alone that one seed stands for; what is found is made small. */
async function searchPackets(seed: number): Promise<HuntLine> {
  // Most searches are scenarios, whose worlds are processes of their own: a connector is loaded where one is needed.
  const { explorePackets, HISTORIES_PER_SEED } = await import('../packets/explore.ts')
  const { histories, simulatedMs, found } = await explorePackets({
    seed,
    runs: HISTORIES_PER_SEED,
    maxFound: 1,
    maxShrinkRuns: MAX_SHRINK_RUNS
  })
  const common = { event: 'run' as const, search: 'packets', seed, worldMs: Math.round(simulatedMs) }
  const [first] = found
  if (first === undefined) return common
  const { violation, history, sizes } = first
  const reproducer = describePacketHistory(history)
  const told = { ...violation, message: `${violation.message} (history ${first.histories} of ${histories})` }
  return {
    ...common,
    finding: { search: 'packets', seed, ...told, reproducer, actions: sizes.shrunk, worldMs: common.worldMs }
  }
}

async function runScenarioOnce(
  search: Extract<Search, { scenario: string }>,
  seed: number,
  pool: WorldPool,
  server: InterleaveServer | undefined
): Promise<HuntLine> {
  const args: VirtualScenarioArgs = {
    file: createCatalogue().file(search.scenario),
    ...(search.world && { world: search.world })
  }
  const name = searchName(search)
  const common = { event: 'run' as const, search: name, seed }
  try {
    const { result, simulatedMs } = await pool.run<VirtualScenarioResult>(ENTRY, args, {
      seed: String(seed),
      wallLimitMs: WALL_LIMIT_MS,
      ...(server && { server: server.address })
    })
    const worldMs = Math.round(simulatedMs)
    if (!result.violation) return { ...common, worldMs }
    const { property, message } = result.violation
    const reproducer = actionsOf(result.story)
    const found = { property, message, reproducer, actions: reproducer.length, worldMs }
    return { ...common, worldMs, finding: { search: name, seed, ...found } }
  } catch (error) {
    if (!(error instanceof VirtualRunError) || error.fault !== 'world') throw error
    // Nothing more could have happened: what must end does not.
    const message = error.message.split('\n')[0]!
    const found = { property: 'liveness', message, reproducer: [], actions: 0, worldMs: 0 }
    return { ...common, worldMs: 0, finding: { search: name, seed, ...found } }
  }
}
