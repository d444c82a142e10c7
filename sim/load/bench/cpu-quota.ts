import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = '/sys/fs/cgroup'
const PERIOD_US = 100_000

/**
 * Holds a process to a part of one processor by Linux's control groups, version 1 or 2. Gives how to let it go, or
 * why it cannot be done here (no such controller, no right to it).
 */
export function holdToCpuQuota(pid: number, share: number): { release(): void } | { problem: string } {
  const quotaUs = String(Math.round(PERIOD_US * share))
  const isVersion2 = existsSync(path.join(ROOT, 'cgroup.controllers'))
  const parent = isVersion2 ? ROOT : path.join(ROOT, 'cpu')
  const group = path.join(parent, `rafiki-lab-${pid}`)
  try {
    if (isVersion2) {
      if (!readFileSync(path.join(ROOT, 'cgroup.subtree_control'), 'utf8').includes('cpu')) {
        writeFileSync(path.join(ROOT, 'cgroup.subtree_control'), '+cpu')
      }
      mkdirSync(group)
      writeFileSync(path.join(group, 'cpu.max'), `${quotaUs} ${PERIOD_US}`)
    } else {
      mkdirSync(group)
      writeFileSync(path.join(group, 'cpu.cfs_period_us'), String(PERIOD_US))
      writeFileSync(path.join(group, 'cpu.cfs_quota_us'), quotaUs)
    }
    writeFileSync(path.join(group, 'cgroup.procs'), String(pid))
  } catch (error) {
    if (existsSync(group)) rmdirSync(group)
    return { problem: (error as Error).message }
  }
  return {
    release() {
      // A process that is gone has left its group by itself.
      if (existsSync(`/proc/${pid}`)) writeFileSync(path.join(parent, 'cgroup.procs'), String(pid))
      rmdirSync(group)
    }
  }
}
