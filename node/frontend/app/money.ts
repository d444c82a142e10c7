/**
 * Amounts as people read and type them, exactly: digits move, nothing is ever divided. An amount is `bigint` in minor
 * units; a scale is how many of its digits stand behind the point (0 to 255).
 */

/** `1234567n` at scale 2 is `12,345.67`. Every digit of the scale is shown. */
export function formatAmount(amount: bigint | string, scale: number): string {
  const value = BigInt(amount)
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  const whole = digits.slice(0, digits.length - scale).replace(/\B(?=(\d{3})+$)/g, ',')
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`
  return `${value < 0n ? '-' : ''}${whole}${fraction}`
}

export type ParsedAmount = { ok: true; amount: bigint } | { ok: false; error: string }

/** The largest amount that an Admin API takes (UInt64). */
const MAX_AMOUNT = 2n ** 64n - 1n

/** `12,345.6` at scale 2 is `1234560n`. What the scale cannot hold is refused, never rounded. */
export function parseAmount(text: string, scale: number): ParsedAmount {
  const match = /^(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?$/.exec(text.trim())
  if (!match) return { ok: false, error: 'An amount is digits with at most one point, such as 12.50' }
  const whole = match[1]!.replaceAll(',', '')
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) {
    return {
      ok: false,
      error:
        scale === 0
          ? 'This asset has no decimals: give a whole amount'
          : `This asset has ${scale} decimals: ${text.trim()} has more`
    }
  }
  const amount = BigInt(whole + fraction.padEnd(scale, '0'))
  if (amount > MAX_AMOUNT) return { ok: false, error: `At most ${formatAmount(MAX_AMOUNT, scale)}` }
  return { ok: true, amount }
}
