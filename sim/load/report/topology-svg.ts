import { escapeXml } from '../../reports/escape.ts'
import type { DrawnTopology } from '../engine/model.ts'

const [BOX, GAP, ROW, HEIGHT] = [186, 56, 64, 44]
/** Of the small print, in a box. */
const CHARACTERS = 27

/** Who sends to whom: boxes in columns, arrows between them. */
export function drawTopology({ nodes, links }: DrawnTopology): string {
  const columns = [...new Set(nodes.map(({ column }) => column))].sort((a, b) => a - b)
  const rows = columns.map((column) => nodes.filter((node) => node.column === column))
  const tallest = Math.max(...rows.map((row) => row.length))
  const width = columns.length * BOX + (columns.length - 1) * GAP + 2
  const height = tallest * ROW + 24
  const place = new Map(
    rows.flatMap((row, column) =>
      row.map((node, index) => {
        const y = 12 + (tallest * ROW - row.length * ROW) / 2 + index * ROW
        return [node.name, { x: 1 + column * (BOX + GAP), y }] as const
      })
    )
  )
  const boxes = nodes.map(({ name, detail, role }) => {
    const { x, y } = place.get(name)!
    return `<g class="box ${role}"><rect x="${x}" y="${y}" width="${BOX}" height="${HEIGHT}" rx="6"/><text class="node" x="${x + BOX / 2}" y="${y + 18}" text-anchor="middle">${escapeXml(name)}</text><text x="${x + BOX / 2}" y="${y + 34}" text-anchor="middle">${escapeXml(cut(detail))}</text></g>`
  })
  const arrows = links.map(({ from, to }) => {
    const [a, b] = [place.get(from), place.get(to)]
    if (!a || !b) return ''
    const [x1, y1, x2, y2] = [a.x + BOX, a.y + HEIGHT / 2, b.x - 6, b.y + HEIGHT / 2]
    return `<line class="arrow ask" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/><path class="tip ask" d="M${x2 + 6} ${y2}l-8 -4v8z"/>`
  })
  const list = links.map(
    ({ from, to, detail }) => `<li>${escapeXml(from)} → ${escapeXml(to)}: ${escapeXml(detail)}</li>`
  )
  return `<div class="wide"><svg class="topology" viewBox="0 0 ${width} ${height}" style="min-width:${Math.min(width, 520)}px;max-width:${width}px" role="img" aria-label="${escapeXml(links.map(({ from, to }) => `${from} to ${to}`).join(', '))}">${arrows.join('')}${boxes.join('')}</svg></div>
<details><summary>Links</summary><ul>${list.join('')}</ul></details>`
}

function cut(text: string): string {
  return text.length <= CHARACTERS ? text : `${text.slice(0, CHARACTERS - 1)}…`
}
