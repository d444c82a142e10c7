import { escapeXml } from './escape.ts'
import { STYLE } from './style.ts'
import { drawBalance, drawTimeline, formatMs } from './timeline-svg.ts'
import type { BalanceSeries, Timeline } from './timeline.ts'

/** One run, as a report shows it. */
export interface ReportedRun {
  scenario: string
  world: string
  seed: number
  ok: boolean
  violation?: { property: string; message: string }
  /** The command that runs it again. */
  again: string
  payments: Record<string, number>
  packets?: number
  worldMs: number
  costMs: number
  hash?: string
  story: readonly string[]
  lastEvents?: readonly string[]
  timeline?: Timeline
}

export interface ReportedSummary {
  ok: boolean
  scenarios: number
  runs: number
  payments: number
  packets: number
  simulatedHours: number
  wallMs: number
  hash?: string
  states: Record<string, number>
}

/**
 * A report as one HTML page that needs nothing else: no script, no font, no image, no network. Every text that a run
 * brought is escaped.
 */
export function htmlOf(summary: ReportedSummary, runs: readonly ReportedRun[]): string {
  const violated = runs.filter(({ violation }) => violation)
  const verdict = summary.ok ? 'all is well' : `${violated.length} of ${runs.length} runs violated`
  const sections = [
    `<header><h1>Laboratory <span class="${summary.ok ? 'well' : 'broken'}">${verdict}</span></h1>${facts(summary)}</header>`,
    ...violated.map(violationOf),
    statesOf(summary.states),
    runsOf(runs),
    ...runs.filter(({ timeline }) => timeline).map(historyOf)
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Laboratory: ${verdict}</title>
<style>${STYLE}</style>
</head>
<body>
${sections.filter((section) => section !== '').join('\n')}
</body>
</html>
`
}

function facts(summary: ReportedSummary): string {
  const { scenarios, runs, payments, packets, simulatedHours, wallMs, hash } = summary
  const entries: [string, string][] = [
    ['scenarios', String(scenarios)],
    ['runs', String(runs)],
    ['payments', String(payments)],
    ['packets', String(packets)],
    ["the world's time", `${simulatedHours} h`],
    ['wall time', `${(wallMs / 1_000).toFixed(1)} s`],
    ...(hash === undefined ? [] : [['hash', hash.slice(0, 12)] as [string, string]])
  ]
  const list = entries.map(([name, value]) => `<div><dt>${name}</dt><dd>${escapeXml(value)}</dd></div>`)
  return `<dl class="facts">${list.join('')}</dl>`
}

function violationOf(run: ReportedRun): string {
  const { scenario, seed, violation, again, story, lastEvents = [] } = run
  return `<section class="violation" id="${idOf('violation', run)}">
<h2><span class="broken">${escapeXml(violation!.property)}</span> ${escapeXml(scenario)}, seed ${seed}</h2>
<p class="message">${escapeXml(violation!.message)}</p>
<h3>Again</h3>
<pre>${escapeXml(again)}</pre>
${linesOf('The end of its story', story.slice(-20), true)}
${linesOf('The last events of its history', lastEvents, false)}
${run.timeline ? `<p><a href="#${idOf('history', run)}">The messages between its nodes</a></p>` : ''}
</section>`
}

function linesOf(title: string, lines: readonly string[], open: boolean): string {
  if (lines.length === 0) return ''
  return `<details${open ? ' open' : ''}><summary>${title} (${lines.length} lines)</summary><pre>${escapeXml(lines.join('\n'))}</pre></details>`
}

function statesOf(states: Record<string, number>): string {
  const entries = Object.entries(states)
  if (entries.length === 0) return ''
  const never = entries.filter(([, count]) => count === 0).length
  const rows = entries.map(
    ([name, count]) =>
      `<tr${count === 0 ? ' class="never"' : ''}><td>${escapeXml(name)}</td><td class="number">${count === 0 ? 'never' : count}</td></tr>`
  )
  const title = never === 0 ? 'all reached' : `${never} of ${entries.length} never reached`
  return `<section><h2>States reached</h2><details${entries.length <= 30 || never > 0 ? ' open' : ''}><summary>${title}</summary><div class="wide"><table><thead><tr><th>state</th><th class="number">times</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></details></section>`
}

/** Runs that a table shows; more are in the JSON. */
const MAX_RUN_ROWS = 1_000

function runsOf(runs: readonly ReportedRun[]): string {
  const rows = runs.slice(0, MAX_RUN_ROWS).map((run) => {
    const { scenario, world, seed, ok, payments, packets, worldMs, costMs, hash } = run
    const ended = Object.entries(payments).map(([state, count]) => `${count} ${state}`)
    const result = ok ? 'ok' : `<a class="broken" href="#${idOf('violation', run)}">violated</a>`
    const name = run.timeline
      ? `<a href="#${idOf('history', run)}">${escapeXml(scenario)}</a>`
      : escapeXml(scenario)
    return `<tr><td>${result}</td><td>${name}</td><td class="number">${seed}</td><td>${world}</td><td>${escapeXml(ended.join(', ') || 'none')}</td><td class="number">${packets ?? ''}</td><td class="number">${formatMs(worldMs)}</td><td class="number">${formatMs(costMs)}</td><td><code>${escapeXml((hash ?? '').slice(0, 12))}</code></td></tr>`
  })
  const more = runs.length > MAX_RUN_ROWS ? `<p>${runs.length - MAX_RUN_ROWS} more are in run.json.</p>` : ''
  const head = (text: string, number = false) => `<th${number ? ' class="number"' : ''}>${text}</th>`
  const heads = [
    ...[head('result'), head('scenario'), head('seed', true), head('world'), head('payments')],
    ...[head('packets', true), head("the world's time", true), head('cost', true), head('hash')]
  ]
  return `<section><h2>Runs</h2><div class="wide"><table><thead><tr>${heads.join('')}</tr></thead><tbody>${rows.join('')}</tbody></table></div>${more}</section>`
}

function historyOf(run: ReportedRun): string {
  const { scenario, seed, story, worldMs } = run
  const timeline = run.timeline!
  const pages = drawTimeline(timeline, story)
  const drawn = pages.map(({ fromMs, toMs, svg }, index) => {
    // The first page, and of a violation the last one, which leads to it.
    const open = index === 0 || (run.violation !== undefined && index === pages.length - 1)
    return `<details${open ? ' open' : ''}><summary>page ${index + 1} of ${pages.length}: ${formatMs(fromMs)} to ${formatMs(toMs)}</summary><div class="wide">${svg}</div></details>`
  })
  const endMs = Math.max(worldMs, ...timeline.balances.flatMap(({ points }) => points.map(([ms]) => ms)))
  const charts = timeline.balances.filter(changed).map((series) => drawBalance(series, endMs))
  const still = timeline.balances
    .filter((series) => !changed(series))
    .map(({ account, points }) => `${account} ${points[0]?.[1] ?? 0}`)
  return `<section id="${idOf('history', run)}"><h2>${escapeXml(scenario)}, seed ${seed}</h2>
<h3>Balances</h3><div class="charts">${charts.join('')}</div>
${still.length === 0 ? '' : `<p class="quiet">unchanged: ${escapeXml(still.join(', '))}</p>`}
<h3>Messages</h3>${drawn.join('\n')}
${linesOf('Its story', story, false)}
</section>`
}

function changed({ points }: BalanceSeries): boolean {
  return points.length > 1
}

function idOf(what: string, { scenario, world, seed }: ReportedRun): string {
  return `${what}-${world}-${scenario.replace(/[^\w-]/g, '_')}-${seed}`
}
