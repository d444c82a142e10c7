import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { isLongRun } from '../../test-counts.ts'
import { findK6 } from '../load/engine/k6.ts'
import type { LoadReport } from '../load/engine/model.ts'
import { readLoadReport } from '../load/report/files.ts'
import { loadCommand } from './load.ts'

const hasK6 = findK6() !== undefined
if (!hasK6 && process.env.CI === 'true') throw new Error('there is no k6 on PATH, and CI=true allows no skip')

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
})

/** Runs `lab load`: its exit status, what it wrote, and the report that it left, if it came so far. */
async function load(...args: string[]): Promise<{ status: number; out: string; report?: LoadReport }> {
  let out = ''
  const write = (text: unknown) => ((out += String(text)), true)
  vi.spyOn(process.stdout, 'write').mockImplementation(write)
  vi.spyOn(process.stderr, 'write').mockImplementation(write)
  const directory = mkdtempSync(path.join(tmpdir(), 'lab-load-'))
  try {
    const status = await loadCommand([...args, '--warm-up', '1', '--report', directory, '--json'])
    return { status, out, ...(status < 2 && { report: readLoadReport(directory) }) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What everybody counted, without the words. */
function countsOf({ reconciliation: { counts } }: LoadReport): Set<number | undefined> {
  return new Set(counts.map(({ count }) => count))
}

describe('lab load connector', () => {
  it('offers a rate, tells of every second and process, and adds up to the packet', async () => {
    const { status, report } = await load(
      ...['connector', '--topology', 'loopback-fulfil', '--rate', '100', '--duration', '2', '--profile']
    )
    expect(report!.problems).toEqual([])
    expect(status).toBe(0)
    const stage = report!.stages.at(-1)!
    expect(stage).toMatchObject({ offered: 200, completed: 200, failed: 0, dropped: 0 })
    expect(stage.outcomes).toEqual({ fulfilled: 200 })
    const made = report!.stages.reduce((sum, { completed }) => sum + completed, 0)
    expect(countsOf(report!)).toEqual(new Set([made]))
    expect(stage.seconds.reduce((sum, { offered }) => sum + offered, 0)).toBe(200)
    expect(report!.processes.map(({ role, samples }) => [role, samples.length > 0])).toContainEqual([
      'connector',
      true
    ])
    expect(report!.profiles![0]!.steps.map(({ step }) => step)).toContain('connector: rules and accounts')
  })

  it('fails a run whose asked-for bound is broken, though its books add up', async () => {
    const { status, report } = await load(
      ...['connector', '--topology', 'loopback-reject', '--rate', '50', '--duration', '1', '--p99', '0.1']
    )
    expect(status).toBe(1)
    expect(report!.reconciliation).toMatchObject({ ok: true, problems: [] })
    expect(report!.problems).toEqual([expect.stringMatching(/^bound broken: p99 .* more than 0.1 ms$/)])
    expect(report!.stages.at(-1)!.outcomes).toEqual({ F99: 50 })
  })
})

// `.ci/run` makes these runs as a user does, one step each: here they are for long runs.
describe.runIf(isLongRun)('lab load of everything else', () => {
  it('STREAM senders: packets and money of each number of them', async () => {
    const { status, report } = await load('stream', '--callers', '1,3', '--duration', '1')
    expect(report!.problems).toEqual([])
    expect(status).toBe(0)
    expect(report!.senders!.map(({ senders, asset }) => [senders, asset])).toEqual([
      [1, 'USD'],
      [3, 'USD']
    ])
    for (const { packetsPerSecond, moneyPerSecond } of report!.senders!) {
      expect(Number(moneyPerSecond)).toBeCloseTo(packetsPerSecond / 1_000, 2)
    }
    const made = report!.stages.reduce((sum, { completed }) => sum + completed, 0)
    expect(countsOf(report!)).toEqual(new Set([made]))
  })

  it.each([
    ['payments', ['COMPLETED']],
    ['grants', ['used and revoked']],
    [
      'admin',
      [
        'created a wallet address',
        'created an incoming payment',
        'listed payments',
        'listed peers',
        'read a wallet address',
        'read an incoming payment'
      ]
    ]
  ])('%s', async (kind, outcomes) => {
    const { status, report } = await load(kind, '--rate', '12', '--duration', '1', '--p99', '30000')
    expect(report!.problems).toEqual([])
    expect(status).toBe(0)
    expect(Object.keys(report!.stages.at(-1)!.outcomes).sort()).toEqual(outcomes)
    expect(report!.stages.at(-1)!.completed).toBe(12)
  })
})

describe('lab load with k6', () => {
  it.skipIf(!hasK6)('makes the same calls, counts them as its own, and adds up', async () => {
    const { status, report } = await load(
      ...['connector', '--engine', 'k6', '--topology', 'loopback-fulfil', '--rate', '100', '--duration', '2'],
      ...['--p99', '5000']
    )
    expect(report!.problems).toEqual([])
    expect(status).toBe(0)
    const stage = report!.stages.at(-1)!
    // k6 makes one more where the last is due at the very end.
    expect([200, 201]).toContain(stage.completed)
    expect(countsOf(report!)).toEqual(
      new Set([report!.stages.reduce((sum, each) => sum + each.completed, 0)])
    )
    expect(report!.thresholds).toEqual([
      { name: 'call_failed: rate<=0.001', ok: true },
      { name: 'call_latency: p(99)<=5000', ok: true }
    ])
    expect(report!.versions.k6).toMatch(/^v\d/)
  })

  it.runIf(hasK6 && isLongRun).each(['payments', 'grants', 'admin'])('%s', async (kind) => {
    const { status, report } = await load(
      ...[kind, '--engine', 'k6', '--rate', '6', '--duration', '1', '--p99', '3000']
    )
    expect(report!.problems).toEqual([])
    expect(status).toBe(0)
    expect(report!.stages.at(-1)!.completed).toBeGreaterThanOrEqual(6)
  })

  it.skipIf(!hasK6)('fails the run where a threshold is broken', async () => {
    const { status, report } = await load(
      ...['connector', '--engine', 'k6', '--topology', 'loopback-reject', '--rate', '50', '--duration', '1'],
      ...['--p99', '0.1']
    )
    expect(status).toBe(1)
    expect(report!.reconciliation.ok).toBe(true)
    expect(report!.thresholds).toContainEqual({ name: 'call_latency: p(99)<=0.1', ok: false })
    expect(report!.problems[0]).toBe('threshold broken: call_latency: p(99)<=0.1')
  })

  it('says how to get k6 where there is none, and offers the built-in engine', async () => {
    vi.stubEnv('PATH', '/nowhere')
    const { status, out } = await load('connector', '--engine', 'k6')
    expect(status).toBe(2)
    expect(out).toMatch(/no k6 on the PATH: install it with .*go install .*the built-in engine needs nothing/)
  })

  it.skipIf(!hasK6)('refuses what k6 cannot do', async () => {
    const { status, out } = await load('connector', '--engine', 'k6', '--transport', 'btp')
    expect(status).toBe(2)
    expect(out).toContain('k6 speaks ILP over HTTP only, not over BTP: leave --engine away')
  })
})
