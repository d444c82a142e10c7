import { Amount } from '../ui/amount.tsx'
import { layOut } from './where-money-is.ts'
import type { MoneyPart } from './where-money-is.ts'

const FILLS = {
  moved: 'fill-good',
  held: 'fill-accent',
  underWay: 'fill-warn',
  outside: 'fill-field-line'
} as const

const WIDTH = 600
const HEIGHT = 24

/** The parts of a payment's money: a line that shows them at one look, and the same in words and exact amounts. */
export function MoneyPicture({
  caption,
  parts,
  code,
  scale
}: {
  caption: string
  parts: readonly MoneyPart[]
  code: string
  scale: number
}) {
  const places = layOut(parts, WIDTH)
  return (
    <div className="flex flex-col gap-4">
      {/* The table says the same, so that the picture needs no words of its own. */}
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        aria-hidden="true"
        className="h-6 w-full rounded bg-raised"
      >
        {parts.map(({ name, look }, index) => (
          <rect
            key={name}
            x={places[index]!.start}
            width={places[index]!.length}
            height={HEIGHT}
            strokeWidth={1}
            className={`${FILLS[look]} stroke-surface`}
          />
        ))}
      </svg>
      <table className="cards w-full text-left">
        <caption className="sr-only">{caption}</caption>
        <thead className="text-sm text-muted">
          <tr>
            <th scope="col" className="py-1 pr-4 font-medium">
              Where
            </th>
            <th scope="col" className="px-4 py-1 text-right font-medium">
              Amount
            </th>
            <th scope="col" className="py-1 pl-4 font-medium">
              What that means
            </th>
          </tr>
        </thead>
        <tbody>
          {parts.map(({ name, value, meaning, look }) => (
            <tr key={name} className="align-baseline">
              <th scope="row" data-column="Where" className="whitespace-nowrap py-1 pr-4 font-medium">
                <svg viewBox="0 0 12 12" aria-hidden="true" className="mr-2 inline-block size-3">
                  <rect width={12} height={12} rx={2} className={FILLS[look]} />
                </svg>
                {name}
              </th>
              <td data-column="Amount" className="px-4 py-1 md:text-right">
                <Amount value={value} code={code} scale={scale} />
              </td>
              <td data-column="What that means" className="py-1 pl-4 text-muted">
                {meaning}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
