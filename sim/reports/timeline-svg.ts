import { escapeXml } from './escape.ts'
import type { BalanceSeries, Timeline, TimelineRow } from './timeline.ts'

/** Rows on one page of a timeline: what is read without losing one's place. */
export const ROWS_PER_PAGE = 60

const ROW_PX = 22
// Two lanes fit a page of 390 pixels; lines of the story are read to their end on a wider one, or by scrolling.
export const TIME_PX = 66
const LANE_PX = 146
const WIDTH_PX = 1_000
const HEAD_PX = 30

/** What a page shows, in order: a message between two nodes, or a line of the run's story. */
type Entry = { atMs: number; row: TimelineRow } | { atMs: number; step: string }

/** A page of a timeline: from when to when, and the drawing. */
export interface TimelinePage {
  fromMs: number
  toMs: number
  svg: string
}

/** A timeline as drawings, nodes from left to right and time downwards, one row for each thing that happened. */
export function drawTimeline(
  { nodes, rows, dropped, droppedBefore }: Timeline,
  story: readonly string[]
): TimelinePage[] {
  const gap =
    dropped === 0
      ? []
      : [{ atMs: rows[droppedBefore]!.atMs, step: `${dropped} messages before this are left out` }]
  const entries: Entry[] = [
    ...gap,
    ...rows.map((row) => ({ atMs: row.atMs, row })),
    ...story.flatMap((line) => {
      const match = /^(\d+(?:\.\d+)?) ms (.*)$/s.exec(line)
      return match ? [{ atMs: Number(match[1]), step: match[2]! }] : []
    })
  ].sort((one, other) => one.atMs - other.atMs)
  // Whoever is no node of the topology has a lane as well.
  const lanes = [...new Set([...nodes, ...rows.flatMap(({ from, to }) => [from, to])])]
  const pages: TimelinePage[] = []
  for (let start = 0; start < entries.length; start += ROWS_PER_PAGE) {
    const shown = entries.slice(start, start + ROWS_PER_PAGE)
    pages.push({ fromMs: shown[0]!.atMs, toMs: shown.at(-1)!.atMs, svg: drawPage(lanes, shown) })
  }
  return pages
}

function drawPage(lanes: readonly string[], entries: readonly Entry[]): string {
  const width = Math.max(TIME_PX + lanes.length * LANE_PX, WIDTH_PX)
  const height = HEAD_PX + entries.length * ROW_PX + 10
  const xOf = (lane: string) => TIME_PX + (lanes.indexOf(lane) + 0.5) * LANE_PX
  const heads = lanes.map((lane) => {
    const x = xOf(lane)
    return `<line class="lane" x1="${x}" y1="${HEAD_PX - 6}" x2="${x}" y2="${height}"/><text class="node" x="${x}" y="16" text-anchor="middle">${escapeXml(lane)}</text>`
  })
  const drawn = entries.map((entry, index) => {
    const y = HEAD_PX + (index + 0.5) * ROW_PX
    const time = `<text class="time" x="${TIME_PX - 6}" y="${y + 4}" text-anchor="end">${formatMs(entry.atMs)}</text>`
    return time + ('row' in entry ? drawMessage(entry.row, y, xOf) : drawStep(entry.step, y, width))
  })
  return `<svg role="img" aria-label="messages between nodes" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${heads.join('')}${drawn.join('')}</svg>`
}

function drawMessage(
  { from, to, text, tone, arrivedAtMs, detail }: TimelineRow,
  y: number,
  xOf: (lane: string) => number
): string {
  const [x1, end] = [xOf(from), xOf(to)]
  const sign = Math.sign(end - x1) || 1
  // What never arrived ends half-way, with a cross.
  const x2 = arrivedAtMs === null ? x1 + (end - x1) * 0.6 : end
  const line = `<line class="arrow" x1="${x1}" y1="${y + 5}" x2="${x2}" y2="${y + 5}"/>`
  const tip =
    arrivedAtMs === null
      ? `<path class="cross" d="M${x2 - 4} ${y + 1}l8 8m0 -8l-8 8"/>`
      : `<path class="tip" d="M${x2} ${y + 5}l${-7 * sign} -4v8z"/>`
  const arrival = arrivedAtMs === null ? 'never arrived' : `arrived at ${formatMs(arrivedAtMs)}`
  const label = `<text class="label" x="${(x1 + end) / 2}" y="${y}" text-anchor="middle">${escapeXml(text)}</text>`
  return `<g class="${tone}"><title>${escapeXml(`${text}: ${detail}; ${arrival}`)}</title>${line}${tip}${label}</g>`
}

/** Characters of a step that fit beside the time. */
function drawStep(step: string, y: number, width: number): string {
  const fits = Math.floor((width - TIME_PX - 8) / 6.4)
  const short = step.length > fits ? `${step.slice(0, fits - 1)}…` : step
  return `<g class="step"><title>${escapeXml(step)}</title><rect x="${TIME_PX}" y="${y - ROW_PX / 2 + 2}" width="${width - TIME_PX}" height="${ROW_PX - 4}"/><text x="${TIME_PX + 4}" y="${y + 4}">${escapeXml(short)}</text></g>`
}

/** At most nine characters up to 27 hours: what fits beside a row. */
export function formatMs(ms: number): string {
  if (ms < 999.95) return `${Math.round(ms * 10) / 10} ms`
  return `${(ms / 1_000).toFixed(ms < 999_999 ? 3 : 1)} s`
}

const CHART_WIDTH = 320
const CHART_HEIGHT = 70

/** A balance over time as steps, with its lowest and highest value. */
export function drawBalance({ account, points }: BalanceSeries, endMs: number): string {
  const values = points.map(([, value]) => BigInt(value))
  const low = values.reduce((least, value) => (value < least ? value : least), values[0] ?? 0n)
  const high = values.reduce((most, value) => (value > most ? value : most), values[0] ?? 0n)
  const span = high - low === 0n ? 1n : high - low
  const x = (ms: number) => round((ms / Math.max(endMs, 1)) * CHART_WIDTH)
  // Only where on the drawing a point lies is a number: a thousandth of the height is enough.
  const y = (value: bigint) =>
    round(4 + (1 - Number(((value - low) * 1_000n) / span) / 1_000) * (CHART_HEIGHT - 8))
  const path = points.map(([ms], index) => {
    const at = y(values[index]!)
    return index === 0 ? `M0 ${at}H${x(ms)}` : `H${x(ms)}V${at}`
  })
  const last = values.at(-1)
  const text = low === high ? `${low}` : `${low} to ${high}, in the end ${last}`
  return `<figure><figcaption><b>${escapeXml(account)}</b> ${escapeXml(text)}</figcaption><svg role="img" aria-label="${escapeXml(`balance of ${account}`)}" viewBox="0 0 ${CHART_WIDTH} ${CHART_HEIGHT}"><path class="balance" d="${path.join('')}H${CHART_WIDTH}"/></svg></figure>`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
