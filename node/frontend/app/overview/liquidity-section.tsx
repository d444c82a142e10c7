import { Link } from '@remix-run/react'
import { Meter } from 'react-aria-components'
import { formatAmount } from '../money.ts'
import { Amount } from '../ui/amount.tsx'
import { Badge } from '../ui/badge.tsx'
import { Table } from '../ui/table.tsx'
import { TenantName } from '../ui/tenant-name.tsx'
import { isLow, meterPercent } from './liquidity.ts'
import type { Account, LiquidityList } from './liquidity.ts'

/** What they are called: one of them, and several. */
interface Noun {
  one: string
  many: string
}

/** Accounts of one kind, the most urgent first. */
export function Liquidity({
  noun,
  all,
  list: { shown, total, low, hasMore },
  empty,
  hasTenants
}: {
  noun: Noun
  /** The page of all of them. */
  all: string
  list: LiquidityList
  empty: string
  hasTenants: boolean
}) {
  return (
    <>
      {total > 0 && <p>{summaryOf(noun, { total, low, hasMore })}</p>}
      <Table
        caption={`Liquidity of ${noun.many}, the most urgent first`}
        rows={shown}
        keyOf={({ id }) => id}
        empty={empty}
        columns={[
          {
            name: 'Name',
            cell: ({ name, page }) => (
              <Link to={page} className="break-words text-accent underline md:inline-block md:min-w-28">
                {name}
              </Link>
            )
          },
          {
            name: 'Liquidity',
            isNumber: true,
            cell: ({ liquidity, code, scale }) => <Amount value={liquidity} code={code} scale={scale} />
          },
          {
            name: 'Low mark',
            isNumber: true,
            cell: ({ lowMark, code, scale }) =>
              lowMark === null ? 'None' : <Amount value={lowMark} code={code} scale={scale} />
          },
          { name: 'Level', cell: (account) => <Level account={account} /> },
          ...(hasTenants
            ? [{ name: 'Tenant', cell: ({ tenant }: Account) => <TenantName tenant={tenant} /> }]
            : []),
          {
            name: 'Action',
            cell: ({ page, name }) => (
              <Link to={`${page}/deposit-liquidity`} className="text-accent underline">
                Deposit<span className="sr-only"> to {name}</span>
              </Link>
            )
          }
        ]}
      />
      {total > shown.length && (
        <p>
          The {shown.length} most urgent are shown.{' '}
          <Link to={all} className="text-accent underline">
            All {noun.many}
          </Link>
        </p>
      )}
    </>
  )
}

function summaryOf(
  { one, many }: Noun,
  { total, low, hasMore }: Pick<LiquidityList, 'total' | 'low' | 'hasMore'>
): string {
  const counted = `${hasMore ? 'The first ' : ''}${total} ${total === 1 ? one : many}`
  return `${counted}: ${low === 0 ? 'none' : low} at or below the low mark.`
}

/** How far the account is above or below its mark, as a bar and in a word. The mark is the middle of the bar. */
function Level({ account }: { account: Account }) {
  const { liquidity, lowMark, name, code, scale } = account
  if (lowMark === null) return <Badge>No mark</Badge>
  const isBelow = isLow(account)
  const percent = meterPercent(liquidity, lowMark)
  const units = (amount: bigint) => `${formatAmount(amount, scale)} ${code}`
  return (
    <div className="flex items-center gap-3">
      <Meter
        value={percent}
        aria-label={`Liquidity of ${name}`}
        valueLabel={`${units(liquidity)}, ${isBelow ? 'low' : 'above'}: the mark is ${units(lowMark)}`}
        className="block w-24 shrink-0"
      >
        <div className="relative h-3 rounded border border-field-line bg-raised">
          <div
            className={`h-full rounded-l ${isBelow ? 'bg-bad' : 'bg-good'}`}
            style={{ width: `${percent}%` }}
          />
          <div className="absolute -inset-y-1 left-1/2 w-0.5 bg-ink" />
        </div>
      </Meter>
      <Badge look={isBelow ? 'bad' : 'good'}>{isBelow ? 'Low' : 'Above'}</Badge>
    </div>
  )
}
