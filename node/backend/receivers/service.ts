import { isFailure, failure } from '../model.ts'
import type { Failure } from '../model.ts'
import { isValidAddress } from '../../ilp/index.ts'
import type { StreamCredentials } from '../../ilp/index.ts'
import { incomingPaymentFailures } from '../failures.ts'
import type { IncomingPayment, IncomingPaymentFailure, IncomingPayments } from '../incoming-payments/model.ts'
import { serializeAmount } from '../open-payments/amounts.ts'
import { isUuid } from '../sql.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import type { WalletAddresses } from '../wallet-addresses/model.ts'
import { amountOf } from './answer-schemas.ts'
import type { IncomingPaymentAnswer } from './answer-schemas.ts'
import type { Receiver, ReceiverFailure, Receivers } from './model.ts'
import type { RecentReads } from './recent-reads.ts'
import type { OpenPaymentsClient } from './open-payments-client.ts'

export interface ReceiversDependencies {
  /** OPEN_PAYMENTS_URL: below it lie the incoming payments of this node. */
  openPaymentsUrl: string
  tenants: Pick<TenantDirectory, 'get'>
  walletAddresses: Pick<WalletAddresses, 'byUrl' | 'get'>
  incomingPayments: Pick<
    IncomingPayments,
    'create' | 'get' | 'complete' | 'receivedAmounts' | 'paymentMethods' | 'url'
  >
  /** For those of other nodes. */
  client: OpenPaymentsClient
  recentReads: RecentReads
}

/**
 * Incoming payments as payers see them. Those below OPEN_PAYMENTS_URL are this node's own, whatever their
 * tenant, and never asked for over HTTP; all others are read, created and completed on their own node.
 */
export function createReceiversService({
  openPaymentsUrl,
  tenants,
  walletAddresses,
  incomingPayments,
  client,
  recentReads
}: ReceiversDependencies): Receivers {
  const own = new URL(openPaymentsUrl)
  const ownPath = own.pathname.replace(/\/$/, '')

  /** Tenant and id where the URL is one of this node's; `undefined` where it is another node's. */
  function locate(url: string): { tenantId: string; id: string } | undefined {
    const target = new URL(url)
    if (target.host !== own.host || !target.pathname.startsWith(`${ownPath}/`)) return undefined
    const match = /^\/([^/]+)\/incoming-payments\/([^/]+)$/.exec(target.pathname.slice(ownPath.length))
    return match ? { tenantId: match[1]!, id: match[2]! } : undefined
  }

  async function local(tenantId: string, id: string): Promise<IncomingPayment | undefined> {
    return isUuid(id) && isUuid(tenantId) ? incomingPayments.get(id, tenantId) : undefined
  }

  /** A deleted tenant takes no more money. */
  const isDeleted = (tenantId: string) => tenants.get(tenantId.toLowerCase())?.deletedAt !== undefined

  async function ofLocal(payment: IncomingPayment): Promise<Receiver> {
    const { asset, incomingAmount } = payment
    const [received] = await incomingPayments.receivedAmounts([payment.id])
    const walletAddress = await walletAddresses.get(payment.walletAddressId)
    if (!walletAddress) throw new Error(`incoming payment ${payment.id} has no wallet address`)
    const [method] = incomingPayments.paymentMethods(payment)
    const amount = (value: bigint) => ({ value, assetCode: asset.code, assetScale: asset.scale })
    return {
      incomingPaymentUrl: incomingPayments.url(payment),
      walletAddressUrl: walletAddress.address,
      asset: { code: asset.code, scale: asset.scale },
      ...(incomingAmount !== undefined && { incomingAmount: amount(incomingAmount) }),
      receivedAmount: amount(received ?? 0n),
      completed: payment.state === 'COMPLETED',
      expiresAt: payment.expiresAt,
      ...(payment.metadata && { metadata: payment.metadata }),
      createdAt: payment.createdAt,
      ...(method && {
        credentials: { destination: method.ilpAddress, sharedSecret: method.sharedSecret }
      }),
      localPaymentId: payment.id
    }
  }

  return {
    async get(tenantId, incomingPaymentUrl, options = {}) {
      const url = incomingPaymentUrlOf(incomingPaymentUrl)
      if (isFailure(url)) return url
      const located = locate(url)
      if (!located) {
        const recent = recentReads.find(url, options)
        if (recent) return recent
        const answer = await client.incomingPayment(url)
        if (isFailure(answer)) return answer
        const receiver = ofRemote(url, answer)
        recentReads.keep(receiver, { givenOut: true })
        return receiver
      }
      const payment = isDeleted(located.tenantId) ? undefined : await local(located.tenantId, located.id)
      if (!payment) return unknownPayment(url)
      const mayReadAll =
        [payment.tenantId, payment.creatorTenantId].includes(tenantId) || tenants.get(tenantId)?.isOperator
      const { metadata, ...toPay } = await ofLocal(payment)
      return { ...toPay, ...(mayReadAll && metadata && { metadata }) }
    },

    async create(input) {
      if (!URL.canParse(input.walletAddressUrl)) {
        return failure('UnknownWalletAddress', `"${input.walletAddressUrl}" is not a URL`)
      }
      const walletAddress = await walletAddresses.byUrl(input.walletAddressUrl)
      if (walletAddress && !isDeleted(walletAddress.tenantId)) {
        const created = await incomingPayments.create({
          ...(input.id !== undefined && { id: input.id }),
          tenantId: walletAddress.tenantId,
          walletAddressId: walletAddress.id,
          ...(input.tenantId !== walletAddress.tenantId && { creatorTenantId: input.tenantId }),
          ...(input.incomingAmount && { incomingAmount: input.incomingAmount }),
          ...(input.expiresAt && { expiresAt: input.expiresAt }),
          ...(input.metadata && { metadata: input.metadata }),
          initiatedBy: 'ADMIN'
        })
        return isFailure(created) ? asReceiverFailure(created) : ofLocal(created)
      }
      if (walletAddress || new URL(input.walletAddressUrl).host === own.host) {
        return failure(
          'UnknownWalletAddress',
          `${input.walletAddressUrl} is not a wallet address of this node`
        )
      }
      const remote = await client.walletAddress(input.walletAddressUrl)
      if (isFailure(remote)) return remote
      const created = await client.createIncomingPayment(remote, {
        ...(input.incomingAmount && { incomingAmount: serializeAmount(input.incomingAmount) }),
        ...(input.expiresAt && { expiresAt: input.expiresAt.toISOString() }),
        ...(input.metadata && { metadata: input.metadata })
      })
      if (isFailure(created)) return created
      const receiver = ofRemote(new URL(created.id).href, created)
      recentReads.keep(receiver, { givenOut: false })
      return receiver
    },

    async complete(tenantId, incomingPaymentUrl) {
      const url = incomingPaymentUrlOf(incomingPaymentUrl)
      if (isFailure(url)) return url
      const located = locate(url)
      if (!located) {
        recentReads.drop(url)
        const answer = await client.completeIncomingPayment(url)
        recentReads.drop(url)
        return isFailure(answer) ? answer : ofRemote(url, answer)
      }
      const payment = await local(located.tenantId, located.id)
      const mayComplete =
        tenantId === undefined || [payment?.tenantId, payment?.creatorTenantId].includes(tenantId)
      if (!payment || !mayComplete) return unknownPayment(url)
      const completed = await incomingPayments.complete(payment.id, payment.tenantId)
      return isFailure(completed) ? asReceiverFailure(completed) : ofLocal(completed)
    }
  }
}

