import { existsSync } from 'node:fs'
import path from 'node:path'

/** The first folder on PATH that has all of these programs; undefined where there is none. */
export function folderOnPath(programs: readonly string[]): string | undefined {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .find((folder) => folder !== '' && programs.every((program) => existsSync(path.join(folder, program))))
}
