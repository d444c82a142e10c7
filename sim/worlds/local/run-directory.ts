import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

/** Everything a run leaves on disk stands here, and is removed when the run ends. */
const RUNS = path.resolve(import.meta.dirname, '../../../.lab/runs')

/** The name of the variable that marks every process of a run, so that a later run knows them for certain. */
export const RUN_MARKER = 'RAFIKI_LAB_RUN'

export interface RunDirectory {
  readonly id: string
  readonly path: string
  file(name: string): string
  /** Text that only this user may read; who reads the file meanwhile finds all of it or none. */
  write(name: string, text: string): string
  remove(): void
}

export function createRunDirectory(): RunDirectory {
  const id = `${process.pid}-${process.hrtime.bigint().toString(36)}`
  const directory = path.join(RUNS, id)
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = (name: string) => path.join(directory, name)
  return {
    id,
    path: directory,
    file,
    write(name, text) {
      writeFileSync(file(`${name}.part`), text, { mode: 0o600 })
      renameSync(file(`${name}.part`), file(name))
      return file(name)
    },
    remove: () => rmSync(directory, { recursive: true, force: true })
  }
}

/** The directories of runs whose parent process still lives, newest first. */
export function liveRuns(): string[] {
  return runs()
    .filter(({ alive }) => alive)
    .sort((left, right) => right.startedNs - left.startedNs)
    .map(({ directory }) => directory)
}

/**
 * Ends what runs left behind whose parent was killed: processes that carry the run's marker, then its files.
 * Tells how many processes were ended.
 */
export function cleanUpDeadRuns(): { runs: number; processes: number } {
  let ended = 0
  const dead = runs().filter(({ alive }) => !alive)
  for (const { id, directory } of dead) {
    for (const pid of processesOf(id)) {
      if (endProcess(pid)) ended += 1
    }
    rmSync(directory, { recursive: true, force: true })
  }
  return { runs: dead.length, processes: ended }
}

function runs(): { id: string; directory: string; startedNs: number; alive: boolean }[] {
  let names: string[]
  try {
    names = readdirSync(RUNS)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  return names.map((id) => {
    const [pid, started] = id.split('-')
    return {
      id,
      directory: path.join(RUNS, id),
      startedNs: Number.parseInt(started ?? '', 36),
      alive: isMarkedParent(Number(pid))
    }
  })
}

/** A process of that pid lives and is a laboratory: pids are used again after a while. */
function isMarkedParent(pid: number): boolean {
  const commandLine = readProc(pid, 'cmdline')
  return commandLine !== undefined && /sim\/|vitest/.test(commandLine)
}

function processesOf(runId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => readProc(pid, 'environ')?.split('\0').includes(`${RUN_MARKER}=${runId}`) ?? false)
}

function endProcess(pid: number): boolean {
  try {
    process.kill(pid, 'SIGKILL')
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** A file of /proc; undefined when the process is gone or another user's. */
function readProc(pid: number, name: 'cmdline' | 'environ'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8')
  } catch {
    return undefined
  }
}
