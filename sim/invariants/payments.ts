import type { Closing } from '../scenarios/lab-network.ts'
import { PropertyViolation } from '../scenarios/scenario.ts'

/** What a node says of an outgoing payment, beside what its ledger says. Amounts in minor units. */
export interface OutgoingFacts {
  id: string
  state: string
  /** URL of the incoming payment. */
  receiver: string
  grantId: string | undefined
  debit: bigint
  /** The debit without its fee: what may be sent. */
  mostSent: bigint
  promised: bigint
  sent: bigint
  /** Sums over its packets, or over the transfer of a payment within the node; `voided` counts packets. */
  ledger: { voided: number; posted: bigint; pending: bigint; delivered: bigint }
  createdAtMs: number
  /** When its end was written; undefined where it has none. */
  endedAtMs: number | undefined
}

export interface IncomingFacts {
  url: string
  id: string
  state: string
  incomingAmount: bigint | undefined
  expiresAtMs: number
  received: bigint
  /** What the ledger credited to it, in order. */
  credits: { amount: bigint; atMs: number }[]
  /** What its wallet was told in the end; undefined where it was told nothing. */
  told: bigint | undefined
  /** When it was closed through somebody of the laboratory; undefined where nobody asked to. */
  closing: Closing | undefined
}

/** What an access token's grant allows, without an interval. */
export interface GrantFacts {
  id: string
  debitLimit: bigint | undefined
  receiveLimit: bigint | undefined
}

export interface WebhookFacts {
  id: string
  type: string
  /** What it is about. */
  resource: string
  createdAtMs: number
  /** Its place in the order in which the wallet first honoured events; undefined: it did not. */
  honouredAs: number | undefined
  givenUp: boolean
}

/** A node at rest. */
export interface RestingNode {
  name: string
  /** A fault touched it. */
  isTouched: boolean
  /** A clock of it stepped: the times that it writes tell no order. */
  isClockStepped: boolean
  outgoing: OutgoingFacts[]
  incoming: IncomingFacts[]
  grants: GrantFacts[]
  webhooks: WebhookFacts[]
}

/** Between the admission of a packet and its booking: some answers of the database; under faults, the packet's life. */
const BOOKED_WITHIN_MS = 1_000
const BOOKED_UNDER_FAULTS_WITHIN_MS = 35_000

/**
 * The rules of money for payments, grants and webhooks of a network at rest (docs/money.md): receiving, sending, grants,
 * webhooks.
 *
 * @param options.strangers somebody else sends and receives as well: what they booked is not among what the nodes say
 * @throws PropertyViolation at the first that does not hold
 */
export function requireLawfulPayments(
  nodes: readonly RestingNode[],
  { strangers }: { strangers: boolean }
): void {
  const faultless = nodes.every(({ isTouched }) => !isTouched)
  const incomingByUrl = new Map(
    nodes.flatMap(({ incoming }) => incoming.map((one) => [one.url, one] as const))
  )
  for (const { name, isTouched, isClockStepped, outgoing, incoming, grants, webhooks } of nodes) {
    for (const payment of outgoing)
      requireLawfulSending(name, payment, incomingByUrl.get(payment.receiver), isTouched)
    for (const payment of incoming) requireLawfulReceiving(name, payment, isTouched)
    for (const grant of grants) requireWithinGrant(name, grant, outgoing, isTouched)
    if (!isClockStepped) requireOrder(name, webhooks)
  }
  const delivered = new Map<string, bigint>()
  for (const { receiver, ledger } of nodes.flatMap(({ outgoing }) => outgoing))
    delivered.set(receiver, (delivered.get(receiver) ?? 0n) + ledger.delivered)
  for (const [url, { received }] of incomingByUrl) {
    const booked = delivered.get(url) ?? 0n
    if (booked > received || (faultless && !strangers && booked < received)) {
      violated('receiving', `${url} received ${received}, its payers booked ${booked} as delivered`)
    }
  }
}

function violated(property: string, message: string): never {
  throw new PropertyViolation(property, message)
}

function requireLawfulSending(
  node: string,
  payment: OutgoingFacts,
  incoming: IncomingFacts | undefined,
  isTouched: boolean
): void {
  const { id, state, mostSent, promised, sent, ledger } = payment
  const who = `payment ${id} of ${node}`
  if (sent > mostSent) violated('never above the quote', `${who} sent ${sent} of ${mostSent}`)
  if (state === 'SENDING') violated('liveness', `${who} is SENDING for ever`)
  if (ledger.posted + ledger.pending > mostSent)
    violated(
      'never above the quote',
      `${who} has ${ledger.posted} posted and ${ledger.pending} pending of ${mostSent}`
    )
  if (isEnded(state) && ledger.posted !== sent)
    violated('sending', `${who} says that it sent ${sent}, its ledger ${ledger.posted}`)
  // Each packet's minimum makes up what was promised for all before it, rounded up. One that is refused takes less than
  // one unit of that with it.
  const least = mostSent === 0n ? 0n : ceilDivide(ledger.posted * promised, mostSent) - BigInt(ledger.voided)
  if (ledger.delivered < least)
    violated(
      'minimum rate',
      `${who} delivered ${ledger.delivered} for ${ledger.posted}, promised are ${promised} for ${mostSent}`
    )
  if (state === 'COMPLETED' && ledger.delivered < promised && !closedFirst(payment, incoming, isTouched)) {
    violated(
      'completed',
      `${who} is COMPLETED with ${ledger.delivered} of ${promised} delivered, and its receiver was open`
    )
  }
}

