import { formatAmount } from '../money.ts'

/** An amount in its asset's units, exactly. */
export function Amount({ value, scale, code }: { value: string | bigint; scale: number; code: string }) {
  return (
    <span className="whitespace-nowrap tabular-nums">
      {formatAmount(value, scale)} {code}
    </span>
  )
}
