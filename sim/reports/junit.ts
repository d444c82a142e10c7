import { escapeXml } from './escape.ts'
import type { ReportedRun } from './html.ts'

/** The runs as JUnit XML: one suite per scenario, one case per seed, a violation as a failure. */
export function junitOf(runs: readonly ReportedRun[], wallMs: number): string {
  const failures = runs.filter(({ ok }) => !ok).length
  const suites = [...new Set(runs.map(({ scenario }) => scenario))].map((scenario) => {
    const own = runs.filter((run) => run.scenario === scenario)
    const seconds = own.reduce((sum, { costMs }) => sum + costMs, 0) / 1_000
    const failed = own.filter(({ ok }) => !ok).length
    return `  <testsuite name="${escapeXml(scenario)}" tests="${own.length}" failures="${failed}" time="${seconds.toFixed(3)}">\n${own.map(caseOf).join('\n')}\n  </testsuite>`
  })
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="lab run" tests="${runs.length}" failures="${failures}" time="${(wallMs / 1_000).toFixed(3)}">\n${suites.join('\n')}\n</testsuites>\n`
}

function caseOf({
  scenario,
  world,
  seed,
  costMs,
  violation,
  again,
  story,
  lastEvents = []
}: ReportedRun): string {
  const head = `    <testcase classname="${escapeXml(`${world}.${scenario}`)}" name="seed ${seed}" time="${(costMs / 1_000).toFixed(3)}"`
  if (!violation) return `${head}/>`
  const text = [`again: ${again}`, ...story.slice(-20), ...lastEvents].join('\n')
  return `${head}>\n      <failure type="${escapeXml(violation.property)}" message="${escapeXml(violation.message)}">${escapeXml(text)}</failure>\n    </testcase>`
}
