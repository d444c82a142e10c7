import type { Failure } from '../model.ts'
import type { Page, PageRequest } from '../../pagination/index.ts'

export type FeeType = 'SENDING' | 'RECEIVING'

export interface Fee {
  id: string
  assetId: string
  type: FeeType
  /** Minor units. */
  fixed: bigint
  basisPoints: number
  createdAt: Date
}

export type FeeFailure = 'UnknownAsset' | 'InvalidBasisPointFee' | 'InvalidFixedFee'

export interface Fees {
  /** @param input.id of the new fee, where it was given out already */
  set(input: {
    id?: string
    assetId: string
    tenantId?: string
    type: FeeType
    fixed: bigint
    basisPoints: number
  }): Promise<Fee | Failure<FeeFailure>>
  get(id: string): Promise<Fee | undefined>
  latest(assetId: string, type: FeeType): Promise<Fee | undefined>
  /** The same for many at once, in the order of `keys`. */
  latestOf(keys: readonly { assetId: string; type: FeeType }[]): Promise<(Fee | undefined)[]>
  /** The same page of each asset's fees, in the order of `assetIds`. */
  pages(assetIds: readonly string[], request: PageRequest): Promise<Page<Fee>[]>
}

/** The fee on a principal: ceil(principal × basisPoints / 10000) + fixed, in minor units. */
export function feeAmount(fee: Pick<Fee, 'fixed' | 'basisPoints'> | undefined, principal: bigint): bigint {
  if (fee === undefined) return 0n
  return (principal * BigInt(fee.basisPoints) + 9_999n) / 10_000n + fee.fixed
}
