import type { Knex } from 'knex'
import type { Asset } from '../assets/model.ts'
import { insertTogether } from '../../sql/index.ts'
import type { IlpQuoteDetails, Quote } from './model.ts'

export interface QuoteRow {
  id: string
  walletAddressId: string
  assetId: string
  tenantId: string
  receiver: string
  method: 'LOCAL' | 'ILP'
  debitAmountValue: bigint
  debitAmountMinusFees: bigint
  receiveAmountValue: bigint
  receiveAmountAssetCode: string
  receiveAmountAssetScale: number
  estimatedExchangeRate: number | null
  feeId: string | null
  client: string | null
  expiresAt: Date
  createdAt: Date
}

export interface IlpDetailsRow {
  quoteId: string
  maxPacketAmount: bigint | null
  minRateNumerator: bigint
  minRateDenominator: bigint
  lowRateNumerator: bigint
  lowRateDenominator: bigint
  highRateNumerator: bigint
  highRateDenominator: bigint
  conversionAssetId: string | null
  conversionNumerator: bigint | null
  conversionDenominator: bigint | null
}

export const TABLE = 'quotes'
const DETAILS_TABLE = 'ilpQuoteDetails'

export function toQuote(row: QuoteRow, asset: Asset, details: IlpDetailsRow | undefined): Quote {
  return {
    id: row.id,
    tenantId: row.tenantId,
    walletAddressId: row.walletAddressId,
    asset,
    receiver: row.receiver,
    method: row.method,
    debitAmount: { value: row.debitAmountValue, assetCode: asset.code, assetScale: asset.scale },
    debitAmountMinusFees: row.debitAmountMinusFees,
    receiveAmount: {
      value: row.receiveAmountValue,
      assetCode: row.receiveAmountAssetCode,
      assetScale: row.receiveAmountAssetScale
    },
    expiresAt: row.expiresAt,
    createdAt: row.createdAt,
    ...(row.estimatedExchangeRate !== null && { estimatedExchangeRate: row.estimatedExchangeRate }),
    ...(row.feeId !== null && { feeId: row.feeId }),
    ...(row.client !== null && { client: row.client }),
    ...(details && { ilp: toDetails(details) })
  }
}

function toDetails(row: IlpDetailsRow): IlpQuoteDetails {
  const { conversionAssetId, conversionNumerator, conversionDenominator } = row
  return {
    ...(row.maxPacketAmount !== null && { maxPacketAmount: row.maxPacketAmount }),
    minRate: { numerator: row.minRateNumerator, denominator: row.minRateDenominator },
    lowRate: { numerator: row.lowRateNumerator, denominator: row.lowRateDenominator },
    highRate: { numerator: row.highRateNumerator, denominator: row.highRateDenominator },
    ...(conversionAssetId !== null &&
      conversionNumerator !== null &&
      conversionDenominator !== null && {
        conversion: {
          assetId: conversionAssetId,
          ratio: { numerator: conversionNumerator, denominator: conversionDenominator }
        }
      })
  }
}

/** Writes a quote with its details, in one statement. */
export async function insertQuote(knex: Knex, quote: Quote): Promise<void> {
  const row: QuoteRow = {
    id: quote.id,
    walletAddressId: quote.walletAddressId,
    assetId: quote.asset.id,
    tenantId: quote.tenantId,
    receiver: quote.receiver,
    method: quote.method,
    debitAmountValue: quote.debitAmount.value,
    debitAmountMinusFees: quote.debitAmountMinusFees,
    receiveAmountValue: quote.receiveAmount.value,
    receiveAmountAssetCode: quote.receiveAmount.assetCode,
    receiveAmountAssetScale: quote.receiveAmount.assetScale,
    estimatedExchangeRate: quote.estimatedExchangeRate ?? null,
    feeId: quote.feeId ?? null,
    client: quote.client ?? null,
    expiresAt: quote.expiresAt,
    createdAt: quote.createdAt
  }
  const { ilp } = quote
  if (ilp === undefined) return insertTogether(knex, [[TABLE, row]])
  const details: IlpDetailsRow = {
    quoteId: quote.id,
    maxPacketAmount: ilp.maxPacketAmount ?? null,
    minRateNumerator: ilp.minRate.numerator,
    minRateDenominator: ilp.minRate.denominator,
    lowRateNumerator: ilp.lowRate.numerator,
    lowRateDenominator: ilp.lowRate.denominator,
    highRateNumerator: ilp.highRate.numerator,
    highRateDenominator: ilp.highRate.denominator,
    conversionAssetId: ilp.conversion?.assetId ?? null,
    conversionNumerator: ilp.conversion?.ratio.numerator ?? null,
    conversionDenominator: ilp.conversion?.ratio.denominator ?? null
  }
  await insertTogether(knex, [
    [TABLE, row],
    [DETAILS_TABLE, details]
  ])
}

/** The ILP details of quotes, by the quotes' ids. */
export async function readDetails(knex: Knex, ids: readonly string[]): Promise<Map<string, IlpDetailsRow>> {
  if (ids.length === 0) return new Map()
  const rows = await knex<IlpDetailsRow>(DETAILS_TABLE).whereRaw('"quoteId" = ANY(?::uuid[])', [[...ids]])
  return new Map(rows.map((row) => [row.quoteId, row]))
}
