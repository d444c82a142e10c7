import type { Ratio } from '../../ilp/index.ts'
import type { Failure } from '../model.ts'

export type RatesFailure =
  | 'CouldNotFetchRates'
  | 'MissingExchangeRatesUrl'
  | 'MissingBaseAsset'
  | 'InvalidBaseAsset'
  | 'InvalidDestinationPrice'

export interface AssetUnit {
  code: string
  scale: number
}

export interface Rates {
  /**
   * Destination minor units per source minor unit, exactly. From the cache where it is fresh; concurrent
   * callers share one fetch. Same code: a power of ten, without any fetch.
   */
  ratio(tenantId: string, source: AssetUnit, destination: AssetUnit): Promise<Ratio | Failure<RatesFailure>>
  /** The same from the cache only: undefined when a fetch is needed. For the packet path. */
  cachedRatio(
    tenantId: string,
    source: AssetUnit,
    destination: AssetUnit
  ): Ratio | Failure<RatesFailure> | undefined
}
