import { Link } from '@remix-run/react'
import { nameOfState } from '../payments/payment-states.tsx'
import { Table } from '../ui/table.tsx'
import { axisEnd, HOURS, kindOfDay, segmentsOf } from './day.ts'
import type { Day, KindOfDay, PaymentType } from './day.ts'
import { ChartPatterns, fillOf, StateKey } from './state-looks.tsx'

/** The payments of the last 24 hours: a chart for each kind, and the same numbers as a table. */
export function PaymentsOfDay({ day }: { day: Day }) {
  return (
    <div className="flex flex-col gap-8">
      <ChartPatterns />
      <KindSection name="Outgoing payments" type="OUTGOING" day={day} />
      <KindSection name="Incoming payments" type="INCOMING" day={day} />
    </div>
  )
}

function KindSection({ name, type, day }: { name: string; type: PaymentType; day: Day }) {
  const kind = kindOfDay(day, type)
  return (
    <div className="flex flex-col gap-3">
      <h3 className="font-semibold">
        {name}: {countText(kind.total)}
      </h3>
      {kind.total === 0 ? (
        <p className="text-muted">None was created in the last 24 hours.</p>
      ) : (
        <>
          <Legend kind={kind} type={type} since={day.since} />
          <Chart name={name} kind={kind} />
          <details>
            <summary className="cursor-pointer text-accent underline">{name} per hour as a table</summary>
            <div className="mt-3">
              <NumbersTable name={name} kind={kind} />
            </div>
          </details>
        </>
      )}
    </div>
  )
}

/** What each pattern means and how many payments it stands for, which are listed behind it. */
function Legend({ kind: { states }, type, since }: { kind: KindOfDay; type: PaymentType; since: string }) {
  return (
    <ul className="flex flex-wrap gap-x-6 gap-y-2">
      {states.map(({ state, count }) => {
        const query = new URLSearchParams({ type, state, createdAfter: since })
        return (
          <li key={state} className="flex items-center gap-2">
            <StateKey state={state} />
            <Link to={`/payments?${query.toString()}`} className="text-accent underline">
              {nameOfState(state)}
            </Link>
            <span className="tabular-nums">{countText(count)}</span>
          </li>
        )
      })}
    </ul>
  )
}

const HEIGHT = 160
const AXIS_HEIGHT = 22
/** Of the room of an hour, in percent. */
const BAR_WIDTH = 76
const LABEL_EVERY_HOURS = 6

function Chart({ name, kind: { hours, states } }: { name: string; kind: KindOfDay }) {
  const end = axisEnd(Math.max(...hours.map(({ total }) => total)))
  const room = 100 / HOURS
  const bar = (room * BAR_WIDTH) / 100
  const id = `chart-${name.toLowerCase().replaceAll(' ', '-')}`
  const ticks = end === 1 ? [1, 0] : [end, end / 2, 0]
  const inWords = states
    .filter(({ count }) => count > 0)
    .map(({ state, count }) => `${countText(count)} ${nameOfState(state).toLowerCase()}`)
    .join(', ')
  return (
    <div className="flex gap-2">
      <div
        aria-hidden="true"
        className="flex flex-col justify-between text-right text-xs tabular-nums text-muted"
        style={{ height: HEIGHT, marginTop: -AXIS_TEXT_RAISE }}
      >
        {ticks.map((tick) => (
          <span key={tick} className="h-0 leading-4">
            {countText(tick)}
          </span>
        ))}
      </div>
      <svg
        role="img"
        aria-labelledby={`${id}-title ${id}-words`}
        width="100%"
        height={HEIGHT + AXIS_HEIGHT}
        className="min-w-0 flex-1 overflow-visible"
      >
        <title id={`${id}-title`}>{`${name} per hour of the last 24 hours, by state`}</title>
        <desc id={`${id}-words`}>{`${inWords}. The table below has the same numbers.`}</desc>
        {ticks.map((tick) => (
          <line
            key={tick}
            x1="0"
            x2="100%"
            y1={HEIGHT - (tick / end) * HEIGHT}
            y2={HEIGHT - (tick / end) * HEIGHT}
            className={tick === 0 ? 'stroke-field-line' : 'stroke-line'}
          />
        ))}
        {hours.map(({ start, states }, hour) => (
          <g key={start}>
            {segmentsOf(states, end, HEIGHT).map(({ state, count, from, height }) => (
              <rect
                key={state}
                x={`${hour * room + (room - bar) / 2}%`}
                width={`${bar}%`}
                y={HEIGHT - from - height}
                height={height}
                fill={fillOf(state)}
                className="stroke-surface"
              >
                <title>{`${hourText(start)}: ${countText(count)} ${nameOfState(state).toLowerCase()}`}</title>
              </rect>
            ))}
            {hour % LABEL_EVERY_HOURS === 0 && (
              <text x={`${hour * room}%`} y={HEIGHT + AXIS_HEIGHT - 6} className="fill-muted text-xs">
                {hourText(start)}
              </text>
            )}
          </g>
        ))}
      </svg>
    </div>
  )
}

/** Half a line: the numbers of the axis stand beside their lines. */
const AXIS_TEXT_RAISE = 8

function NumbersTable({ name, kind: { hours, states } }: { name: string; kind: KindOfDay }) {
  return (
    <Table
      caption={`${name} by hour of creation and state now`}
      rows={hours.filter(({ total }) => total > 0)}
      keyOf={({ start }) => start}
      empty="None."
      columns={[
        { name: 'From (UTC)', cell: ({ start }) => <time dateTime={start}>{dayAndHour(start)}</time> },
        ...states.map(({ state }, index) => ({
          name: nameOfState(state),
          isNumber: true,
          cell: (hour: KindOfDay['hours'][number]) => countText(hour.states[index]!.count)
        })),
        { name: 'All', isNumber: true, cell: ({ total }) => countText(total) }
      ]}
    />
  )
}

const countText = (count: number): string => count.toLocaleString('en')
const hourText = (start: string): string => start.slice(11, 16)
const dayAndHour = (start: string): string => `${start.slice(0, 10)} ${hourText(start)}`
