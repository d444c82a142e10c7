/*
 * How a state looks in a chart: by its colour and by its pattern, so that nobody needs to tell colours apart. The
 * patterns stand once in the page, and bars and keys refer to them.
 */

const LOOKS: Readonly<Record<string, string>> = {
  COMPLETED: 'plain',
  SENDING: 'stripes',
  PROCESSING: 'stripes',
  FUNDING: 'dots',
  PENDING: 'dots',
  EXPIRED: 'lines',
  CANCELLED: 'lines',
  FAILED: 'crosses'
}

/** What a shape of this state is filled with. */
export function fillOf(state: string): string {
  return `url(#chart-${LOOKS[state] ?? 'dots'})`
}

const SIZE = 8

/** The patterns themselves: once in a page that has charts. */
export function ChartPatterns() {
  const pattern = { width: SIZE, height: SIZE, patternUnits: 'userSpaceOnUse' }
  return (
    <svg aria-hidden="true" className="absolute size-0">
      <defs>
        <pattern id="chart-plain" {...pattern}>
          <rect width={SIZE} height={SIZE} className="fill-good" />
        </pattern>
        <pattern id="chart-stripes" {...pattern}>
          <rect width={SIZE} height={SIZE} className="fill-info-soft" />
          <path d="M-2 2l4 -4M0 8l8 -8M6 10l4 -4" className="stroke-accent" strokeWidth="3" />
        </pattern>
        <pattern id="chart-dots" {...pattern}>
          <rect width={SIZE} height={SIZE} className="fill-raised" />
          <circle cx="2" cy="2" r="1.5" className="fill-muted" />
          <circle cx="6" cy="6" r="1.5" className="fill-muted" />
        </pattern>
        <pattern id="chart-lines" {...pattern}>
          <rect width={SIZE} height={SIZE} className="fill-warn-soft" />
          <path d="M0 2h8M0 6h8" className="stroke-warn" strokeWidth="2" />
        </pattern>
        <pattern id="chart-crosses" {...pattern}>
          <rect width={SIZE} height={SIZE} className="fill-bad" />
          <path d="M0 0l8 8M0 8l8 -8" className="stroke-bad-soft" strokeWidth="1.5" />
        </pattern>
      </defs>
    </svg>
  )
}

/** A state's look beside its name. */
export function StateKey({ state }: { state: string }) {
  return (
    <svg aria-hidden="true" width="16" height="16" className="shrink-0">
      <rect x="0.5" y="0.5" width="15" height="15" fill={fillOf(state)} className="stroke-field-line" />
    </svg>
  )
}
