import { availableParallelism } from 'node:os'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { createProgress, toJson } from '../reports/progress.ts'
import type { Progress } from '../reports/progress.ts'
import { mutatedFiles } from '../mutants/apply.ts'
import { MUTANTS } from '../mutants/catalogue.ts'
import { describeViolation, searchName, MutantError } from '../mutants/model.ts'
import type { Mutant, MutantResult, Search } from '../mutants/model.ts'
import { oraclesTable } from '../mutants/oracles-table.ts'
import { searchClean, searchMutants } from '../mutants/search.ts'

const DEFAULT_BUDGET_S = 120
const MAX_BUDGET_S = 86_400
const MAX_JOBS = 64
const MAX_SEED = 2 ** 32 - 1
const SEEDS = 1_000
const DOCUMENT = path.resolve(import.meta.dirname, '../../docs/oracles.md')

const HELP = `npm run lab -- mutants [NAME…] [--budget S] [--seed N] [--jobs N] [--clean] [--write-docs] [--json]

Proves that the oracles work: plants bugs, one at a time, in a copy of the tree, and runs the laboratory on it until
something that must hold does not.

  NAME          planted bugs; default: all. --list names them
  --list        names, and what each breaks
  --budget S    seconds for each planted bug, 1 to ${MAX_BUDGET_S} (default ${DEFAULT_BUDGET_S})
  --seed N      the first seed of every search, 0 to ${MAX_SEED - SEEDS} (default 1)
  --jobs N      worlds at once, 1 to ${MAX_JOBS} (default: one for each processor): of a planted bug each; of fewer
                bugs than that, several of one
  --clean       runs the searches on the tree as it is as well, over the seeds that the planted bugs took: it must
                show nothing
  --write-docs  writes the table in docs/oracles.md; with --clean
  --json        one JSON object per line, the last {"event":"summary","ok":…,"found":…}

Exit status: 0 all were found (and the tree as it is shows nothing), 1 one was not, 2 wrong use or one that cannot be planted.
`

class WrongUse extends Error {
  override name = 'WrongUse'
}

interface Options {
  mutants: Mutant[]
  budgetMs: number
  firstSeed: number
  jobs: number
  clean: boolean
  writeDocs: boolean
}

/** `lab mutants`. */
export async function mutantsCommand(args: string[]): Promise<number> {
  const json = args.includes('--json')
  const progress = createProgress({ json })
  try {
    if (args.includes('--help')) {
      process.stdout.write(HELP)
      return 0
    }
    if (args.includes('--list')) return list(progress, json)
    return await search(readOptions(args), progress)
  } catch (error) {
    if (!(error instanceof WrongUse || error instanceof MutantError)) throw error
    progress.error(error.message)
    progress.summary({ ok: false, error: error.message })
    return 2
  }
}

async function search(options: Options, progress: Progress): Promise<number> {
  const { mutants, budgetMs, firstSeed, jobs } = options
  // One that cannot be planted is told before hours are spent on the others.
  for (const mutant of mutants) mutatedFiles(mutant)
  const results = await searchMutants(mutants, {
    ...{ budgetMs, firstSeed, jobs, seeds: SEEDS },
    onResult: (result) => show(result, progress)
  })
  const found = results.filter((result) => result.found)
  const clean = options.clean || options.writeDocs ? await runClean(mutants, results, options) : undefined
  const notClean = clean?.filter((result) => result.found ?? result.problem) ?? []
  for (const result of notClean) show(result, progress)
  if (clean) progress.step('clean', `${runsOf(clean)} runs of the tree as it is: ${notClean.length} violated`)
  if (options.writeDocs) {
    const runs = { count: runsOf(clean!), violated: notClean.map(({ name }) => name) }
    writeFileSync(DOCUMENT, await oraclesTable(DOCUMENT, mutants, results, runs))
  }
  const ok = found.length === mutants.length && notClean.length === 0
  progress.say(`${found.length} of ${mutants.length} planted bugs were found`)
  progress.summary({
    ok,
    mutants: mutants.length,
    found: found.length,
    notFound: results.filter((result) => !result.found).map(({ name }) => name),
    longestReproducer: Math.max(0, ...found.map((result) => result.found!.actions)),
    ...(clean && { clean: { runs: runsOf(clean), violated: notClean } })
  })
  return ok ? 0 : 1
}

