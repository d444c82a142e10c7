import { readFileSync, readdirSync } from 'node:fs'

/** The kernel counts in these, whatever its own tick (man 5 proc). */
const MS_PER_TICK = 10

/**
 * Processor time that a process and its children have used so far, those that ended included, in milliseconds;
 * undefined where there is no /proc to read it from. Unlike a rate, it hardly depends on what else the machine does.
 */
export function processFamilyCpuMs(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  let ticks = 0
  for (const name of readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(name)) continue
    const fields = statFields(name)
    if (!fields) continue
    const [parent, user, system, endedUser, endedSystem] = [1, 11, 12, 13, 14].map((at) => Number(fields[at]))
    if (Number(name) === pid) ticks += user! + system! + endedUser! + endedSystem!
    else if (parent === pid) ticks += user! + system!
  }
  return ticks * MS_PER_TICK
}

/** What follows the name in /proc/PID/stat, from the state on; undefined when the process is gone. */
function statFields(pid: string): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}
