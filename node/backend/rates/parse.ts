import { parseRatio } from '../../ilp/index.ts'
import type { Ratio } from '../../ilp/index.ts'

/** Rates of one base: units of the other currency per unit of the base. */
export interface BaseRates {
  base: string
  /** Positive rates only, by currency code. */
  rates: Map<string, Ratio>
}

/** Currencies of one answer at most; further ones are an error. */
export const MAX_RATES_PER_BASE = 10_000

/** A JSON number as it was written: it never passes through a float. */
class NumberText {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * Reads `{"base": "USD", "rates": {"EUR": 0.91}}`. Rates that are not positive numbers are left out; what is
 * no such document is undefined.
 */
export function parseRates(text: string): BaseRates | undefined {
  const document = parseKeepingNumbers(text)
  if (!isObject(document)) return undefined
  const { base, rates } = document
  if (typeof base !== 'string' || !isObject(rates)) return undefined
  const entries = Object.entries(rates)
  if (entries.length > MAX_RATES_PER_BASE) return undefined
  const parsed = new Map<string, Ratio>()
  for (const [code, value] of entries) {
    const ratio = value instanceof NumberText ? parseRatio(value.text) : undefined
    if (ratio !== undefined && ratio.numerator > 0n) parsed.set(code, ratio)
  }
  return { base, rates: parsed }
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown
const parseWithSource = JSON.parse as (text: string, reviver: Reviver) => unknown

/** JSON with every number as its source text; undefined for what is no JSON. */
function parseKeepingNumbers(text: string): unknown {
  try {
    return parseWithSource(text, (_key, value, context) =>
      typeof value === 'number' ? new NumberText(context.source ?? String(value)) : value
    )
  } catch (error) {
    // A reviver recurses: what is nested deeper than the stack is no document of rates either.
    if (error instanceof SyntaxError || error instanceof RangeError) return undefined
    throw error
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof NumberText)
  )
}
