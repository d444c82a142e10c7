import type { IlpPaymentMethod, IncomingPayment } from '../incoming-payments/model.ts'
import type { Amount } from '../model.ts'
import type { GrantSpentAmounts, OutgoingPayment } from '../outgoing-payments/model.ts'
import type { Quote } from '../quotes/model.ts'
import type { AdditionalProperty, WalletAddress, WalletAddressKey } from '../wallet-addresses/model.ts'
import { serializeAmount } from './amounts.ts'
import type { WireAmount } from './amounts.ts'

/** What bodies need besides the resources: where this node's doors are. */
export interface Doors {
  /** AUTH_SERVER_GRANT_URL */
  authServerUrl: string
  /** OPEN_PAYMENTS_URL */
  openPaymentsUrl: string
  /** CARD_SERVICE_URL, where it is set */
  cardServiceUrl?: string
}

export function authServerOf(doors: Pick<Doors, 'authServerUrl'>, tenantId: string): string {
  return `${withoutSlash(doors.authServerUrl)}/${tenantId}`
}

export function resourceServerOf(doors: Pick<Doors, 'openPaymentsUrl'>, tenantId: string): string {
  return `${withoutSlash(doors.openPaymentsUrl)}/${tenantId}`
}

function withoutSlash(url: string): string {
  return url.replace(/\/$/, '')
}

/** Open Payments, wallet-address. */
export function serializeWalletAddress(
  doors: Doors,
  { address, publicName, asset, tenantId }: WalletAddress,
  properties: readonly AdditionalProperty[]
) {
  const visible = properties.filter((property) => property.visibleInOpenPayments)
  return {
    id: address,
    ...(publicName !== undefined && { publicName }),
    assetCode: asset.code,
    assetScale: asset.scale,
    authServer: authServerOf(doors, tenantId),
    resourceServer: resourceServerOf(doors, tenantId),
    ...(doors.cardServiceUrl !== undefined && { cardService: `${withoutSlash(doors.cardServiceUrl)}/` }),
    ...(visible.length > 0 && {
      additionalProperties: Object.fromEntries(visible.map(({ key, value }) => [key, value]))
    })
  }
}

/** Open Payments, json-web-key-set. */
export function serializeKeys(keys: readonly WalletAddressKey['jwk'][]) {
  return { keys: keys.map(({ kid, x, alg, kty, crv }) => ({ kid, x, alg, kty, crv })) }
}

/** Open Payments, incoming-payment. */
export function serializeIncomingPayment(
  payment: IncomingPayment,
  { url, walletAddressUrl, received }: { url: string; walletAddressUrl: string; received: bigint }
) {
  const { asset, incomingAmount, metadata } = payment
  const amount = (value: bigint) => serializeAmount({ value, assetCode: asset.code, assetScale: asset.scale })
  return {
    id: url,
    walletAddress: walletAddressUrl,
    ...(incomingAmount !== undefined && { incomingAmount: amount(incomingAmount) }),
    receivedAmount: amount(received),
    completed: payment.state === 'COMPLETED',
    ...(metadata && { metadata }),
    createdAt: payment.createdAt.toISOString(),
    expiresAt: payment.expiresAt.toISOString()
  }
}

/** Open Payments, ilp-payment-method. */
export function serializeMethods(methods: readonly IlpPaymentMethod[]) {
  return methods.map(({ type, ilpAddress, sharedSecret }) => ({
    type,
    ilpAddress,
    sharedSecret: sharedSecret.toString('base64url')
  }))
}

/** Open Payments, public-incoming-payment: what anybody may see. */
export function serializePublicIncomingPayment(doors: Doors, payment: IncomingPayment, received: bigint) {
  const { code, scale } = payment.asset
  return {
    receivedAmount: serializeAmount({ value: received, assetCode: code, assetScale: scale }),
    authServer: authServerOf(doors, payment.tenantId)
  }
}

/** Open Payments, quote. */
export function serializeQuote(
  quote: Quote,
  { url, walletAddressUrl }: { url: string; walletAddressUrl: string }
) {
  return {
    id: url,
    walletAddress: walletAddressUrl,
    receiver: quote.receiver,
    receiveAmount: serializeAmount(quote.receiveAmount),
    debitAmount: serializeAmount(quote.debitAmount),
    method: 'ilp',
    createdAt: quote.createdAt.toISOString(),
    expiresAt: quote.expiresAt.toISOString()
  }
}

/** Open Payments, outgoing-payment. */
export function serializeOutgoingPayment(
  payment: OutgoingPayment,
  { url, quoteUrl, walletAddressUrl }: { url: string; quoteUrl: string; walletAddressUrl: string }
) {
  const { quote, metadata, state } = payment
  return {
    id: url,
    walletAddress: walletAddressUrl,
    quoteId: quoteUrl,
    receiver: payment.receiver,
    receiveAmount: serializeAmount(quote.receiveAmount),
    debitAmount: serializeAmount(quote.debitAmount),
    sentAmount: serializeAmount({
      value: payment.sentAmount,
      assetCode: quote.asset.code,
      assetScale: quote.asset.scale
    }),
    failed: state === 'FAILED' || state === 'CANCELLED',
    ...(metadata && { metadata }),
    createdAt: payment.createdAt.toISOString()
  }
}

/** What was spent under the grant before this payment (Open Payments, outgoing-payment-with-spent-amounts). */
export function serializeSpentBefore({ quote }: OutgoingPayment, spent: GrantSpentAmounts | undefined) {
  const nothingOf = (amount: Amount) => ({ ...amount, value: 0n })
  return {
    grantSpentDebitAmount: serializeAmount(spent?.debitAmount ?? nothingOf(quote.debitAmount)),
    grantSpentReceiveAmount: serializeAmount(spent?.receiveAmount ?? nothingOf(quote.receiveAmount))
  }
}

/** The body of `GET /outgoing-payment-grant`. */
export function serializeGrantSpentAmounts({ debitAmount, receiveAmount }: GrantSpentAmounts): {
  spentDebitAmount: WireAmount | null
  spentReceiveAmount: WireAmount | null
} {
  return {
    spentDebitAmount: debitAmount ? serializeAmount(debitAmount) : null,
    spentReceiveAmount: receiveAmount ? serializeAmount(receiveAmount) : null
  }
}
