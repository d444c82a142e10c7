import { parseArgs } from 'node:util'
import { HistoryError } from '../explore/history.ts'
import { packetsAlone, wholeNodes } from '../explore/kinds.ts'
import { readRegression, replayable } from '../explore/regression.ts'
import { createProgress } from '../reports/progress.ts'
import type { Progress } from '../reports/progress.ts'
import type { WorldPool } from '../worlds/virtual/index.ts'
import { WrongUse } from './wrong-use.ts'

const HELP = `npm run lab -- replay FILE [--json]

Runs a history again that violated something once, as lab explore wrote it (fixtures/regressions).

  --json   one JSON object per line, the last {"event":"summary","ok":…,"hash":…,"sameHash":…}

On the commit that the file names, the event log has the hash that the file names, to the byte.
Exit status: 0 nothing is violated, 1 something is, 2 wrong use or a file that is none.
`

/** Kinds of histories that regression files may hold. */
const kinds = (pool?: WorldPool) => [replayable(wholeNodes(pool?.run)), replayable(packetsAlone())]

/** `lab replay`. @param pool where a history of whole nodes lives, instead of a process of its own */
export async function replayCommand(args: string[], pool?: WorldPool): Promise<number> {
  const progress = createProgress({ json: args.includes('--json') })
  try {
    if (args.includes('--help')) {
      process.stdout.write(HELP)
      return 0
    }
    return await replay(fileOf(args), progress, pool)
  } catch (error) {
    if (!(error instanceof WrongUse || error instanceof HistoryError)) throw error
    progress.error(error.message)
    progress.summary({ ok: false, error: error.message })
    return 2
  }
}

async function replay(file: string, progress: Progress, pool?: WorldPool): Promise<number> {
  const { regression, lines, run } = readRegression(file, kinds(pool))
  for (const line of lines) progress.say(line)
  const { violation, hash, story } = await run()
  const sameHash = (hash ?? null) === regression.hash
  for (const line of story) progress.say(`  story  ${line}`)
  progress.step(
    'hash',
    `${hash ?? 'none'}: ${sameHash ? 'the same as' : 'another than'} that of commit ${regression.commit}`
  )
  if (violation) progress.error(`${violation.property} is violated: ${violation.message}`)
  else progress.say('nothing is violated')
  progress.summary({ ok: violation === undefined, hash, sameHash, ...(violation && { violation }) })
  return violation ? 1 : 0
}

function fileOf(args: string[]): string {
  let parsed
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false } }
    })
  } catch (error) {
    throw new WrongUse((error as Error).message)
  }
  const [file, ...more] = parsed.positionals
  if (file === undefined)
    throw new WrongUse('a regression file is needed, such as one of fixtures/regressions')
  if (more.length > 0) throw new WrongUse(`one file at a time, not "${more[0]}" too`)
  return file
}
