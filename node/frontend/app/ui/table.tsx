import type { ReactNode } from 'react'
import { EmptyState } from './page.tsx'

export interface Column<Row> {
  name: string
  cell(row: Row): ReactNode
  /** Numbers stand at the right, so that their digits stand below each other. */
  isNumber?: boolean
}

/** A list. On a phone each row is a card whose cells say their column's name. The first column names the row. */
export function Table<Row>({
  caption,
  columns,
  rows,
  keyOf,
  empty
}: {
  caption: string
  columns: readonly Column<Row>[]
  rows: readonly Row[]
  keyOf(row: Row): string
  /** What to say where there are no rows. */
  empty: ReactNode
}) {
  if (rows.length === 0) return <EmptyState>{empty}</EmptyState>
  return (
    <div className="overflow-x-auto rounded-lg border border-line bg-surface">
      <table className="cards w-full text-left">
        <caption className="sr-only">{caption}</caption>
        <thead className="bg-raised text-sm text-muted">
          <tr>
            {columns.map(({ name, isNumber }) => (
              <th key={name} scope="col" className={`px-4 py-2 font-medium ${isNumber ? 'text-right' : ''}`}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map(({ name, cell, isNumber }, index) =>
                index === 0 ? (
                  <th key={name} scope="row" data-column={name} className="px-4 py-2 font-normal">
                    {cell(row)}
                  </th>
                ) : (
                  <td
                    key={name}
                    data-column={name}
                    className={`px-4 py-2 ${isNumber ? 'tabular-nums md:text-right' : ''}`}
                  >
                    {cell(row)}
                  </td>
                )
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
