import canonicalize from 'canonicalize'

/** One text for equal inputs, whatever the order of their members. */
export function writeInput(input: object): string {
  return canonicalize(tag(input)) ?? ''
}

/** A result as text: JSON keeps neither amounts nor dates, which are written as `{"$": [kind, text]}`. */
export function writeResult(result: unknown): string {
  return JSON.stringify([tag(result)])
}

/** What `writeResult` was given. */
export function readResult(text: string): unknown {
  return untag((JSON.parse(text) as [unknown])[0])
}

function tag(value: unknown): unknown {
  if (typeof value === 'bigint') return { $: ['bigint', value.toString()] }
  if (value instanceof Date) return { $: ['date', value.toISOString()] }
  if (Array.isArray(value)) return value.map(tag)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .map(([name, member]) => [name, tag(member)] as const)
  // A caller's object that looks like ours is wrapped, so that it comes back as it was.
  return '$' in value ? { $: ['object', Object.fromEntries(entries)] } : Object.fromEntries(entries)
}

function untag(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(untag)
  if (typeof value !== 'object' || value === null) return value
  if ('$' in value) {
    const [kind, text] = value.$ as [string, unknown]
    if (kind === 'bigint') return BigInt(text as string)
    if (kind === 'date') return new Date(text as string)
    return members(text as object)
  }
  return members(value)
}

function members(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, untag(member)]))
}
