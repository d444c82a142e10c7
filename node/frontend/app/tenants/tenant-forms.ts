import { z } from 'zod'
import { fieldsByFailure } from '../ui/form-fields.ts'
import type { SettingKey } from './tenants.ts'

const MAX_LENGTH = 255

const text = z.string().trim().max(MAX_LENGTH, `At most ${MAX_LENGTH} characters`).optional()
const secret = (error: string) =>
  z
    .string({ error })
    .min(10, 'A secret has at least 10 characters')
    .max(MAX_LENGTH, `A secret has at most ${MAX_LENGTH} characters`)
const url = z
  .string()
  .trim()
  .refine((given) => URL.canParse(given) && /^https?:$/.test(new URL(given).protocol), {
    error: 'A URL starts with https:// or http://'
  })
  .optional()
const email = z.email({ error: 'An e-mail address has an @ between name and host' }).optional()
const wholeNumber = (low: number, error: string) =>
  z
    .string()
    .regex(/^\d{1,9}$/, error)
    .refine((digits) => Number(digits) >= low, error)
    .optional()

const settings = {
  walletAddressUrl: url,
  webhookUrl: url,
  webhookTimeout: wholeNumber(1, 'A whole number of milliseconds from 1 on'),
  webhookMaxRetry: wholeNumber(0, 'A whole number of attempts from 0 on'),
  exchangeRatesUrl: url,
  ilpAddress: z
    .string()
    .trim()
    .regex(
      /^(g|private|example|peer|self|test[1-3]?|local)(\.[A-Za-z0-9_~-]+)+$/,
      'An ILP address is a scheme and segments between dots, such as test.acme'
    )
    .optional()
}

/** The forms of tenants, as browser and server hold them. */
export const createTenantForm = z.object({
  publicName: text,
  email,
  apiSecret: secret('An API secret is needed: the tenant signs with it'),
  idpConsentUrl: url,
  idpSecret: secret('').optional(),
  ...settings
})

export const generalForm = z.object({ publicName: text, email })

export const idpForm = z.object({ idpConsentUrl: url, idpSecret: secret('').optional() })

export const sensitiveForm = z.object({ apiSecret: secret('The new API secret is needed') })

export const settingsForm = z.object(settings)

export const DELETE_TENANT_WORDS = 'delete tenant'

/** Fields of the forms by the setting that they stand for. */
export const FIELD_OF_SETTING = {
  WALLET_ADDRESS_URL: 'walletAddressUrl',
  WEBHOOK_URL: 'webhookUrl',
  WEBHOOK_TIMEOUT: 'webhookTimeout',
  WEBHOOK_MAX_RETRY: 'webhookMaxRetry',
  EXCHANGE_RATES_URL: 'exchangeRatesUrl',
  ILP_ADDRESS: 'ilpAddress'
} as const satisfies Record<SettingKey, keyof typeof settings>

/** The settings that a form gives; what was left empty is not among them. */
export function settingsOf(
  form: Partial<Record<keyof typeof settings, string | undefined>>
): { key: SettingKey; value: string }[] {
  return (Object.entries(FIELD_OF_SETTING) as [SettingKey, keyof typeof settings][]).flatMap(
    ([key, field]) => {
      const value = form[field]
      return value === undefined ? [] : [{ key, value }]
    }
  )
}

export const fieldOfTenantFailure = fieldsByFailure({ DuplicateTenant: 'publicName' })
