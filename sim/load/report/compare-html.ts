import { escapeXml } from '../../reports/escape.ts'
import { STYLE } from '../../reports/style.ts'
import type { LoadReport } from '../engine/model.ts'
import { compareReports, differences } from './compare.ts'
import { shortNumber } from './line-chart.ts'
import { headline } from './summary.ts'
import { table } from './table.ts'

/** Two runs side by side, as one HTML page that needs nothing else. */
export function compareHtmlOf(a: LoadReport, b: LoadReport): string {
  const rows = compareReports(a, b).map(({ what, unit, a: first, b: second, ratio }) => [
    what,
    `${shortNumber(first)} ${unit}`,
    `${shortNumber(second)} ${unit}`,
    ratio === undefined ? '–' : ratio.toFixed(2)
  ])
  const different = differences(a, b)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Two load runs</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Two load runs</h1>
<p><strong>A</strong>, ${escapeXml(a.startedAt)}: ${escapeXml(headline(a))}</p>
<p><strong>B</strong>, ${escapeXml(b.startedAt)}: ${escapeXml(headline(b))}</p>
<section><h2>Figures</h2>${table(['figure', 'A', 'B', 'B / A'], rows, [1, 2, 3])}</section>
<section><h2>What else differs</h2>${different.length === 0 ? '<p>Nothing.</p>' : `<ul>${different.map((line) => `<li>${escapeXml(line)}</li>`).join('')}</ul>`}</section>
</main>
</body>
</html>
`
}
