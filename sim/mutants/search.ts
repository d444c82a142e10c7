import { spawn } from 'node:child_process'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { createCopy } from './apply.ts'
import type { PlantedCopy } from './apply.ts'
import type { Hunt, HuntLine } from './hunt.ts'
import type { Mutant, MutantResult, Search } from './model.ts'
import { searchName } from './model.ts'

export interface SearchOptions {
  /** Time on the wall that is given to each planted bug. */
  budgetMs: number
  firstSeed: number
  seeds: number
  /** Planted bugs that are looked for at a time, each in a copy of its own. */
  jobs: number
  onResult(result: MutantResult): void
}

/**
 * Looks for planted bugs, each until it is found or its time is over.
 *
 * @throws MutantError for one that cannot be planted
 */
export async function searchMutants(
  mutants: readonly Mutant[],
  options: SearchOptions
): Promise<MutantResult[]> {
  const waiting = [...mutants.entries()]
  const results: MutantResult[] = []
  const worker = async () => {
    if (waiting.length === 0) return
    const copy = createCopy()
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, mutant] = next
        copy.plant(mutant)
        const result = await searchOne(copy, mutant, options)
        results[index] = result
        options.onResult(result)
      }
    } finally {
      copy.remove()
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, worker))
  return results
}

/** What the tree as it is shows in searches: nothing, or it is no planted bug's doing. One result for each search. */
export async function searchClean(
  searches: readonly { search: Search; seeds: number }[],
  options: Pick<SearchOptions, 'budgetMs' | 'firstSeed' | 'jobs'>
): Promise<MutantResult[]> {
  const waiting = [...searches]
  const results: MutantResult[] = []
  const worker = async () => {
    if (waiting.length === 0) return
    const copy = createCopy()
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const { search, seeds } = next
        const name = searchName(search)
        const clean: Mutant = { name, breaks: 'nothing', edits: [], expects: [], searches: [search] }
        results.push(await searchOne(copy, clean, { ...options, seeds }))
      }
    } finally {
      copy.remove()
    }
  }
  await Promise.all(Array.from({ length: options.jobs }, worker))
  return results
}

async function searchOne(
  copy: PlantedCopy,
  { name, breaks, expects, searches }: Mutant,
  { budgetMs, firstSeed, seeds }: Pick<SearchOptions, 'budgetMs' | 'firstSeed' | 'seeds'>
): Promise<MutantResult> {
  const startMs = performance.now()
  const result: MutantResult = {
    ...{ name, breaks, found: undefined, isExpected: false, runs: 0, worldMs: 0, wallMs: 0 }
  }
  await hunt(copy.directory, { searches, firstSeed, seeds }, budgetMs, (line) => {
    if (line.event === 'problem') result.problem = `${line.search}: ${line.message}`
    else {
      result.runs += 1
      result.worldMs += line.worldMs
      result.found ??= line.finding
    }
  })
  const { found } = result
  result.isExpected =
    found !== undefined &&
    expects.some((one) => found.property.startsWith(one) || found.message.startsWith(one))
  result.wallMs = Math.round(performance.now() - startMs)
  return result
}

/** Resolves when all was searched, something was found, or the time is over. */
function hunt(
  directory: string,
  job: Hunt,
  budgetMs: number,
  onLine: (line: HuntLine) => void
): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = path.join(directory, 'sim/mutants/hunt.ts')
    const child = spawn(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', script, JSON.stringify(job)],
      // Worlds are its children, and have to end with it.
      { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'], detached: true }
    )
    let errors = ''
    const timer = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), budgetMs)
    child.stderr.setEncoding('utf8')
    child.stderr.on('data', (text: string) => (errors = (errors + text).slice(-4_000)))
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => onLine(JSON.parse(line) as HuntLine))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      if (code !== 0 && signal === null) {
        const searched = job.searches.map(searchName).join(', ')
        onLine({ event: 'problem', search: searched, message: errors.trim().split('\n').at(-1) ?? '' })
      }
      resolve()
    })
  })
}
