import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createWorldPool } from './pool.ts'
import { ensureImage, runInVirtualWorld, VirtualRunError } from './spawn.ts'

const scenario = (name: string) => path.join(import.meta.dirname, 'test-scenarios', `${name}.ts`)
const directory = mkdtempSync(path.join(tmpdir(), 'virtual-world-'))
const pool = createWorldPool({ jobs: 2 })
beforeAll(() => ensureImage())
afterAll(async () => {
  await pool.close()
  rmSync(directory, { recursive: true })
})

describe('one seed, one history', () => {
  test('twice in two processes the same, with another seed another', async () => {
    const logFile = path.join(directory, 'log')
    const args = { requests: 20 }
    const run = (options: { seed: string; logFile?: string }) =>
      pool.run<Record<string, unknown>>(scenario('small-network'), args, options)
    const [first, again] = await Promise.all([run({ seed: '1' }), run({ seed: '1', logFile })])
    const other = await run({ seed: '2' })
    expect(first.result).toMatchObject({
      statuses: [200],
      heard: 20,
      rows: 20,
      others: 3,
      fetched: { publicName: 'Alice' },
      authServer: 'https://baobab/auth',
      pending: false
    })
    expect(first.result.now).toMatch(/^2026-01-02T00:00:0/)
    const { wallMs: _, ...history } = first
    expect(again).toMatchObject(history)
    expect(other.hash).not.toBe(first.hash)
    expect(other.result.random).not.toEqual(first.result.random)
    expect(first.simulatedMs).toBeGreaterThan(24 * 3_600_000)

    const log = readFileSync(logFile, 'utf8')
    expect(log).toMatch(/statement acacia session \d+ .*insert into "entries"/)
    expect(log).toMatch(/message baobab:\d+ acacia:443 #\d+ > POST \/ HTTP/)
    expect(log).toMatch(/random acacia 1 /)
    expect(log).toMatch(/timer-fired laboratory setTimeout/)
    expect(log).toMatch(/process acacia-again 1 killed/)
  })

  test('a log that is too long to be kept is written while the world lives, where files are out of reach', async () => {
    const logFile = path.join(directory, 'long-log')
    const timers = 20_000
    const options = { seed: '1', database: false, logFile }
    const { result } = await pool.run(scenario('long-log'), { timers }, options)
    expect(result).toBe(timers)
    const log = readFileSync(logFile, 'utf8')
    expect(log.length).toBeGreaterThan(1_048_576)
    expect(log.match(/ timer-fired /g)).toHaveLength(timers)
  })
})

describe('what cannot be simulated', () => {
  test('throws and names the caller', async () => {
    const { result } = await pool.run<{
      refusals: Record<string, string>
      unknownHost: string
      allowed: unknown[]
    }>(scenario('outside'), null, { seed: '1', database: false })
    for (const [way, refusal] of Object.entries(result.refusals)) {
      expect(refusal, way).toMatch(/cannot be simulated .*test-scenarios\/outside\.ts:\d+/)
    }
    expect(result.unknownHost).toBe('ENOTFOUND')
    expect(result.allowed).toEqual([4, 'small', true, 'ca978112'])
    expect(existsSync('/tmp/never')).toBe(false)
  })

  test('a busy wait and a wait for nothing are errors, not endless', async () => {
    const options = { seed: '1', database: false, wallLimitMs: 30_000 }
    await expect(pool.run(scenario('busy-wait'), null, options)).rejects.toThrow(/a busy wait/)
    const stuck = pool.run(scenario('stuck'), null, options)
    await expect(stuck).rejects.toThrow(VirtualRunError)
    await expect(stuck).rejects.toThrow(/the world is stuck/)
  })

  test('a process that never answers is ended by its parent', async () => {
    const endless = runInVirtualWorld(scenario('stuck'), null, { seed: '1', database: false, wallLimitMs: 1 })
    await expect(endless).rejects.toThrow(/limit of 1 ms of real time/)
  })
})
