import { escapeXml } from '../../reports/escape.ts'
import { STYLE } from '../../reports/style.ts'
import { describeArrivals } from '../engine/arrivals.ts'
import type { LoadReport, StageRecord } from '../engine/model.ts'
import { drawLines, shortNumber } from './line-chart.ts'
import type { Line } from './line-chart.ts'
import { headline, rate } from './summary.ts'
import { table } from './table.ts'
import { drawTopology } from './topology-svg.ts'

const LOAD_STYLE = `
.lead { font-size: 1.1rem; max-width: 70ch; }
.line { fill: none; stroke: currentColor; stroke-width: 1.6; vector-effect: non-scaling-stroke; }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 6px 0 0; padding: 0; font-size: .82rem; }
.colour-0 { color: #1f5fbf; } .colour-1 { color: #b3261e; } .colour-2 { color: #14743c; } .colour-3 { color: #8a5a00; } .colour-4 { color: #7a3fb0; } .colour-5 { color: #0b6f7a; }
@media (prefers-color-scheme: dark) { .colour-0 { color: #7fb0f5; } .colour-1 { color: #f28b82; } .colour-2 { color: #6cc98e; } .colour-3 { color: #e2b45c; } .colour-4 { color: #c9a2f0; } .colour-5 { color: #6fd0dc; } }
.topology { width: 100%; height: auto; } .topology rect { fill: var(--soft); stroke: var(--line); } .topology .node rect, .topology g.node rect { stroke: var(--ask); }
.charts { grid-template-columns: repeat(auto-fill, minmax(min(430px, 100%), 1fr)); }
`

/**
 * A load run as one HTML page that needs nothing else: no script, no font, no image, no network. Every text that the run
 * brought is escaped.
 */
