/** What an asset's or a peer's account holds, in minor units, and the mark at which it counts as low. */
export interface Account {
  id: string
  name: string
  /** Its page; what it deposits by is below that. */
  page: string
  code: string
  scale: number
  liquidity: bigint
  lowMark: bigint | null
  tenant: { id: string; publicName: string | null } | null
}

/** At the mark or below it: when the wallet is told so by webhook, too. */
export function isLow({ liquidity, lowMark }: Pick<Account, 'liquidity' | 'lowMark'>): boolean {
  return lowMark !== null && liquidity <= lowMark
}

/**
 * The most urgent first: those that are low, by how much of their mark is there; then those above their marks, the same
 * way; then those without a mark, by name.
 */
export function byUrgency(a: Account, b: Account): number {
  if (isLow(a) !== isLow(b)) return isLow(a) ? -1 : 1
  if (a.lowMark === null || b.lowMark === null) {
    if (a.lowMark !== b.lowMark) return a.lowMark === null ? 1 : -1
    return byName(a, b)
  }
  const difference = a.liquidity * divisor(b.lowMark) - b.liquidity * divisor(a.lowMark)
  return difference === 0n ? byName(a, b) : difference < 0n ? -1 : 1
}

/** A mark of nothing is taken as the smallest amount there is: shares of nothing cannot be compared. */
const divisor = (mark: bigint): bigint => (mark === 0n ? 1n : mark)

const byName = (a: Account, b: Account): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : a.id > b.id ? 1 : 0

/** How far a meter of twice the mark is filled, in whole percent: the mark is at 50. */
export function meterPercent(liquidity: bigint, lowMark: bigint): number {
  const percent = (liquidity * 50n) / divisor(lowMark)
  return percent > 100n ? 100 : Number(percent)
}

/** The most urgent of the accounts that were read, and how many there are. */
export interface LiquidityList {
  shown: Account[]
  total: number
  low: number
  /** There are more than were read. */
  hasMore: boolean
}

const SHOWN = 10

export function mostUrgent(accounts: readonly Account[], hasMore: boolean): LiquidityList {
  return {
    shown: accounts.toSorted(byUrgency).slice(0, SHOWN),
    total: accounts.length,
    low: accounts.filter(isLow).length,
    hasMore
  }
}
