import { readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { createWorldPool } from '../sim/worlds/virtual/index.ts'
import { isLongRun } from '../test-counts.ts'

const DEMO = path.resolve('scenarios/virtual/demo.ts')

const pool = createWorldPool({ jobs: 2 })
afterAll(() => pool.close())

interface DemoAnswer {
  ok: boolean
  steps: string[]
  payments: { state: string }[]
  audit: { ok: boolean; problems: string[] }
}

function run(topology: 'pair' | 'pair-btp' | 'chain', seed: string) {
  const text = readFileSync(`fixtures/topologies/${topology}.json`, 'utf8')
  return pool.run<DemoAnswer>(DEMO, { topology: text }, { seed })
}

describe('the demonstration in the virtual world', () => {
  it('completes with clean books; one seed gives one history, another seed another', async () => {
    const [first, again, other] = await Promise.all([run('pair', '1'), run('pair', '1'), run('pair', '2')])
    expect(first.result.payments.map(({ state }) => state)).toEqual(['COMPLETED'])
    expect(first.result.audit.problems).toEqual([])
    expect(first.result.ok).toBe(true)
    expect(again.hash).toBe(first.hash)
    expect(again.events).toBe(first.events)
    expect(other.result.ok).toBe(true)
    expect(other.hash).not.toBe(first.hash)
  })

  it('completes over three hops', async () => {
    const { result } = await run('chain', '1')
    expect(result.audit.problems).toEqual([])
    expect(result.ok).toBe(true)
  })

  it('completes over BTP; one seed gives one history', async () => {
    const [first, again] = await Promise.all([run('pair-btp', '1'), isLongRun && run('pair-btp', '1')])
    expect(first.result.audit.problems).toEqual([])
    expect(first.result.ok).toBe(true)
    if (again) expect(again.hash).toBe(first.hash)
  })
})
