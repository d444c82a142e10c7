import { escapeXml } from '../../reports/escape.ts'

export interface Line {
  name: string
  points: readonly { x: number; y: number }[]
  /** Drawn as steps of dashes: what was asked for, beside what came. */
  dashed?: boolean
}

export interface LineChart {
  title: string
  /** Of the values, such as `ms`. */
  unit: string
  lines: readonly Line[]
  scale?: 'linear' | 'log'
  /** What the horizontal axis counts; seconds unless it says otherwise. */
  xLabel?: string
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [560, 220, 56, 12, 10, 28]
const COLOURS = 6
/** More points than pixels say nothing more. */
const MAX_POINTS = 400

/** A chart as SVG, without a script: lines told apart by colour and dash, named in a legend of text below it. */
export function drawLines({ title, unit, lines, scale = 'linear', xLabel = 's' }: LineChart): string {
  const drawn = lines.filter(({ points }) => points.length > 0)
  const all = drawn.flatMap(({ points }) => points)
  if (all.length === 0) return ''
  const maxX = Math.max(...all.map(({ x }) => x))
  const minX = Math.min(...all.map(({ x }) => x))
  const positive = all.map(({ y }) => y).filter((y) => y > 0)
  const top = niceAbove(Math.max(...all.map(({ y }) => y), scale === 'log' ? 1 : 0))
  // Six powers of ten are more than a reader tells apart.
  const lowest = Math.max(Math.min(...positive, top / 10), top / 1e6)
  const bottom = scale === 'log' ? 10 ** Math.floor(Math.log10(lowest)) : 0
  const toX = (x: number) => LEFT + ((x - minX) / Math.max(1e-9, maxX - minX)) * (WIDTH - LEFT - RIGHT)
  const part = (y: number) =>
    scale === 'log'
      ? (Math.log10(Math.max(y, bottom)) - Math.log10(bottom)) / (Math.log10(top) - Math.log10(bottom) || 1)
      : y / (top || 1)
  const toY = (y: number) => HEIGHT - BOTTOM - part(y) * (HEIGHT - TOP - BOTTOM)
  const grid = ticks(bottom, top, scale).map(
    (value) =>
      `<line class="lane" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${round(toY(value))}" y2="${round(toY(value))}"/>` +
      `<text x="${LEFT - 6}" y="${round(toY(value)) + 4}" text-anchor="end">${shortNumber(value)}</text>`
  )
  const xTicks = [minX, (minX + maxX) / 2, maxX].map(
    (x, index) =>
      `<text x="${round(toX(x))}" y="${HEIGHT - 8}" text-anchor="${['start', 'middle', 'end'][index]}">${shortNumber(x)} ${escapeXml(xLabel)}</text>`
  )
  const paths = drawn.map(({ points, dashed }, index) => {
    const text = thinned(points)
      .map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${round(toX(x))} ${round(toY(y))}`)
      .join('')
    return `<path class="line colour-${index % COLOURS}" d="${text}"${dashed ? ' stroke-dasharray="5 4"' : ''}/>`
  })
  const legend = drawn.map(
    ({ name, dashed }, index) =>
      `<li class="colour-${index % COLOURS}"><span aria-hidden="true">${dashed ? '┄' : '━'}</span> ${escapeXml(name)}</li>`
  )
  return `<figure><figcaption>${escapeXml(title)}, ${escapeXml(unit)}${scale === 'log' ? ' (logarithmic)' : ''}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeXml(`${title}, ${unit}: ${describe(drawn)}`)}">${grid.join('')}${xTicks.join('')}${paths.join('')}</svg>
<ul class="legend">${legend.join('')}</ul></figure>`
}

/** What the lines show, for who cannot see them. */
function describe(lines: readonly Line[]): string {
  return lines
    .map(({ name, points }) => {
      const values = points.map(({ y }) => y)
      return `${name} from ${shortNumber(Math.min(...values))} to ${shortNumber(Math.max(...values))}`
    })
    .join(', ')
}

function thinned(points: Line['points']): Line['points'] {
  const step = Math.ceil(points.length / MAX_POINTS)
  return step <= 1 ? points : points.filter((_, index) => index % step === 0 || index === points.length - 1)
}

/** 1, 2 or 5 times a power of ten, not below the value. */
function niceAbove(value: number): number {
  if (value <= 0) return 1
  const power = 10 ** Math.floor(Math.log10(value))
  const factor = [1, 2, 5, 10].find((candidate) => candidate * power >= value)!
  return factor * power
}

function ticks(bottom: number, top: number, scale: 'linear' | 'log'): number[] {
  if (scale === 'linear') return [0, top / 4, top / 2, (top * 3) / 4, top]
  const all: number[] = []
  for (let value = bottom; value <= top; value *= 10) all.push(value)
  if (all.at(-1) !== top) all.push(top)
  return all
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** Few digits, exact enough for an axis. */
export function shortNumber(value: number): string {
  const size = Math.abs(value)
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`
  if (size >= 1e4) return `${Number((value / 1e3).toPrecision(3))}k`
  return String(Number(value.toPrecision(3)))
}
