import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { MutantError } from './model.ts'
import type { Edit, Mutant } from './model.ts'

const PROJECT_DIRECTORY = path.resolve(import.meta.dirname, '../..')
/** What the laboratory needs to run. Modules are shared. */
const COPIED = ['node', 'sim', 'scenarios', 'fixtures', 'package.json', 'tsconfig.json', 'test-counts.ts']

/**
 * The text of a file with an edit made.
 *
 * @throws MutantError where the text to replace does not stand there exactly once, or nothing changes
 */
export function applyEdit(text: string, { file, find, replace }: Edit): string {
  const places = text.split(find).length - 1
  if (places !== 1)
    throw new MutantError(`${file} has the text to replace ${places} times, not once: ${find}`)
  if (find === replace) throw new MutantError(`${file} is not changed: ${find}`)
  // A function, for "$" means something in a replacement's text.
  return text.replace(find, () => replace)
}

/**
 * The files that a planted bug changes, as they are with it.
 *
 * @throws MutantError where a text is not found exactly once, or a result is no TypeScript
 */
export function mutatedFiles({ name, edits }: Mutant, directory = PROJECT_DIRECTORY): Map<string, string> {
  const files = new Map<string, string>()
  for (const edit of edits) {
    const before = files.get(edit.file) ?? readFileSync(path.join(directory, edit.file), 'utf8')
    files.set(edit.file, applyEdit(before, edit))
  }
  for (const [file, text] of files) {
    try {
      stripTypeScriptTypes(text)
    } catch (error) {
      throw new MutantError(`${name}: ${file} is no TypeScript any more: ${(error as Error).message}`)
    }
  }
  return files
}

/** A copy of the tree, in which bugs are planted one after the other. The tree itself is never changed. */
export interface PlantedCopy {
  readonly directory: string
  /** @throws MutantError */
  plant(mutant: Mutant): void
  /** The copy is as the tree again. */
  restore(): void
  remove(): void
}

/**
 * In the directory for temporary files, under a name that the next copy has again: modules that were compiled there
 * are found again.
 */
export function createCopy(): PlantedCopy {
  const directory = claimDirectory()
  for (const entry of COPIED) {
    cpSync(path.join(PROJECT_DIRECTORY, entry), path.join(directory, entry), {
      recursive: true,
      filter: (source) => !/\.test\.ts$|node_modules/.test(source)
    })
  }
  symlinkSync(path.join(PROJECT_DIRECTORY, 'node_modules'), path.join(directory, 'node_modules'))
  let originals = new Map<string, string>()
  const restore = () => {
    for (const [file, text] of originals) writeFileSync(path.join(directory, file), text)
    originals = new Map()
  }
  return {
    directory,
    plant(mutant) {
      restore()
      for (const [file, text] of mutatedFiles(mutant, directory)) {
        originals.set(file, readFileSync(path.join(directory, file), 'utf8'))
        writeFileSync(path.join(directory, file), text)
      }
    },
    restore,
    remove: () => rmSync(directory, { recursive: true, force: true })
  }
}

/** The first directory that no living process has, emptied. */
function claimDirectory(): string {
  const project = createHash('sha256').update(PROJECT_DIRECTORY).digest('hex').slice(0, 8)
  for (let slot = 0; ; slot++) {
    const directory = path.join(tmpdir(), `rafiki-lab-mutant-${project}-${slot}`)
    const owner = path.join(directory, 'owner')
    if (existsSync(owner) && isAlive(Number(readFileSync(owner, 'utf8')))) continue
    rmSync(directory, { recursive: true, force: true })
    try {
      mkdirSync(directory)
    } catch (error) {
      // Another was quicker.
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue
      throw error
    }
    writeFileSync(owner, String(process.pid))
    return directory
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
