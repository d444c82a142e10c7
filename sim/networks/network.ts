import { OpenPaymentsClientError } from '@interledger/open-payments'
import type { AuditableLedger } from '../../node/ledger/index.ts'
import { createHttpClient, HttpClientError } from '../../node/runtime/index.ts'
import type { Runtime } from '../../node/runtime/index.ts'
import { createPayer } from '../actors/payer.ts'
import type { InitiatedPayment, OnPayerStep, Payer, PaymentRequest, WireAmount } from '../actors/payer.ts'
import type { Wallet } from '../actors/wallet/wallet.ts'
import { auditNetwork } from '../invariants/audit.ts'
import type { Audit } from '../invariants/audit.ts'
import { AdminApiError } from '../actors/admin-client.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import { clientKey, walletAddressUrl } from './plan.ts'
import type { NetworkPlan, NodeSecrets, NodeUrls } from './plan.ts'
import type { ProvisionedNode } from './provision.ts'

/** A network that is up, in whatever world it runs: its nodes are reached as a stranger would reach them. */
export interface Network {
  readonly plan: NetworkPlan
  readonly nodes: ProvisionedNode[]
  readonly wallets: Map<string, Wallet>
  readonly scheme: 'http' | 'https'
  /** Where the actors live: their clock, randomness and wire. */
  readonly runtime: Runtime
  /** A node's ledger, opened beside the node for audits. */
  ledgerOf(nodeName: string): AuditableLedger
}

/** What paying needs of a network: both ends' addresses, the payer's keys, and the Admin APIs to watch the end. */
export interface PayingNetwork {
  readonly scheme: 'http' | 'https'
  readonly runtime: Runtime
  readonly nodes: ReadonlyMap<string, PayingNode>
  /** The third party that is known by this account and signs with its key. */
  payerKnownAs(account: Account): Promise<Payer>
}

export interface PayingNode {
  urls: NodeUrls
  secrets: Pick<NodeSecrets, 'instanceKeySeed'>
  admin: AdminClient
}

/** The payers of a network: one Open Payments client per account that they are known by, made when first needed. */
export function createPayingNetwork(parts: Omit<PayingNetwork, 'payerKnownAs'>): PayingNetwork {
  const http = createHttpClient(parts.runtime)
  const payers = new Map<string, Promise<Payer>>()
  return {
    ...parts,
    payerKnownAs(account) {
      const node = nodeOf(parts, account.node)
      const url = walletAddressUrl(node, account.walletAddress)
      let payer = payers.get(url)
      if (!payer) {
        const key = clientKey(node, account.walletAddress)
        payer = createPayer(
          { http, random: parts.runtime.random, clock: parts.runtime.clock },
          { walletAddressUrl: url, ...key, scheme: parts.scheme }
        )
        payers.set(url, payer)
      }
      return payer
    }
  }
}

/** A whole network, seen as a payer sees it. */
export function payingNetworkOf(network: Network): PayingNetwork {
  return createPayingNetwork({
    scheme: network.scheme,
    runtime: network.runtime,
    nodes: new Map(
      network.plan.plans.map(({ node, urls, secrets }) => [
        node.name,
        { urls, secrets, admin: network.wallets.get(node.name)!.admin }
      ])
    )
  })
}

export interface PaymentOutcome extends Omit<InitiatedPayment, 'completeIncomingPayment'> {
  state: 'COMPLETED' | 'FAILED' | 'CANCELLED'
  /** Why it failed, or the wallet cancelled it. */
  error?: string
  sentAmount: WireAmount
  /** What the receiver's incoming payment holds. */
  receivedAmount: WireAmount
}

export interface Account {
  walletAddress: string
  node: string
}

export class PaymentTimeoutError extends Error {
  override name = 'PaymentTimeoutError'
}

const PAYMENT_TIMEOUT_MS = 120_000

/**
 * Pays from one account to another as a third party (the receiver's shop) with consent of the payer, and waits
 * until both nodes say that it ended.
 */
export async function pay(
  network: PayingNetwork,
  request: { from: Account; to: Account; amount: PaymentRequest['amount'] },
  onStep: OnPayerStep = () => undefined
): Promise<PaymentOutcome> {
  const payer = await network.payerKnownAs(request.to)
  const initiated = await payer
    .initiate(
      {
        from: walletAddressUrl(nodeOf(network, request.from.node), request.from.walletAddress),
        to: walletAddressUrl(nodeOf(network, request.to.node), request.to.walletAddress),
        amount: request.amount
      },
      onStep
    )
    .catch(rethrowWithAnswer)
  const outcome = await awaitOutcome(network, request, initiated)
  if (outcome.state === 'COMPLETED' && request.amount.kind === 'send')
    await initiated.completeIncomingPayment().catch(rethrowWithAnswer)
  return outcome
}