/** Every search that found something, over as many seeds as it took there: the tree as it is must show nothing. */
async function runClean(
  mutants: readonly Mutant[],
  results: readonly MutantResult[],
  { firstSeed, budgetMs, jobs }: Options
): Promise<MutantResult[]> {
  const findings = results.flatMap(({ found }) => found ?? [])
  const searches = new Map<string, Search>()
  for (const one of mutants.flatMap((mutant) => mutant.searches)) searches.set(searchName(one), one)
  const clean = [...new Set(findings.map(({ search: name }) => name))].map((name) => ({
    search: searches.get(name)!,
    seeds: Math.max(...findings.map((one) => (one.search === name ? one.seed - firstSeed + 1 : 0)))
  }))
  return searchClean(clean, { budgetMs, firstSeed, jobs })
}

function runsOf(results: readonly MutantResult[]): number {
  return results.reduce((sum, { runs }) => sum + runs, 0)
}

function show(result: MutantResult, progress: Progress): void {
  const { name, found, isExpected, runs, worldMs, wallMs, problem } = result
  const cost = `${runs} runs, ${(worldMs / 1_000).toFixed(1)} s of the world's time in ${(wallMs / 1_000).toFixed(1)} s`
  if (found) {
    const surprise = isExpected ? '' : ', which was not expected'
    progress.step(name, `FOUND by ${found.search} seed ${found.seed} in ${cost}${surprise}`)
    progress.say(`            ${describeViolation(found).slice(0, 200)}`)
    for (const line of found.reproducer) progress.say(`              ${line}`)
  } else {
    progress.step(name, `NOT FOUND in ${cost}${problem ? `; ${problem}` : ''}`)
  }
}

function list(progress: Progress, json: boolean): number {
  for (const { name, breaks, searches, expects } of MUTANTS) {
    if (json) process.stdout.write(`${toJson({ event: 'mutant', name, breaks, expects, searches })}\n`)
    else progress.say(`${name.padEnd(36)} ${breaks}`)
  }
  progress.summary({ ok: true, mutants: MUTANTS.length })
  return 0
}

function readOptions(args: string[]): Options {
  let parsed
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: {
        budget: { type: 'string', default: String(DEFAULT_BUDGET_S) },
        seed: { type: 'string', default: '1' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        clean: { type: 'boolean', default: false },
        'write-docs': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false }
      }
    })
  } catch (error) {
    throw new WrongUse((error as Error).message)
  }
  const { values, positionals } = parsed
  const unknown = positionals.find((name) => !MUTANTS.some((mutant) => mutant.name === name))
  if (unknown !== undefined)
    throw new WrongUse(`unknown planted bug "${unknown}"; lab mutants --list names them`)
  if (values['write-docs'] && positionals.length > 0)
    throw new WrongUse('--write-docs writes the whole table: name no planted bugs with it')
  return {
    mutants: MUTANTS.filter(({ name }) => positionals.length === 0 || positionals.includes(name)),
    budgetMs: numberIn('--budget', values.budget, 1, MAX_BUDGET_S) * 1_000,
    firstSeed: numberIn('--seed', values.seed, 0, MAX_SEED - SEEDS),
    jobs: numberIn('--jobs', values.jobs, 1, MAX_JOBS),
    clean: values.clean,
    writeDocs: values['write-docs']
  }
}

function numberIn(option: string, text: string, low: number, high: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < low || value > high)
    throw new WrongUse(`${option} needs a whole number from ${low} to ${high}, not "${text}"`)
  return value
}
