import { expect, it } from 'vitest'
import { processFamilyCpuMs } from './cpu-time.ts'

it.skipIf(process.platform !== 'linux')('counts what this process has used, to a tick or two', () => {
  const { user, system } = process.cpuUsage()
  const endMs = performance.now() + 50
  while (performance.now() < endMs);
  const familyMs = processFamilyCpuMs(process.pid)!
  const after = process.cpuUsage()
  expect(familyMs).toBeGreaterThanOrEqual((user + system) / 1_000 - 30)
  expect(familyMs).toBeLessThanOrEqual((after.user + after.system) / 1_000 + 2_000)
})

it.skipIf(process.platform !== 'linux')('is nothing for a process that is not there', () => {
  expect(processFamilyCpuMs(2 ** 22 + 1)).toBe(0)
})
