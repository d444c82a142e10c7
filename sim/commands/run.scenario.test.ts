import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { createCatalogue } from '../scenarios/catalogue.ts'
import { createWorldPool } from '../worlds/virtual/index.ts'
import { runCommand } from './run.ts'

const catalogue = createCatalogue(path.join(import.meta.dirname, 'test-scenarios'))
/** Two processes: a history that depends on its process has to have two. */
const pool = createWorldPool({ jobs: 2 })
afterAll(() => pool.close())

/** What the command wrote, and its exit status. */
async function lab(...args: string[]): Promise<{ status: number; out: string; err: string }> {
  let out = ''
  let err = ''
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((out += String(text)), true))
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((err += String(text)), true))
  const status = await runCommand(args, catalogue, pool)
  return { status, out, err }
}

afterEach(() => void vi.restoreAllMocks())

describe('lab run, wrongly used', () => {
  it.each([
    [[], /^a scenario is needed/],
    [['nope'], /^unknown scenario "nope"; there are: throws, two-histories, violates$/],
    [
      ['violates', '--world', 'mars'],
      /^unknown world "mars"; there are: virtual, interleave, local, containers$/
    ],
    [['violates', '--world', 'local'], /does not run in the local world, but in: virtual$/],
    [['violates', '--world', 'containers'], /does not run in the containers world, but in: virtual$/],
    [['violates', '--world', 'interleave'], /does not run in the interleave world, but in: virtual$/],
    [
      ['violates', '--ledger', 'postgres'],
      /^--ledger is of the local world and of containers, not of the virtual one$/
    ],
    [
      ['all', '--world', 'local', '--ledger', 'abacus'],
      /^unknown ledger "abacus"; local networks have: postgres, /
    ],
    [['violates', '--seed', '-1'], /^Option '--seed' argument is ambiguous/],
    [['violates', '--seed', '4294967296'], /^--seed needs a whole number from 0 to 4294967295/],
    [['violates', '--seed', '4294967295', '--runs', '2'], /goes beyond the last seed/],
    [['violates', '--runs', '0'], /^--runs needs a whole number from 1/],
    [['violates', '--once', '--twice'], /exclude each other/],
    [['violates', '--report', '/dev/null/x'], /^--report needs a directory that can be written: .*ENOTDIR/],
    [['violates', '--what'], /^Unknown option '--what'/]
  ])('%j is told in one line, exit status 2', async (args, message) => {
    const { status, out, err } = await lab(...args)
    expect(err.trimEnd()).toMatch(message)
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(out).toBe('')
    expect(status).toBe(2)
  })

  it('a scenario whose own code throws is told in one line, exit status 2', async () => {
    const { status, err } = await lab('throws', '--once')
    expect(err.trimEnd()).toMatch(
      /^a scenario failed by itself: throws.*no account "nobody@acacia" in the topology/
    )
    expect(err.trimEnd().split('\n')).toHaveLength(1)
    expect(status).toBe(2)
  })
})

describe('lab run of a scenario that is violated', () => {
  it('prints seed, property, story and last events; exit status 1; the report has the same', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'lab-run-'))
    try {
      const { status, out } = await lab('violates', '--seed', '7', '--once', '--json', '--report', directory)
      const lines = out
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>)
      expect(lines.find(({ event }) => event === 'error')!.message).toMatch(
        /^always is violated: .*money comes from nowhere\nagain: npm run lab -- run violates --world virtual --seed 7\n {2}story [^]*\n {2}event /
      )
      expect(lines.at(-1)).toMatchObject({
        event: 'summary',
        ok: false,
        scenarios: 1,
        runs: 1,
        payments: 1,
        states: { 'violates: a payment at home': 1, 'violates: never': 0 },
        neverReached: ['violates: never']
      })
      const report = JSON.parse(readFileSync(path.join(directory, 'run.json'), 'utf8')) as {
        records: { seed: number; violation: { property: string } }[]
      }
      expect(report.records).toMatchObject([{ seed: 7, violation: { property: 'always' } }])
      const page = readFileSync(path.join(directory, 'index.html'), 'utf8')
      expect(page).toMatch(/money comes from nowhere[^]*npm run lab -- run violates --world virtual --seed 7/)
      expect(page).toMatch(/<b>alice@acacia<\/b>/)
      expect(readFileSync(path.join(directory, 'junit.xml'), 'utf8')).toMatch(
        /<failure type="always" message="/
      )
      expect(status).toBe(1)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('a report that cannot be written is told in one line, after what the runs came to', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'lab-run-'))
    try {
      mkdirSync(path.join(directory, 'index.html'))
      const { status, out } = await lab('violates', '--once', '--json', '--report', directory)
      const summary = JSON.parse(out.trimEnd().split('\n').at(-1)!) as Record<string, unknown>
      expect(summary).toMatchObject({ event: 'summary', ok: false, runs: 1 })
      expect(summary.error).toMatch(/^the report cannot be written: EISDIR.*index\.html/)
      expect(status).toBe(1)
    } finally {
      rmSync(directory, { recursive: true })
    }
  })

  it('a history that does not follow from its seed is a violation that names the first event that differs', async () => {
    const { status, err } = await lab('two-histories')
    expect(err).toMatch(/^determinism is violated: seed 1 has two histories/)
    expect(err).toMatch(/event {2}event \d+ is the first that differs/)
    expect(err).toMatch(/event {2}one: {4}.*timer-set laboratory/)
    expect(status).toBe(1)
  })
})
