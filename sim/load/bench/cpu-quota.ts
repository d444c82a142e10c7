import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const ROOT = '/sys/fs/cgroup'
const PERIOD_US = 100_000

export interface CpuQuota {
  /** Changes the part. */
  hold(share: number): void
  release(): void
}

/**
 * Holds a process to a part of one processor by Linux's control groups, version 1 or 2. Gives how to change that and
 * let it go, or why it cannot be done here (no such controller, no right to it).
 */
export function holdToCpuQuota(pid: number, share: number): CpuQuota | { problem: string } {
  const isVersion2 = existsSync(path.join(ROOT, 'cgroup.controllers'))
  const parent = isVersion2 ? ROOT : path.join(ROOT, 'cpu')
  const group = path.join(parent, `rafiki-lab-${pid}`)
  const hold = (part: number) => {
    const quotaUs = String(Math.round(PERIOD_US * part))
    if (isVersion2) writeFileSync(path.join(group, 'cpu.max'), `${quotaUs} ${PERIOD_US}`)
    else writeFileSync(path.join(group, 'cpu.cfs_quota_us'), quotaUs)
  }
  try {
    if (isVersion2) {
      if (!readFileSync(path.join(ROOT, 'cgroup.subtree_control'), 'utf8').includes('cpu')) {
        writeFileSync(path.join(ROOT, 'cgroup.subtree_control'), '+cpu')
      }
      mkdirSync(group)
    } else {
      mkdirSync(group)
      writeFileSync(path.join(group, 'cpu.cfs_period_us'), String(PERIOD_US))
    }
    hold(share)
    writeFileSync(path.join(group, 'cgroup.procs'), String(pid))
  } catch (error) {
    if (existsSync(group)) rmdirSync(group)
    return { problem: (error as Error).message }
  }
  return {
    hold,
    release() {
      // A process that is gone has left its group by itself.
      if (existsSync(`/proc/${pid}`)) writeFileSync(path.join(parent, 'cgroup.procs'), String(pid))
      rmdirSync(group)
    }
  }
}