/** The URL in one spelling, where it can be one of an incoming payment (Open Payments schema `receiver`). */
function incomingPaymentUrlOf(text: string): string | Failure<ReceiverFailure> {
  const isOne = URL.canParse(text) && /^https?:\/\/.+\/incoming-payments\/[^/?#]+$/.test(new URL(text).href)
  return isOne ? new URL(text).href : failure('NotFound', `"${text}" is not the URL of an incoming payment`)
}

function unknownPayment(url: string): Failure<ReceiverFailure> {
  return failure('NotFound', `${url} is not an incoming payment of this node`)
}

/** What refused a local payment, in the words that a payer gets for a remote one. */
function asReceiverFailure({
  failure: code,
  message
}: Failure<IncomingPaymentFailure>): Failure<ReceiverFailure> {
  const text = message ?? incomingPaymentFailures[code].message
  if (code === 'UnknownWalletAddress' || code === 'InactiveWalletAddress') {
    return failure('UnknownWalletAddress', text)
  }
  return failure(code === 'UnknownPayment' ? 'NotFound' : 'InvalidRequest', text)
}

function ofRemote(url: string, answer: IncomingPaymentAnswer): Receiver {
  const receivedAmount = amountOf(answer.receivedAmount, 'receivedAmount', url)
  const credentials = answer.completed ? undefined : credentialsOf(answer)
  return {
    incomingPaymentUrl: url,
    walletAddressUrl: answer.walletAddress,
    asset: { code: receivedAmount.assetCode, scale: receivedAmount.assetScale },
    ...(answer.incomingAmount && {
      incomingAmount: amountOf(answer.incomingAmount, 'incomingAmount', url)
    }),
    receivedAmount,
    completed: answer.completed,
    ...(answer.expiresAt !== undefined && { expiresAt: new Date(answer.expiresAt) }),
    ...(answer.metadata && { metadata: answer.metadata }),
    createdAt: new Date(answer.createdAt),
    ...(credentials && { credentials })
  }
}

/** The first ILP payment method that a STREAM sender can use: a valid address, a secret of 32 bytes (RFC 29, 3.1). */
function credentialsOf({ methods = [] }: IncomingPaymentAnswer): StreamCredentials | undefined {
  for (const { type, ilpAddress, sharedSecret } of methods) {
    const secret = Buffer.from(sharedSecret, 'base64url')
    if (type === 'ilp' && isValidAddress(ilpAddress) && secret.length === 32) {
      return { destination: ilpAddress, sharedSecret: secret }
    }
  }
  return undefined
}
