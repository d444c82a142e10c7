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
  /** Worlds at once: of planted bugs, each in a copy of its own; where there are fewer, of each of them. */
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
  return inCopies(mutants, options.jobs, async (copy, mutant, jobs) => {
    copy.plant(mutant)
    const result = await searchOne(copy, mutant, { ...options, jobs })
    options.onResult(result)
    return result
  })
}

/** What the tree as it is shows in searches: nothing, or it is no planted bug's doing. One result for each search. */
export async function searchClean(
  searches: readonly { search: Search; seeds: number }[],
  options: Pick<SearchOptions, 'budgetMs' | 'firstSeed' | 'jobs'>
): Promise<MutantResult[]> {
  return inCopies(searches, options.jobs, (copy, { search, seeds }, jobs) => {
    const name = searchName(search)
    const clean: Mutant = { name, breaks: 'nothing', edits: [], expects: [], searches: [search] }
    return searchOne(copy, clean, { ...options, seeds, jobs })
  })
}

/** Works on items side by side, in a copy of the tree each. @param work is told how many worlds it may have at once */
async function inCopies<T>(
  items: readonly T[],
  jobs: number,
  work: (copy: PlantedCopy, item: T, jobs: number) => Promise<MutantResult>
): Promise<MutantResult[]> {
  const waiting = [...items.entries()]
  const results: MutantResult[] = []
  const copies = Math.min(jobs, items.length)
  const worker = async () => {
    const copy = createCopy()
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [index, item] = next
        results[index] = await work(copy, item, Math.floor(jobs / copies))
      }
    } finally {
      copy.remove()
    }
  }
  await Promise.all(Array.from({ length: copies }, worker))
  return results
}

async function searchOne(
  copy: PlantedCopy,
  { name, breaks, expects, searches }: Mutant,
  { budgetMs, firstSeed, seeds, jobs }: Omit<SearchOptions, 'onResult'>
): Promise<MutantResult> {
  const startMs = performance.now()
  const result: MutantResult = {
    ...{ name, breaks, found: undefined, isExpected: false, runs: 0, worldMs: 0, wallMs: 0 }
  }
  await hunt(copy.directory, { searches, firstSeed, seeds, jobs }, budgetMs, (line) => {
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
