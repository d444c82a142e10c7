import { parseRatio } from '../../ilp/index.ts'
import type { BackendConfig } from '../config.ts'
import { createIlpMethod } from './ilp-method.ts'
import type { IlpMethodDependencies } from './ilp-method.ts'
import type { Quotes } from './model.ts'
import { createQuoteService } from './service.ts'
import type { QuoteServiceDependencies } from './service.ts'

export * from './model.ts'
export { createPaths } from './paths.ts'
export type { PathIdentity, Paths } from './paths.ts'

export interface QuotesDependencies
  extends Omit<QuoteServiceDependencies, 'ilpMethod' | 'config'>, Omit<IlpMethodDependencies, 'slippage'> {
  config: Pick<BackendConfig, 'OPEN_PAYMENTS_URL' | 'QUOTE_LIFESPAN' | 'SLIPPAGE'>
}

/** Quotes within this node and over ILP. @throws RangeError when SLIPPAGE is no decimal below 1 */
export function createQuotes(dependencies: QuotesDependencies): Quotes {
  const slippage = parseRatio(dependencies.config.SLIPPAGE)
  if (slippage === undefined || slippage.numerator >= slippage.denominator) {
    throw new RangeError(`SLIPPAGE ${dependencies.config.SLIPPAGE} is no decimal below 1`)
  }
  return createQuoteService({
    ...dependencies,
    ilpMethod: createIlpMethod({ ...dependencies, slippage })
  })
}
