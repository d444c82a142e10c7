import { z } from 'zod'
import { fieldsByFailure } from '../ui/form-fields.ts'

const publicName = z.string().trim().max(255, 'A name has at most 255 characters').optional()

/** The forms of wallet addresses, as browser and server hold them. */
export const createWalletAddressForm = z.object({
  name: z
    .string({ error: 'A name is needed, such as alice: the end of the wallet address' })
    .trim()
    .max(1_000, 'A name has at most 1000 characters')
    .regex(
      /^[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*$/,
      'A name has letters, digits, ., _, ~ and -; parts are separated by /'
    ),
  publicName,
  tenantId: z.string().optional(),
  assetId: z.uuid({ error: 'An asset is needed' })
})

export const generalForm = z.object({
  publicName,
  status: z.enum(['ACTIVE', 'INACTIVE'], { error: 'It is active or inactive' })
})

/** A public key as a JSON Web Key (RFC 7517, RFC 8037): what a client that signs with its private half is known by. */
const jwk = z.object({
  kid: z.string().min(1).max(255),
  x: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  alg: z.literal('EdDSA').default('EdDSA')
})

const NO_KEY =
  'A public key is JSON with kid, x (43 characters), kty "OKP" and crv "Ed25519", such as a client publishes'

export const keyForm = z.object({
  jwk: z.string({ error: 'A public key is needed' }).transform((text, context) => {
    const parsed = jwk.safeParse(parseJson(text))
    const isPrivate = /"d"\s*:/.test(text)
    if (parsed.success && !isPrivate) return parsed.data
    context.addIssue({
      code: 'custom',
      message: isPrivate ? 'This is a private key: only its public half belongs here' : NO_KEY
    })
    return z.NEVER
  })
})

const MAX_PROPERTIES = 50

/** One line for each property: `name = value`, or `name = value (hidden)` for what the public document leaves out. */
export const propertiesForm = z.object({
  properties: z
    .string()
    .optional()
    .transform((text, context) => {
      const lines = (text ?? '').split('\n').filter((line) => line.trim() !== '')
      const properties = lines.map(readProperty)
      const wrong = lines.find((_, index) => properties[index] === undefined)
      if (wrong !== undefined) {
        context.addIssue({ code: 'custom', message: `“${wrong.trim()}” is not of the form name = value` })
        return z.NEVER
      }
      if (lines.length > MAX_PROPERTIES) {
        context.addIssue({ code: 'custom', message: `At most ${MAX_PROPERTIES} properties` })
        return z.NEVER
      }
      return properties.filter((property) => property !== undefined)
    })
})

export interface Property {
  key: string
  value: string
  visibleInOpenPayments: boolean
}

const HIDDEN = ' (hidden)'

function readProperty(line: string): Property | undefined {
  const [key, ...rest] = line.split('=')
  const text = rest.join('=').trim()
  const isHidden = text.endsWith(HIDDEN)
  const value = isHidden ? text.slice(0, -HIDDEN.length).trim() : text
  if (rest.length === 0 || key!.trim() === '' || value === '') return undefined
  return { key: key!.trim(), value, visibleInOpenPayments: !isHidden }
}

/** Properties as the form's text. */
export function writeProperties(properties: readonly Property[]): string {
  return properties
    .map(({ key, value, visibleInOpenPayments }) => `${key} = ${value}${visibleInOpenPayments ? '' : HIDDEN}`)
    .join('\n')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // No JSON is no key: said beside the field.
    return undefined
  }
}

export const fieldOfCreationFailure = fieldsByFailure({
  InvalidUrl: 'name',
  DuplicateWalletAddress: 'name',
  WalletAddressSettingNotFound: 'name',
  UnknownAsset: 'assetId'
})
