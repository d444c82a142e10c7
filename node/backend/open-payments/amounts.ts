import { MAX_AMOUNT } from '../../ledger/index.ts'
import type { Amount } from '../model.ts'

/** An amount on the wire: `value` is an unsigned 64-bit integer as a string (Open Payments schema `amount`). */
export interface WireAmount {
  value: string
  assetCode: string
  assetScale: number
}

export function serializeAmount({ value, assetCode, assetScale }: Amount): WireAmount {
  return { value: value.toString(), assetCode, assetScale }
}

/** The amount that a client or another node wrote; undefined where it is none (decimal digits, at most 64 bits). */
export function parseAmount(wire: unknown): Amount | undefined {
  if (typeof wire !== 'object' || wire === null) return undefined
  const { value, assetCode, assetScale } = wire as Record<string, unknown>
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) return undefined
  if (typeof assetCode !== 'string' || assetCode === '') return undefined
  if (typeof assetScale !== 'number' || !Number.isInteger(assetScale) || assetScale < 0 || assetScale > 255)
    return undefined
  const units = BigInt(value)
  return units > MAX_AMOUNT ? undefined : { value: units, assetCode, assetScale }
}
