import { z } from 'zod'
import { amountText } from '../ui/form-fields.ts'

/** The forms of assets, as browser and server hold them. Amounts are in the asset's units (facts 9.2). */
export const createAssetForm = z.object({
  code: z
    .string({ error: 'A code is needed, such as USD' })
    .regex(/^[A-Za-z]{3,6}$/, 'A code has 3 to 6 letters')
    .transform((code) => code.toUpperCase()),
  scale: z
    .string({ error: 'A scale is needed: how many decimals an amount has' })
    .regex(/^\d+$/, 'A scale is a whole number from 0 to 255')
    .transform(Number)
    .refine((scale) => scale <= 255, 'A scale is a whole number from 0 to 255'),
  withdrawalThreshold: amountText().optional(),
  tenantId: z.string().optional()
})

export const updateAssetForm = z.object({ withdrawalThreshold: amountText().optional() })

export const feeForm = z.object({
  fixed: amountText(),
  basisPoints: z
    .string({ error: 'Basis points are needed; 0 for none' })
    .regex(/^\d+$/, 'Basis points are a whole number from 0 to 10000')
    .transform(Number)
    .refine((points) => points <= 10_000, 'Basis points are a whole number from 0 to 10000')
})

export const DELETE_ASSET_WORDS = 'delete asset'
