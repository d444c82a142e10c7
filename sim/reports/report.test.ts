import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { htmlOf } from './html.ts'
import type { ReportedRun, ReportedSummary } from './html.ts'
import { junitOf } from './junit.ts'
import { drawTimeline, formatMs, ROWS_PER_PAGE, TIME_PX } from './timeline-svg.ts'
import type { Timeline, TimelineRow } from './timeline.ts'

function rowOf(index: number, changes: Partial<TimelineRow> = {}): TimelineRow {
  const text = `#${index} Prepare 50`
  return {
    ...{
      atMs: index,
      from: 'acacia',
      to: 'baobab',
      text,
      tone: 'ask',
      arrivedAtMs: index + 1,
      detail: 'http'
    },
    ...changes
  }
}

function timelineOf(rows: TimelineRow[]): Timeline {
  const balances = [
    { account: 'alice@acacia', points: [[0, '100'] as [number, string], [5, '50'] as [number, string]] }
  ]
  return { nodes: ['acacia', 'baobab'], rows, dropped: 0, droppedBefore: 0, balances }
}

function runOf(text: string, changes: Partial<ReportedRun> = {}): ReportedRun {
  return {
    ...{ scenario: text, world: 'virtual', seed: 7, ok: false, again: `run ${text}`, payments: { begun: 1 } },
    ...{
      packets: 3,
      worldMs: 1_000,
      costMs: 20,
      hash: 'abcdef',
      story: [`5 ms step: ${text}`, `6 ms end: ${text}`]
    },
    violation: { property: text, message: text },
    lastEvents: [text],
    timeline: timelineOf([rowOf(1, { text, detail: text, to: text }), rowOf(2)]),
    ...changes
  }
}

function summaryOf(text: string, ok = false): ReportedSummary {
  const counts = { scenarios: 1, runs: 1, payments: 1, packets: 3, simulatedHours: 0.1, wallMs: 20 }
  return { ...counts, ok, hash: 'abcdef', states: { [text]: 0, other: 2 } }
}

const count = (text: string, what: string) => text.split(what).length - 1

describe('reports', () => {
  test('what a run brings is text: it adds no tag, no attribute and no entity of its own', () => {
    const nasty = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }),
      fc.constantFrom(
        '<script>alert(1)</script>',
        '"><img src=x onerror=y>',
        "' onload='z",
        ']]>',
        '&lt;',
        '\u0000\ud800'
      )
    )
    const plain = { html: htmlOf(summaryOf('x'), [runOf('x')]), junit: junitOf([runOf('x')], 1) }
    fc.assert(
      fc.property(nasty, (text) => {
        const html = htmlOf(summaryOf(text), [runOf(text)])
        const junit = junitOf([runOf(text)], 1)
        for (const mark of ['<', '>', '"']) {
          expect(count(html, mark)).toBe(count(plain.html, mark))
          expect(count(junit, mark)).toBe(count(plain.junit, mark))
        }

        expect(junit).not.toMatch(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]|&(?!(amp|lt|gt|quot|#39);)/)
      }),
      { numRuns: testCount('reportedTexts') }
    )
  })

  test('a page needs nothing else: no script, no link but to its own parts, no address', () => {
    const html = htmlOf(summaryOf('x'), [runOf('x')])
    expect(html).not.toMatch(/<script|<link|<img|@import|url\(|\bsrc=|https?:/)
    expect([...html.matchAll(/href="([^"]*)"/g)].every(([, to]) => to!.startsWith('#'))).toBe(true)
    const targets = [...html.matchAll(/href="#([^"]*)"/g)].map(([, to]) => to!)
    expect(targets.length).toBeGreaterThan(0)
    for (const target of targets) expect(html).toContain(`id="${target}"`)
  })

  test('a violation comes first, with its property, the command that shows it again, story and last events', () => {
    const html = htmlOf(summaryOf('x'), [
      runOf('fine', { ok: true, violation: undefined! }),
      runOf('broken-one')
    ])
    expect(html).toContain('1 of 2 runs violated')
    expect(html.indexOf('run broken-one')).toBeLessThan(html.indexOf('States reached'))
    expect(html).toContain('6 ms end: broken-one')
  })

  test('a state that was never reached is told, and a run that is well says so', () => {
    expect(htmlOf(summaryOf('rare'), [])).toMatch(/1 of 2 never reached.*<tr class="never"><td>rare<\/td>/)
    expect(htmlOf(summaryOf('x', true), [])).toContain('all is well')
  })

  test('the table of runs has a head for each cell', () => {
    const [, head, row] = /<h2>Runs<[^]*?<thead>(.*?)<\/thead><tbody>(.*?)<\/tbody>/.exec(
      htmlOf(summaryOf('x'), [runOf('x')])
    )!
    expect(count(head!, '<th')).toBe(9)
    expect(count(row!, '<td')).toBe(9)
    expect(head).toMatch(/result.*scenario.*seed.*world.*payments.*packets.*time.*cost.*hash/)
  })

  test('a time fits beside its row', () => {
    expect([0.25, 999.94, 999.97, 4_137.8, 126_757, 3_613_900].map(formatMs)).toEqual([
      ...['0.3 ms', '999.9 ms', '1.000 s', '4.138 s', '126.757 s', '3613.9 s']
    ])
    const times = fc.double({ min: 0, max: 24 * 3_600_000, noNaN: true })
    // Characters of the drawing's font are 6.6 wide.
    fc.assert(fc.property(times, (ms) => formatMs(ms).length * 6.6 <= TIME_PX - 6))
  })

  test('a long history is drawn on pages, each message once and in order, the story between', () => {
    const rows = Array.from({ length: 150 }, (_, index) => rowOf(index))
    const pages = drawTimeline(timelineOf(rows), ['70.5 ms fault: a crash', 'no time'])
    expect(pages).toHaveLength(Math.ceil(151 / ROWS_PER_PAGE))
    const drawn = pages.flatMap(({ svg }) => [...svg.matchAll(/>(#\d+ Prepare 50|fault: a crash)<\/text>/g)])
    expect(drawn.map(([, text]) => text)).toEqual([
      ...rows.slice(0, 71).map(({ text }) => text),
      'fault: a crash',
      ...rows.slice(71).map(({ text }) => text)
    ])
    expect(pages[1]).toMatchObject({ fromMs: 60, toMs: 118 })
  })

  test('a message that never arrived ends before the other node, with a cross', () => {
    const [page] = drawTimeline(timelineOf([rowOf(1, { arrivedAtMs: null }), rowOf(2)]), [])
    expect(count(page!.svg, 'class="cross"')).toBe(1)
    expect(count(page!.svg, 'class="tip"')).toBe(1)
    expect(page!.svg).toContain('never arrived')
  })

  test('JUnit: a suite per scenario, a case per seed, a violation as its failure', () => {
    const runs = [runOf('a', { ok: true, violation: undefined! }), runOf('a', { seed: 8 }), runOf('b')]
    const xml = junitOf(runs, 1_500)
    expect(xml).toContain('<testsuites name="lab run" tests="3" failures="2" time="1.500">')
    expect(xml).toContain('<testsuite name="a" tests="2" failures="1"')
    expect(xml).toMatch(
      /<testcase classname="virtual.a" name="seed 8" time="0.020">\s*<failure type="a" message="a">again: run a/
    )
  })
})
