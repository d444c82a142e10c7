import type { Quote } from './model.ts'

/** Quotes that a process keeps; the ones that were kept first are dropped first. */
export const MAX_KEPT_QUOTES = 2_000

/**
 * Quotes by id: of a quote nothing ever changes (but its asset's settings), and whoever makes a payment of it
 * reads it several times soon after.
 */
export interface QuoteCache {
  get(id: string): Quote | undefined
  keep(quote: Quote): void
}

export function createQuoteCache(maxQuotes = MAX_KEPT_QUOTES): QuoteCache {
  const quotes = new Map<string, Quote>()
  return {
    get: (id) => quotes.get(id),
    keep(quote) {
      quotes.set(quote.id, quote)
      if (quotes.size <= maxQuotes) return
      const [oldest] = quotes.keys()
      if (oldest !== undefined) quotes.delete(oldest)
    }
  }
}
