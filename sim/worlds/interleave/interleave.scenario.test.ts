import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VirtualScenarioArgs, VirtualScenarioResult } from '../../scenarios/virtual-entry.ts'
import { createWorldPool } from '../virtual/pool.ts'
import { startInterleaveServer } from './server.ts'
import type { InterleaveServer } from './server.ts'
import type { CountsArgs, CountsResult } from './test-scenarios/counts.ts'

const COUNTS = path.join(import.meta.dirname, 'test-scenarios/counts.ts')
const ENTRY = path.resolve(import.meta.dirname, '../../scenarios/virtual-entry.ts')
const GRANT = path.resolve(import.meta.dirname, '../../../scenarios/grant-used-up.scenario.ts')
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]

const pool = createWorldPool({ jobs: 1 })
let server: InterleaveServer
beforeAll(async () => void (server = await startInterleaveServer()))
afterAll(async () => {
  await pool.close()
  await server.stop()
})

async function counts(lock: CountsArgs['lock'], seed: number) {
  const options = { seed: String(seed), server: server.address }
  return pool.run<CountsResult>(COUNTS, { lock } satisfies CountsArgs, options)
}

describe('transactions side by side at a real PostgreSQL, the seed picks whose statement is next', () => {
  test('what is read without a lock is lost by some seeds, and not by others', async () => {
    const results = []
    for (const seed of SEEDS) results.push((await counts('none', seed)).result)
    expect(results.every(({ ended }) => ended.every((how) => how === 'done'))).toBe(true)
    const sums = new Set(results.map((result) => result.counts.join()))
    expect([...sums]).toEqual(expect.arrayContaining(['2,2']))
    expect(sums.size).toBeGreaterThan(1)
  })

  test('what is read under a lock is lost by no seed: who comes second waits at the server', async () => {
    for (const seed of SEEDS.slice(0, 4))
      expect((await counts('row', seed)).result).toEqual({ counts: [2, 2], ended: ['done', 'done'] })
  })

  test('one of two that wait for each other is told so, in some seeds; the other goes on', async () => {
    const results = []
    for (const seed of SEEDS) results.push((await counts('crossed', seed)).result)
    const ends = new Set(results.map(({ ended }) => [...ended].sort().join()))
    expect([...ends].sort()).toEqual(['40P01,done', 'done,done'])
    for (const { counts: made, ended } of results) {
      const done = ended.filter((how) => how === 'done').length
      expect(made).toEqual([done, done])
    }
  })

  test('one seed, one history, whether sessions wait or one is ended by the server; another seed, another', async () => {
    const hashes = new Set<string>()
    for (const seed of SEEDS.slice(0, 3)) {
      const first = await counts('crossed', seed)
      const second = await counts('crossed', seed)
      expect(second).toMatchObject({ hash: first.hash, events: first.events, result: first.result })
      hashes.add(first.hash)
    }
    expect(hashes.size).toBe(3)
  })

  test('a whole node: payments that race for a grant, twice the same history', async () => {
    const args: VirtualScenarioArgs = { file: GRANT, world: 'interleave' }
    const options = { seed: '1', server: server.address }
    const first = await pool.run<VirtualScenarioResult>(ENTRY, args, options)
    const second = await pool.run<VirtualScenarioResult>(ENTRY, args, options)
    expect(first.result).toMatchObject({ ok: true, payments: { COMPLETED: 1, REFUSED: 1 } })
    expect(second.hash).toBe(first.hash)
  })
})
