import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { HISTORY_VERSION, historyToJson, parseHistory } from '../explore/history.ts'
import { describeHistory } from '../explore/describe.ts'
import { REGRESSIONS, writeRegression } from '../explore/regression.ts'
import { runHistory } from '../explore/run-history.ts'
import { createWorldPool } from '../worlds/virtual/index.ts'
import type { WorldPool } from '../worlds/virtual/index.ts'
import { exploreCommand } from './explore.ts'
import { replayCommand } from './replay.ts'

const directory = mkdtempSync(path.join(tmpdir(), 'lab-explore-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
/** One process for all that runs here. */
const pool = createWorldPool({ jobs: 1 })
afterAll(() => pool.close())
afterEach(() => void vi.restoreAllMocks())

/** What a command wrote, and its exit status. */
async function lab(
  command: (args: string[], pool: WorldPool) => Promise<number>,
  ...args: string[]
): Promise<{ status: number; out: string; err: string }> {
  let out = ''
  let err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true))
  const status = await command(args, pool)
  return { status, out, err }
}

const link = { asset: 'USD/2', liquidity: '1000000000000', maxPacketAmount: '0', transport: 'http' }
/** One node, one payment within it, a crash of its backend in the middle. */
const small = parseHistory({
  seed: 5,
  nodes: [{ asset: 'USD/2', fee: { fixed: '0', basisPoints: 0 }, link }],
  shape: 'line',
  slippage: '0.01',
  balance: '1000000000000',
  latency: { networkMs: [1, 2], databaseMs: [1, 3] },
  actions: [{ do: 'pay', atMs: 0, from: 'alice@acacia', to: 'adam@acacia', fixed: 'send', amount: '1000' }],
  faults: [
    { fault: 'crash', atMs: 0, node: 'acacia', service: 'backend', at: { afterMs: 200 }, downMs: 1000 }
  ]
})
const regression = {
  kind: 'nodes',
  version: HISTORY_VERSION,
  commit: 'of the test',
  found: { seed: 5, property: 'none', message: 'nothing' },
  lines: describeHistory(small),
  hash: null,
  history: historyToJson(small)
}

function file(name: string, content: unknown): string {
  const at = path.join(directory, name)
  writeFileSync(at, typeof content === 'string' ? content : JSON.stringify(content))
  return at
}

describe('wrong use', () => {
  it.each([
    [['--runs', '0'], /^--runs needs a whole number from 1/],
    [['--minutes', 'x'], /^--minutes needs a whole number from 1/],
    [['--seed', '4294967296'], /^--seed needs a whole number from 0 to 4294967295/],
    [['--jobs', '0'], /^--jobs needs a whole number from 1/],
    [['--what'], /^Unknown option '--what'/],
    [['extra'], /^Unexpected argument 'extra'/]
  ])('lab explore %j is told in one line, exit status 2', async (args, message) => {
    const { status, out, err } = await lab(exploreCommand, ...args)
    expect(err.trimEnd()).toMatch(message)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(out).toBe('')
    expect(status).toBe(2)
  })

  it.each([
    ['no file', [], /^a regression file is needed/],
    ['two files', ['a', 'b'], /^one file at a time/],
    ['an unknown option', ['a', '--what'], /^Unknown option '--what'/],
    ['a file that is not there', ['/nowhere.json'], /^\/nowhere\.json: ENOENT/],
    ['no JSON', [file('text.json', 'text')], /text\.json: .*JSON/],
    ['other JSON', [file('other.json', { a: 1 })], /other\.json: kind: .*a regression file is needed/],
    [
      'another kind',
      [file('kind.json', { ...regression, kind: 'birds' })],
      /unknown kind "birds"; there are: nodes, packets$/
    ],
    [
      'another version',
      [file('version.json', { ...regression, version: 99 })],
      /version 99 .* this laboratory reads version 1: check out commit of the test/
    ],
    [
      'a history that is none',
      [file('bad.json', { ...regression, history: {} })],
      /bad\.json: history: seed: /
    ]
  ])('lab replay of %s is told in one line, exit status 2', async (_, args, message) => {
    const { status, out, err } = await lab(replayCommand, ...args)
    expect(err.trimEnd()).toMatch(message)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(out).toBe('')
    expect(status).toBe(2)
  })
})

describe('lab replay', () => {
  it('runs the history of a file to the hash that it had', async () => {
    const { hash, violation, states } = await runHistory(small, { run: pool.run })
    expect(violation).toBeUndefined()
    expect(states).toContain('crashed')
    const written = writeRegression(directory, { ...regression, hash: hash! })
    expect(path.basename(written)).toBe('nodes-none-seed-5.json')
    const { status, out } = await lab(replayCommand, written, '--json')
    const summary = JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown>
    expect(summary).toEqual({ event: 'summary', ok: true, hash, sameHash: true })
    expect(status).toBe(0)
  })

  it('a stack trace in a file names no directory of the machine that wrote it', () => {
    const { stack } = new Error('here')
    const written = writeRegression(directory, {
      ...regression,
      found: { ...regression.found, property: 'nothing throws', message: stack! }
    })
    const { found } = JSON.parse(readFileSync(written, 'utf8')) as { found: { message: string } }
    expect(found.message).toMatch(/\(?sim\/commands\/explore\.scenario\.test\.ts:/)
    expect(found.message).not.toContain(path.resolve(import.meta.dirname, '../..'))
  })

  it('whatever was violated once is not again: every file of fixtures/regressions', async () => {
    for (const name of readdirSync(REGRESSIONS).filter((each) => each.endsWith('.json'))) {
      const { status, out } = await lab(replayCommand, path.join(REGRESSIONS, name), '--json')
      expect(status, `${name}: ${out.trimEnd().split('\n').at(-1)}`).toBe(0)
    }
  })
})

describe('lab explore', () => {
  it('runs what it makes up, tells what was reached, and ends with 0 where nothing is violated', async () => {
    const runs = testCount('exploredHistories')
    const { status, out } = await lab(exploreCommand, '--runs', String(runs), '--seed', '7', '--json')
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    const summary = lines.at(-1)!
    expect(summary).toMatchObject({ event: 'summary', ok: true, runs, found: [] })
    expect((summary.states as Record<string, number>).moved).toBeGreaterThan(0)
    expect(lines.filter(({ step }) => step === 'reached')).toHaveLength(
      Object.keys(summary.states as object).length
    )
    expect(status).toBe(0)
  })

  it('ends at Ctrl-C with its summary and exit status 0, and none of its processes is left', async () => {
    const cli = path.resolve(import.meta.dirname, '../cli.ts')
    const args = [
      '--disable-warning=ExperimentalWarning',
      cli,
      'explore',
      '--jobs',
      '2',
      '--seed',
      '7',
      '--json'
    ]
    // A group of its own: Ctrl-C is a signal to all of them.
    const command = spawn(process.execPath, args, { detached: true, stdio: ['ignore', 'pipe', 'inherit'] })
    const closed = once(command, 'close')
    const lines: { event: string; step?: string }[] = []
    for await (const line of createInterface({ input: command.stdout })) {
      lines.push(JSON.parse(line) as { event: string })
      if (lines.length === 1) process.kill(-command.pid!, 'SIGINT')
    }
    expect(await closed).toEqual([0, null])
    expect(lines[0]).toMatchObject({ event: 'step', step: 'explored' })
    expect(lines.at(-1)).toMatchObject({ event: 'summary', ok: true, found: [] })
    expect(() => process.kill(-command.pid!, 0)).toThrow('ESRCH')
  })
})
