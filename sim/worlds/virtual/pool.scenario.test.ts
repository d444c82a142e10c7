import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { VirtualScenarioResult } from '../../scenarios/virtual-entry.ts'
import { createWorldPool } from './pool.ts'
import { ensureImage, runInVirtualWorld } from './spawn.ts'

const scenario = (name: string) => path.join(import.meta.dirname, 'test-scenarios', `${name}.ts`)
const ENTRY = path.resolve(import.meta.dirname, '../../scenarios/virtual-entry.ts')
const PAYMENT = scenario('pays.scenario')
const bare = { seed: '1', database: false }
/** One process: each world of a test follows the one before. */
const pool = createWorldPool({ jobs: 1 })
beforeAll(() => ensureImage())
afterAll(() => pool.close())

describe('many worlds in one process', () => {
  test('a seed has one history: of whole nodes, in a process of its own and whichever world was there before', async () => {
    const pays = (seed: string) => pool.run<VirtualScenarioResult>(ENTRY, { file: PAYMENT }, { seed })
    const alone = runInVirtualWorld<VirtualScenarioResult>(ENTRY, { file: PAYMENT }, { seed: '2' })
    const first = await pays('1')
    const afterAnother = await pays('2')
    await pool.run(scenario('small-network'), { requests: 3 }, { seed: '3' })
    const again = await pays('1')
    expect(first.result).toMatchObject({ ok: true, payments: { COMPLETED: 1 } })
    expect(again.hash).toBe(first.hash)
    expect(again.events).toBe(first.events)
    expect(again.result.story).toEqual(first.result.story)
    expect(afterAnother.hash).toBe((await alone).hash)
    expect(afterAnother.hash).not.toBe(first.hash)
  })

  test('timers and connections end with their world: the next one has the history that it has alone', async () => {
    const alone = await pool.run(scenario('leaves-behind'), { what: 'timers and connections' }, bare)
    const next = await pool.run(scenario('leaves-behind'), { what: 'timers and connections' }, bare)
    expect(next).toMatchObject({ result: 'left timers and connections', hash: alone.hash })
  })

  test.each([
    ['a global', /left behind, in its process: the global leftByTheLastWorld/],
    ['a listener', /left behind, in its process: a listener of process "warning"/],
    ['nothing, but throws', /as it was asked to/]
  ])('a world that leaves %s fails, and the next one has another process', async (what, message) => {
    await expect(pool.run(scenario('leaves-behind'), { what }, bare)).rejects.toThrow(message)
    const next = await pool.run(scenario('leaves-behind'), { what: 'timers and connections' }, bare)
    expect(next.result).toBe('left timers and connections')
  })

  test('what waits when a pool is closed is refused, and what comes afterwards', async () => {
    const closing = createWorldPool({ jobs: 1 })
    const runs = [1, 2].map((seed) => closing.run(scenario('stuck'), null, { ...bare, seed: String(seed) }))
    const refused = Promise.allSettled(runs)
    await closing.close()
    for (const run of await refused) expect(run).toMatchObject({ status: 'rejected' })
    await expect(closing.run(scenario('stuck'), null, bare)).rejects.toThrow(/the pool of worlds is closed/)
  })
})
