import { z } from 'zod'
import { amountText, fieldsByFailure } from '../ui/form-fields.ts'

/** ILP addresses (RFC 15): segments of letters, digits, `_`, `~` and `-`, after a scheme that is an allocation. */
const ILP_ADDRESS = /^(g|private|example|peer|self|test[1-3]?|local)(\.[A-Za-z0-9_~-]+)+$/
const MAX_ADDRESS_LENGTH = 1_023

const ilpAddress = z
  .string({ error: 'The ILP address of the peer is needed, such as test.acme' })
  .trim()
  .max(MAX_ADDRESS_LENGTH, `An ILP address has at most ${MAX_ADDRESS_LENGTH} characters`)
  .regex(ILP_ADDRESS, 'An ILP address is a scheme and segments between dots, such as test.acme')

const endpoint = z
  .string({ error: 'The URL of the peer’s connector is needed' })
  .trim()
  .refine(
    (text) => URL.canParse(text) && /^(https?|btp\+wss?):$/.test(new URL(text).protocol),
    'An endpoint starts with https://, http://, btp+wss:// or btp+ws://'
  )

const token = (error: string) => z.string({ error }).trim().max(2_048, 'A token has at most 2048 characters')

/** Tokens, separated by commas. */
const incomingTokens = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .refine((tokens) => tokens.every((text) => text !== ''), 'There is an empty token between two commas')
  .refine((tokens) => new Set(tokens).size === tokens.length, 'A token stands there twice')

const name = z.string().trim().max(255, 'A name has at most 255 characters').optional()

const countPerSecond = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'A whole number from 1 on is needed')
  .transform(Number)
  .optional()

/** The forms of peers, as browser and server hold them. Amounts are in units of the peer's asset. */
export const createPeerForm = z.object({
  name,
  staticIlpAddress: ilpAddress,
  assetId: z.uuid({ error: 'An asset is needed' }),
  outgoingEndpoint: endpoint,
  outgoingAuthToken: token('The token that this node presents is needed'),
  incomingAuthTokens: incomingTokens.optional(),
  maxPacketAmount: amountText().optional(),
  initialLiquidity: amountText().optional(),
  liquidityThreshold: amountText().optional()
})

export const generalForm = z.object({
  name,
  staticIlpAddress: ilpAddress,
  maxPacketAmount: amountText().optional(),
  liquidityThreshold: amountText().optional()
})

export const httpForm = z.object({
  outgoingEndpoint: endpoint,
  outgoingAuthToken: token('').optional(),
  incomingAuthTokens: incomingTokens.optional()
})

export const limitsForm = z.object({
  maxPacketsPerSecond: countPerSecond,
  maxPacketsInFlight: countPerSecond,
  maxAmountPerSecond: amountText().optional(),
  maxSettledOverBtp: amountText().optional()
})

const MAX_ROUTES = 1_000
/** A route is an address, or a scheme alone: everything of it. */
const ROUTE = /^(g|private|example|peer|self|test[1-3]?|local)(\.[A-Za-z0-9_~-]+)*$/

export const routesForm = z.object({
  routes: z
    .string()
    .optional()
    .transform((text) => (text ?? '').split(/\s+/).filter((line) => line !== ''))
    .refine((routes) => routes.length <= MAX_ROUTES, `At most ${MAX_ROUTES} prefixes`)
    .superRefine((routes, context) => {
      const wrong = routes.find((route) => !ROUTE.test(route))
      if (wrong !== undefined) {
        context.addIssue({ code: 'custom', message: `“${wrong}” is no prefix of ILP addresses` })
      }
    })
})

export const peerByUrlForm = z.object({
  peerUrl: z
    .string({ error: 'The URL of the other node’s auto-peering server is needed' })
    .trim()
    .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
      error: 'A URL starts with https:// or http://'
    }),
  assetId: z.uuid({ error: 'An asset is needed' }),
  name,
  maxPacketAmount: amountText().optional(),
  liquidityToDeposit: amountText().optional()
})

/** What is typed to delete a peer: its name, where it has one. */
export function deletePeerWords({ name }: { name: string | null }): string {
  return name ?? 'delete peer'
}

export const fieldOfPeerFailure = fieldsByFailure({
  InvalidStaticIlpAddress: 'staticIlpAddress',
  DuplicatePeer: 'staticIlpAddress',
  InvalidHTTPEndpoint: 'outgoingEndpoint',
  DuplicateIncomingToken: 'incomingAuthTokens',
  UnknownAsset: 'assetId',
  InvalidInitialLiquidity: 'initialLiquidity'
})
