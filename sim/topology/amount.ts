/**
 * Minor units of a decimal amount in an asset's units: `12.5` at scale 2 is 1250n.
 * Undefined when it is no decimal, is negative, or has more decimals than the asset.
 */
export function parseAmount(text: string, scale: number): bigint | undefined {
  const match = /^(\d{1,30})(?:\.(\d{1,255}))?$/.exec(text)
  if (!match) return undefined
  const fraction = (match[2] ?? '').replace(/0+$/, '')
  if (fraction.length > scale) return undefined
  return BigInt(match[1]! + fraction.padEnd(scale, '0'))
}

/** An amount in an asset's units, exactly: 1250n at scale 2 is `12.50`. */
export function formatAmount(value: bigint, scale: number): string {
  const sign = value < 0n ? '-' : ''
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, '0')
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}