function ceilDivide(amount: bigint, by: bigint): bigint {
  return (amount + by - 1n) / by
}

function isEnded(state: string): boolean {
  return state === 'COMPLETED' || state === 'FAILED'
}

/**
 * Whether the receiver may have closed before the payment ended. Of a payment elsewhere nothing is known; clocks may
 * differ where a fault struck.
 */
function closedFirst(
  { endedAtMs }: OutgoingFacts,
  incoming: IncomingFacts | undefined,
  isTouched: boolean
): boolean {
  if (!incoming || endedAtMs === undefined) return true
  const { state, closing, incomingAmount, received, expiresAtMs } = incoming
  if (state !== 'COMPLETED' && state !== 'EXPIRED') return false
  if (incomingAmount !== undefined && received >= incomingAmount) return true
  if (isTouched) return true
  if (state === 'EXPIRED') return expiresAtMs <= endedAtMs
  // Nobody that we know of asked: somebody else did.
  return closing === undefined || closing.askedAtMs <= endedAtMs
}

function requireLawfulReceiving(node: string, payment: IncomingFacts, isTouched: boolean): void {
  const { url, incomingAmount, received, credits, expiresAtMs, closing, told } = payment
  const total = credits.reduce((sum, { amount }) => sum + amount, 0n)
  if (received !== total)
    violated('receiving', `${node} says that ${url} received ${received}, its ledger ${total}`)
  const last = credits.at(-1)
  if (!last) return
  if (incomingAmount !== undefined && total - last.amount >= incomingAmount) {
    violated(
      'receiving',
      `${url} took ${last.amount} when it had ${total - last.amount} of ${incomingAmount}`
    )
  }
  const withinMs = isTouched ? BOOKED_UNDER_FAULTS_WITHIN_MS : BOOKED_WITHIN_MS
  const ends = [{ endMs: expiresAtMs, how: 'expired' }]
  if (closing?.heardAtMs !== undefined) ends.push({ endMs: closing.heardAtMs, how: 'been completed' })
  for (const { endMs, how } of ends) {
    if (last.atMs - endMs > withinMs)
      violated('receiving', `${url} took ${last.amount} ${last.atMs - endMs} ms after it had ${how}`)
  }
  if (!isTouched && told !== undefined && told !== total)
    violated('receiving', `${url} received ${total}, and its wallet was told ${told}`)
}

/** A payment that waits for its grant's lock finds what was given back meanwhile. */
const GIVEN_BACK_WITHIN_MS = 10_000

/**
 * Grants: what live payments may still send counts whole, what ended counts as far as it was really sent. Once when
 * each payment was made, whatever became of it, and once in the end.
 *
 * @param isTouched its clock may have stepped: when payments ended and began is not comparable
 */
function requireWithinGrant(
  node: string,
  grant: GrantFacts,
  outgoing: readonly OutgoingFacts[],
  isTouched: boolean
): void {
  const under = outgoing.filter(({ grantId }) => grantId === grant.id)
  requireWithinLimits(
    node,
    grant,
    under.filter(({ state }) => state !== 'CANCELLED'),
    ({ state }) => isEnded(state)
  )
  if (isTouched) return
  for (const made of under) {
    const { createdAtMs } = made
    requireWithinLimits(
      node,
      grant,
      // When a payment was cancelled is not told.
      under.filter((other) => other.createdAtMs <= createdAtMs && other.state !== 'CANCELLED'),
      (other) => other !== made && (other.endedAtMs ?? Infinity) <= createdAtMs + GIVEN_BACK_WITHIN_MS
    )
  }
}

function requireWithinLimits(
  node: string,
  { id, debitLimit, receiveLimit }: GrantFacts,
  payments: readonly OutgoingFacts[],
  isOver: (payment: OutgoingFacts) => boolean
): void {
  const sum = (of: (payment: OutgoingFacts) => bigint) =>
    payments.reduce((total, payment) => total + of(payment), 0n)
  const debited = sum((payment) => (isOver(payment) ? payment.sent : payment.debit))
  if (debitLimit !== undefined && debited > debitLimit)
    violated('grants', `payments under grant ${id} of ${node} send ${debited}, allowed are ${debitLimit}`)
  // A path that is better than promised delivers more; what was agreed to is the promise.
  const received = sum((payment) => {
    const { promised, ledger } = payment
    return isOver(payment) && ledger.delivered < promised ? ledger.delivered : promised
  })
  if (receiveLimit !== undefined && received > receiveLimit)
    violated(
      'grants',
      `payments under grant ${id} of ${node} deliver ${received}, allowed are ${receiveLimit}`
    )
}

/** Webhooks: of one resource, none comes before the one before it was honoured or given up. */
function requireOrder(node: string, webhooks: readonly WebhookFacts[]): void {
  const newest = new Map<string, WebhookFacts>()
  const inOrder = webhooks
    .filter(({ givenUp, honouredAs }) => !givenUp && honouredAs !== undefined)
    .sort((one, other) => one.createdAtMs - other.createdAtMs)
  for (const event of inOrder) {
    const before = newest.get(event.resource)
    if (before && before.createdAtMs < event.createdAtMs && before.honouredAs! > event.honouredAs!) {
      violated('webhook order', `${node} told of ${event.type} of ${event.resource} before ${before.type}`)
    }
    newest.set(event.resource, event)
  }
}
