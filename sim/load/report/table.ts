import { escapeXml } from '../../reports/escape.ts'

/** A table with more columns keeps its width on a telephone, and is moved sideways. */
const NARROW_COLUMNS = 5
const WIDE_PX = 1_100

/** A table whose cells are text; those of `numbers` (columns, from 0 on) stand at the right. */
export function table(
  heads: readonly string[],
  rows: readonly (readonly string[])[],
  numbers: readonly number[] = []
): string {
  const align = (column: number) => (numbers.includes(column) ? ' class="number"' : '')
  const head = heads.map((text, column) => `<th${align(column)}>${escapeXml(text)}</th>`)
  const body = rows.map(
    (row) => `<tr>${row.map((text, column) => `<td${align(column)}>${escapeXml(text)}</td>`).join('')}</tr>`
  )
  const width = heads.length > NARROW_COLUMNS ? ` style="min-width:${WIDE_PX}px"` : ''
  return `<div class="wide" tabindex="0" role="region" aria-label="${escapeXml(heads[0]!)}"><table${width}><thead><tr>${head.join('')}</tr></thead><tbody>${body.join('')}</tbody></table></div>`
}
