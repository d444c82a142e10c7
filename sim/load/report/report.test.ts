import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { LOAD_KINDS, PROCESS_ROLES } from '../engine/model.ts'
import type { LoadReport, StageRecord } from '../engine/model.ts'
import { compareHtmlOf } from './compare-html.ts'
import { compareReports, differences } from './compare.ts'
import { NoReportError, readLoadReport, writeLoadReport } from './files.ts'
import { loadHtmlOf } from './html.ts'
import { mainStage } from './summary.ts'

const directory = mkdtempSync(path.join(os.tmpdir(), 'load-report-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Text with all that a page could trip over. */
const text = fc.string({ unit: fc.constantFrom('a', 'é', '<', '>', '&', '"', "'", ' ', '{', '\u0000') })
/** Three decimals, as histograms and looks have them. */
const number = fc.integer({ min: 0, max: 1_000_000_000 }).map((thousandths) => thousandths / 1_000)
const count = fc.nat(1_000_000)
const latency = fc.record({
  p50Ms: number,
  p90Ms: number,
  p95Ms: number,
  p99Ms: number,
  p999Ms: number,
  maxMs: number
})
const stage: fc.Arbitrary<StageRecord> = fc.record({
  name: text,
  arrivals: fc.oneof(
    fc.record({ kind: fc.constant('rate' as const), perSecond: number }),
    fc.record({ kind: fc.constant('ramp' as const), fromPerSecond: number, toPerSecond: number }),
    fc.record({ kind: fc.constant('closed' as const), callers: count })
  ),
  counts: fc.boolean(),
  startedAtS: number,
  elapsedMs: count,
  offered: count,
  completed: count,
  failed: count,
  dropped: count,
  completedPerSecond: number,
  latency,
  outcomes: fc.dictionary(text, count, { maxKeys: 4 }),
  generatorLagMs: number,
  seconds: fc.array(
    fc.record({
      atS: count,
      offered: count,
      completed: count,
      failed: count,
      p50Ms: number,
      p95Ms: number,
      p99Ms: number
    }),
    { maxLength: 12 }
  ),
  saturation: fc.record({
    by: fc.option(text, { nil: undefined }),
    busiest: fc.array(fc.record({ what: text, share: number, detail: text }), { maxLength: 3 })
  })
})
const report = fc.record({
  version: fc.constant(1 as const),
  kind: fc.constantFrom(...LOAD_KINDS),
  engine: fc.constant('built-in' as const),
  mode: fc.constantFrom('rate' as const, 'ramp' as const, 'closed' as const, 'search' as const),
  unit: text,
  command: text,
  startedAt: text,
  seed: count,
  machine: text,
  commit: fc.option(text, { nil: undefined }),
  versions: fc.dictionary(text, text, { maxKeys: 3 }),
  settings: fc.dictionary(text, fc.oneof(text, count, fc.boolean()), { maxKeys: 3 }),
  topology: fc.record({
    name: text,
    nodes: fc.array(
      fc.record({
        name: text,
        role: fc.constantFrom('generator' as const, 'node' as const, 'peer' as const),
        detail: text,
        column: fc.nat(3)
      }),
      { minLength: 1, maxLength: 5 }
    ),
    links: fc.array(fc.record({ from: text, to: text, detail: text }), { maxLength: 4 })
  }),
  bounds: fc.record({ p99Ms: number, errorShare: number }),
  stages: fc.array(stage, { minLength: 1, maxLength: 4 }),
  processes: fc.array(
    fc.record({
      name: text,
      role: fc.constantFrom(...PROCESS_ROLES),
      samples: fc.array(fc.record({ atS: number, cpuShare: number, residentBytes: count }), { maxLength: 5 })
    }),
    { maxLength: 3 }
  ),
  reconciliation: fc.record({
    ok: fc.boolean(),
    counts: fc.array(fc.record({ what: text, count, amount: text }), { maxLength: 3 }),
    orphans: fc.array(fc.record({ where: text, count, amount: text, cause: text }), { maxLength: 2 }),
    problems: fc.array(text, { maxLength: 2 })
  }),
  ok: fc.boolean(),
  problems: fc.array(text, { maxLength: 2 })
}) as fc.Arbitrary<LoadReport>

/** Every tag that is opened is closed, in order; nothing of another host, no script. */
function expectWholePage(html: string): void {
  const open: string[] = []
  for (const [, slash, name, rest] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)((?:[^<>"]|"[^"]*")*)>/g)) {
    if (['meta', 'line', 'path', 'rect', 'br'].includes(name!) || rest!.endsWith('/')) continue
    if (slash === '') open.push(name!)
    else expect(open.pop()).toBe(name)
  }
  expect(open).toEqual([])
  expect(html).not.toMatch(/NaN|undefined|Infinity|\[object/)
  expect(html).not.toMatch(/<script|src=|href=|@import|url\(/)
}

describe('the page of a load run', () => {
  it('is whole, whatever a run brought, and shows it as text', () => {
    fc.assert(
      fc.property(report, (run) => expectWholePage(loadHtmlOf(run))),
      { numRuns: 150 }
    )
  })

  it('of two runs is whole, too', () => {
    fc.assert(
      fc.property(report, report, (a, b) => expectWholePage(compareHtmlOf(a, b))),
      { numRuns: 60 }
    )
  })
})

describe('a comparison', () => {
  it('has ratios that turn over with the order, and are 1 for the same run', () => {
    fc.assert(
      fc.property(report, report, (a, b) => {
        const there = compareReports(a, b)
        for (const { what, ratio } of there) {
          const back = compareReports(b, a).find((figure) => figure.what === what)?.ratio
          if (ratio !== undefined && ratio !== 0 && back !== undefined) expect(ratio * back).toBeCloseTo(1, 6)
        }
        for (const { ratio } of compareReports(a, a)) expect(ratio ?? 1).toBeCloseTo(1)
        expect(differences(a, a)).toEqual([])
      })
    )
  })

  it('is of the stage that the run is about: the limit of a search', () => {
    fc.assert(
      fc.property(report, fc.nat(3), (run, index) => {
        const at = index % run.stages.length
        const searched = { ...run, limit: { perSecond: 1, stage: at, saturatedBy: undefined } }
        expect(mainStage(searched)).toBe(run.stages[at])
      })
    )
  })
})

describe('the files of a run', () => {
  it('are read as they were written, by file and by directory', () => {
    fc.assert(
      fc.property(report, (run) => {
        writeLoadReport(directory, run)
        const asJson = JSON.parse(JSON.stringify(run)) as unknown
        expect(readLoadReport(directory)).toEqual(asJson)
        expect(readLoadReport(path.join(directory, 'load.json'))).toEqual(asJson)
      }),
      { numRuns: 20 }
    )
  })

  it.each([
    ['nothing.json', undefined, /cannot be read: ENOENT/],
    ['text.json', 'hello', /is no JSON/],
    ['other.json', '{"version":1,"scenarios":3}', /is no report of lab load/],
    ['later.json', '{"version":2}', /of version 2; this reads version 1/],
    ['null.json', 'null', /is no report of lab load/]
  ])('%s is refused in one line', (name, content, message) => {
    const file = path.join(directory, name)
    if (content !== undefined) writeFileSync(file, content)
    expect(() => readLoadReport(file)).toThrow(NoReportError)
    expect(() => readLoadReport(file)).toThrow(message)
  })
})