/** The client's errors keep what the node answered beside their message, where no report shows it. */
function rethrowWithAnswer(error: unknown): never {
  if (error instanceof OpenPaymentsClientError)
    error.message += ` (${error.status ?? 'no answer'}: ${error.description})`
  throw error
}

/**
 * Waits for the end of a payment, asking both nodes over their Admin APIs. A node that does not answer (it was
 * killed, it is starting again) is asked until the deadline.
 */
async function awaitOutcome(
  network: PayingNetwork,
  { from, to }: { from: Account; to: Account },
  { completeIncomingPayment: _, ...initiated }: InitiatedPayment
): Promise<PaymentOutcome> {
  const sender = nodeOf(network, from.node)
  const receiver = nodeOf(network, to.node)
  const ended = await ask<EndedPayment>(
    network,
    `the end of payment ${initiated.outgoingPaymentUrl}`,
    async () => {
      const { outgoingPayment } = await sender.admin.call<{ outgoingPayment: OutgoingPaymentAnswer }>(
        OUTGOING_PAYMENT,
        {
          id: idOf(initiated.outgoingPaymentUrl)
        }
      )
      const { state } = outgoingPayment
      return state === 'FUNDING' || state === 'SENDING' ? { notYet: state } : { ...outgoingPayment, state }
    }
  )
  const receivedAmount = await ask(network, `what ${initiated.incomingPaymentUrl} received`, async () => {
    const { incomingPayment } = await receiver.admin.call<{
      incomingPayment: { receivedAmount: WireAmount }
    }>(INCOMING_PAYMENT, { id: idOf(initiated.incomingPaymentUrl) })
    return incomingPayment.receivedAmount
  })
  const { state, sentAmount } = ended
  const error = ended.error ?? ended.metadata?.cancellationReason
  return { ...initiated, state, ...(error !== undefined && { error }), sentAmount, receivedAmount }
}

/** Asks again, less and less often, until there is an answer. */
async function ask<Answer extends object>(
  { runtime: { clock } }: PayingNetwork,
  what: string,
  question: () => Promise<Answer | { notYet: string }>
): Promise<Answer> {
  const deadlineMs = clock.nowMs() + PAYMENT_TIMEOUT_MS
  for (let delayMs = 10; ; delayMs = Math.min(delayMs * 2, 200)) {
    const answer = await question().catch((error: unknown) => {
      if (!(error instanceof HttpClientError || isStopping(error))) throw error
      return { notYet: error.message }
    })
    if (!('notYet' in answer)) return answer
    if (clock.nowMs() > deadlineMs) {
      throw new PaymentTimeoutError(`${what} was not known after ${PAYMENT_TIMEOUT_MS} ms (${answer.notYet})`)
    }
    await clock.sleep(delayMs)
  }
}

/** A node that stops, or starts again, says so. */
function isStopping(error: unknown): error is AdminApiError {
  return error instanceof AdminApiError && error.code === 'HTTP_503'
}

type EndedPayment = Omit<OutgoingPaymentAnswer, 'state'> & Pick<PaymentOutcome, 'state'>

interface OutgoingPaymentAnswer {
  state: 'FUNDING' | 'SENDING' | PaymentOutcome['state']
  error: string | null
  metadata: { cancellationReason?: string } | null
  sentAmount: WireAmount
}

/** Audits the ledgers of all nodes and the links between them. */
export function audit(network: Network): Promise<Audit> {
  return auditNetwork(
    network.nodes.map(({ name, peers }) => ({ name, ledger: network.ledgerOf(name), peers }))
  )
}

function nodeOf(network: Pick<PayingNetwork, 'nodes'>, name: string): PayingNode {
  const node = network.nodes.get(name)
  if (!node) throw new Error(`no node "${name}"; there are ${[...network.nodes.keys()].join(', ')}`)
  return node
}

function idOf(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1)
}

const OUTGOING_PAYMENT = `query OutgoingPayment($id: String!) {
  outgoingPayment(id: $id) { state error metadata sentAmount { value assetCode assetScale } } }`
const INCOMING_PAYMENT = `query IncomingPayment($id: String!) {
  incomingPayment(id: $id) { state receivedAmount { value assetCode assetScale } } }`
