import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Loaded before a service of the local world. Ends it when the laboratory is gone, however that ended: the
 * channel to the parent closes even after `kill -9`. And answers what the laboratory measures, from within: the
 * memory that is left after a collection, and the processor time used.
 */
export interface Footprint {
  residentBytes: number
  heapBytes: number
  cpuMs: number
}

process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.on('message', (message) => {
  if (message !== 'measure') return
  collectGarbage()
  const { rss, heapUsed } = process.memoryUsage()
  const { user, system } = process.cpuUsage()
  const footprint: Footprint = { residentBytes: rss, heapBytes: heapUsed, cpuMs: (user + system) / 1_000 }
  process.send?.(footprint)
})
process.channel?.unref()

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
}