export function loadHtmlOf(report: LoadReport): string {
  const title = `Load: ${report.kind}, ${report.topology.name}`
  const sections = [
    `<header><h1>${escapeXml(title)} <span class="${report.ok ? 'well' : 'broken'}">${report.ok ? 'it adds up' : 'it failed'}</span></h1>
<p class="lead">${escapeXml(headline(report))}</p>${problemsOf(report)}${drawTopology(report.topology)}</header>`,
    stagesOf(report),
    chartsOf(report),
    thresholdsOf(report),
    reconciliationOf(report),
    sendersOf(report),
    slopesOf(report),
    profilesOf(report),
    saturationOf(report),
    aboutOf(report)
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeXml(title)}</title>
<style>${STYLE}${LOAD_STYLE}</style>
</head>
<body>
<main>
${sections.filter((section) => section !== '').join('\n')}
</main>
</body>
</html>
`
}

function problemsOf({ problems }: LoadReport): string {
  if (problems.length === 0) return ''
  return `<div class="violation"><ul>${problems.map((problem) => `<li class="message">${escapeXml(problem)}</li>`).join('')}</ul></div>`
}

function stagesOf({ stages, unit, limit }: LoadReport): string {
  const rows = stages.map((stage, index) => [
    stage.name + (limit?.stage === index ? ' (the limit)' : ''),
    describeArrivals(stage.arrivals),
    `${rate(stage.completedPerSecond)}/s`,
    `${stage.latency.p50Ms} ms`,
    `${stage.latency.p99Ms} ms`,
    `${stage.latency.maxMs} ms`,
    String(stage.failed + stage.dropped),
    stage.broke === undefined ? 'does not count' : stage.broke.length === 0 ? 'held' : stage.broke.join('; '),
    stage.saturation.by ?? 'nothing was full'
  ])
  return `<section><h2>What was offered, and what came of it</h2>${table(
    ['stage', 'offered', `${unit} carried`, 'p50', 'p99', 'longest', 'failed', 'bounds', 'full'],
    rows,
    [2, 3, 4, 5, 6]
  )}${outcomesOf(stages)}</section>`
}

function outcomesOf(stages: readonly StageRecord[]): string {
  const sums = new Map<string, number>()
  for (const { outcomes } of stages) {
    for (const [name, count] of Object.entries(outcomes)) sums.set(name, (sums.get(name) ?? 0) + count)
  }
  const rows = [...sums].sort((a, b) => b[1] - a[1]).map(([name, count]) => [name, String(count)])
  return `<details><summary>How calls ended (${rows.length})</summary>${table(['outcome', 'calls'], rows, [1])}</details>`
}

function chartsOf({ stages, processes, unit }: LoadReport): string {
  const seconds = stages.flatMap((stage) =>
    stage.seconds.map((second) => ({ ...second, x: stage.startedAtS + second.atS }))
  )
  const ofSeconds = (
    name: string,
    value: (second: (typeof seconds)[number]) => number,
    dashed = false
  ): Line => ({
    name,
    dashed,
    points: seconds.map((second) => ({ x: second.x, y: value(second) }))
  })
  const ofProcesses = (
    value: (sample: (typeof processes)[number]['samples'][number]) => number | undefined
  ) =>
    processes.map(({ name, samples }): Line => ({
      name,
      points: samples.flatMap((sample) => {
        const y = value(sample)
        return y === undefined ? [] : [{ x: sample.atS, y }]
      })
    }))
  const last = stages.filter(({ counts }) => counts).at(-1) ?? stages.at(-1)
  const charts = [
    drawLines({
      title: 'Throughput against what was offered',
      unit: `${unit} per second`,
      lines: [
        ofSeconds('offered', ({ offered }) => offered, true),
        ofSeconds('failed', ({ failed }) => failed),
        ofSeconds('completed', ({ completed }) => completed)
      ]
    }),
    drawLines({
      title: 'Latency',
      unit: 'ms',
      scale: 'log',
      lines: [
        ofSeconds('p50', ({ p50Ms }) => p50Ms),
        ofSeconds('p95', ({ p95Ms }) => p95Ms),
        ofSeconds('p99', ({ p99Ms }) => p99Ms)
      ].map((line) => ({ ...line, points: line.points.filter(({ y }) => y > 0) }))
    }),
    last
      ? drawLines({
          title: `Latency by percentile, ${last.name}`,
          unit: 'ms',
          xLabel: '%',
          lines: [
            {
              name: last.name,
              points: [
                { x: 50, y: last.latency.p50Ms },
                { x: 90, y: last.latency.p90Ms },
                { x: 95, y: last.latency.p95Ms },
                { x: 99, y: last.latency.p99Ms },
                { x: 99.9, y: last.latency.p999Ms },
                { x: 100, y: last.latency.maxMs }
              ]
            }
          ]
        })
      : '',
    drawLines({ title: 'Processors used', unit: 'of one', lines: ofProcesses(({ cpuShare }) => cpuShare) }),
    drawLines({
      title: 'Memory',
      unit: 'MB',
      lines: ofProcesses(({ residentBytes }) => residentBytes / 2 ** 20)
    }),
    drawLines({
      title: 'Event-loop delay, p99',
      unit: 'ms',
      lines: ofProcesses(({ eventLoopDelayP99Ms }) => eventLoopDelayP99Ms)
    }),
    drawLines({
      title: 'Open files and sockets',
      unit: 'number',
      lines: ofProcesses(({ handles }) => handles)
    })
  ]
  return `<section><h2>Over the run</h2><div class="charts">${charts.join('')}</div></section>`
}

function reconciliationOf({ reconciliation: { ok, counts, orphans } }: LoadReport): string {
  const rows = counts.map(({ what, count, amount }) => [
    what,
    count === undefined ? '' : String(count),
    amount ?? ''
  ])
  const lost =
    orphans.length === 0
      ? '<p>Nobody has what another has not.</p>'
      : table(
          ['orphans', 'packets', 'minor units', 'cause'],
          orphans.map(({ where, count, amount, cause }) => [where, String(count), amount, cause]),
          [1, 2]
        )
  return `<section><h2>Reconciliation <span class="${ok ? 'well' : 'broken'}">${ok ? 'all counted the same, or it is explained' : 'it does not add up'}</span></h2>${table(['who', 'count', 'minor units'], rows, [1, 2])}${lost}</section>`
}

function thresholdsOf({ thresholds }: LoadReport): string {
  if (!thresholds) return ''
  const rows = thresholds.map(({ name, ok }) => [name, ok ? 'held' : 'broken'])
  return `<section><h2>Thresholds of k6 in the last stage</h2>${table(['threshold', ''], rows)}</section>`
}

function sendersOf({ senders }: LoadReport): string {
  if (!senders) return ''
  const rows = senders.map(({ senders: count, packetsPerSecond, moneyPerSecond, asset }) => [
    String(count),
    rate(packetsPerSecond),
    `${moneyPerSecond} ${asset}`
  ])
  return `<section><h2>STREAM senders</h2>${table(['senders', 'packets per second', 'money per second'], rows, [0, 1, 2])}</section>`
}

function slopesOf({ slopes }: LoadReport): string {
  if (!slopes) return ''
  const rows = slopes.map(({ what, unit, mean, perHour, low, high, isFlat }) => [
    what,
    `${shortNumber(mean)} ${unit}`,
    `${shortNumber(perHour)} ${unit}`,
    `${shortNumber(low)} to ${shortNumber(high)}`,
    isFlat ? 'flat' : 'changes'
  ])
  return `<section><h2>Slopes</h2><p class="quiet">Least squares over the means of parts of the run, and the 95 % interval; flat: zero lies within it.</p>${table(['what', 'mean', 'per hour', 'interval', ''], rows, [1, 2, 3])}</section>`
}

function profilesOf({ profiles, unit }: LoadReport): string {
  if (!profiles) return ''
  const parts = profiles.map(
    ({ process, calls, steps }) =>
      `<h3>${escapeXml(process)}</h3>${table(
        [`step, over ${calls} ${unit}`, 'µs each', 'part'],
        steps.map(({ step, microseconds, share }) => [
          step,
          microseconds.toFixed(1),
          `${Math.round(share * 100)} %`
        ]),
        [1, 2]
      )}`
  )
  return `<section><h2>Processor time by step</h2>${parts.join('')}</section>`
}

function saturationOf({ stages }: LoadReport): string {
  const last = stages.at(-1)
  if (!last) return ''
  const rows = last.saturation.busiest.map(({ what, share, detail }) => [
    what,
    `${Math.round(share * 100)} %`,
    detail
  ])
  return `<section><h2>How busy things were in the last stage</h2>${table(['what', 'busy', 'in figures'], rows, [1])}</section>`
}

function aboutOf(report: LoadReport): string {
  const { command, startedAt, machine, commit, seed, versions, settings, bounds, engine } = report
  const rows = [
    ['command', command],
    ['started', startedAt],
    ['machine', machine],
    ['commit', commit ?? 'outside a checkout'],
    ['seed', String(seed)],
    ['engine', engine],
    ['bounds', `p99 up to ${bounds.p99Ms} ms, up to ${bounds.errorShare * 100} % failed`],
    ...Object.entries(versions),
    ...Object.entries(settings).map(([name, value]) => [name, String(value)])
  ]
  return `<section><h2>How to repeat it</h2>${table(['what', ''], rows)}</section>`
}
