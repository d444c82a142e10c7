/** The longest ILP address in characters (RFC 15, Address Requirements, 6). */
export const MAX_ADDRESS_LENGTH = 1_023

/** Allocation schemes (RFC 15). */
export const ADDRESS_SCHEMES = [
  'g',
  'private',
  'example',
  'peer',
  'self',
  'test',
  'test1',
  'test2',
  'test3',
  'local'
] as const
export type AddressScheme = (typeof ADDRESS_SCHEMES)[number]

const ADDRESS = /^(?:g|private|example|peer|self|test[1-3]?|local)(?:\.[a-zA-Z0-9_~-]+)+$/
const SEGMENTS = /^[a-zA-Z0-9_~-]+(?:\.[a-zA-Z0-9_~-]+)*$/

/** True for a well-formed ILP address: scheme, at least one more segment, at most 1,023 characters (RFC 15). */
export function isValidAddress(text: string): boolean {
  return text.length <= MAX_ADDRESS_LENGTH && ADDRESS.test(text)
}

/** The allocation scheme of a valid address, undefined where the first segment is none. */
export function addressScheme(address: string): AddressScheme | undefined {
  const first = firstSegment(address)
  return ADDRESS_SCHEMES.find((scheme) => scheme === first)
}

/**
 * True when `address` is `prefix` or lies below it. Whole segments are compared: `g.ab` is no prefix of
 * `g.abc`. A prefix may be a scheme alone (`g`).
 */
export function isAddressPrefix(prefix: string, address: string): boolean {
  return address === prefix || (address.startsWith(prefix) && address[prefix.length] === '.')
}

/** The segments of `address` below `prefix`, undefined when it does not lie below it. */
export function segmentsBelow(prefix: string, address: string): string[] | undefined {
  if (address.length <= prefix.length + 1 || !isAddressPrefix(prefix, address)) return undefined
  return address.slice(prefix.length + 1).split('.')
}

/** `address` extended by segments; undefined when the result would be no valid address. */
export function joinAddress(address: string, ...segments: readonly string[]): string | undefined {
  if (!segments.every((segment) => SEGMENTS.test(segment))) return undefined
  const joined = [address, ...segments].join('.')
  return isValidAddress(joined) ? joined : undefined
}

function firstSegment(address: string): string {
  const end = address.indexOf('.')
  return end === -1 ? address : address.slice(0, end)
}
