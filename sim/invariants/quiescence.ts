import type { AdminClient } from '../actors/admin-client.ts'
import type { CustomerAccounts } from '../actors/wallet/accounts.ts'
import type { LabNetwork } from '../scenarios/lab-network.ts'
import type { LabNode } from '../scenarios/lab-node.ts'
import type { LabPayment } from '../scenarios/lab-payment.ts'
import { PropertyViolation } from '../scenarios/scenario.ts'
import { readPages } from './pages.ts'
import { unlessSilent } from '../scenarios/silence.ts'

/** The ledger's longest timeout (an outgoing lifetime of 30 s + 60 s), the sweep after it, and 10 s. */
const NOTHING_PENDING_WITHIN_MS = 30_000 + 60_000 + 65_000 + 10_000
/** A SENDING payment waits for packets in doubt and backs off: all its retries end within this. */
const SENDING_ENDS_WITHIN_MS = 30 * 60_000
/** Webhooks are repeated with growing pauses. */
const WEBHOOKS_END_WITHIN_MS = 60 * 60_000
/** From the end of an incoming payment until its event is written: half a second, and what a start takes after a crash. */
const TOLD_WITHIN_MS = 5 * 60_000

/** What is looked at of a network, and done to it. */
export interface RestingNetwork extends Pick<LabNetwork, 'until' | 'audit' | 'honouredOf'> {
  payments: readonly Pick<LabPayment, 'ended'>[]
  node(name: string): Pick<LabNode, 'admin' | 'down' | 'restart'>
}

/**
 * What must hold of a network once its faults have healed and everything that can end has ended (money.md 7). Reads
 * the Admin APIs, the wallets and the ledgers.
 *
 * @param faulted whether something that a fault touched lies on this link: only there may an orphan be
 * @throws PropertyViolation at the first that does not
 */
export async function requireQuiescence(
  net: RestingNetwork,
  network: {
    nodes: readonly { name: string }[]
    wallets: ReadonlyMap<string, { accounts: Pick<CustomerAccounts, 'all'> }>
  },
  { faulted }: { faulted: (from: string, to: string) => boolean }
): Promise<void> {
  for (const { name } of network.nodes) {
    const node = net.node(name)
    for (const service of [...node.down]) await node.restart(service)
  }
  for (const payment of net.payments) await payment.ended(SENDING_ENDS_WITHIN_MS)

  for (const { name } of network.nodes) {
    const { admin } = net.node(name)
    await net.until(
      `${name}: every wallet is told what an incoming payment received`,
      async () => (await unlessSilent(() => untold(admin)))?.length === 0,
      TOLD_WITHIN_MS
    )
    await net.until(
      `${name}: every webhook is delivered`,
      async () => {
        const ids = await unlessSilent(() => webhookEventIds(admin))
        return ids !== undefined && ids.every((id) => net.honouredOf(name).has(id))
      },
      WEBHOOKS_END_WITHIN_MS
    )
  }

  await net.until(
    'nothing is reserved in any ledger',
    async () => (await net.audit()).nodes.every(({ pending }) => pending === 0n),
    NOTHING_PENDING_WITHIN_MS
  )
  const { nodes, links } = await net.audit()
  for (const { name, difference, overdrawn } of nodes) {
    if (difference !== 0n)
      throw new PropertyViolation('zero-sum', `${name}: debits − credits = ${difference}`)
    if (overdrawn.length > 0) throw new PropertyViolation('no overdraft', `${name}: ${overdrawn.join(', ')}`)
  }
  for (const { from, to, upstreamPosted, downstreamPosted, orphaned } of links) {
    const booked = `${to} posted ${downstreamPosted}, ${from} posted ${upstreamPosted}`
    if (orphaned < 0n) throw new PropertyViolation('P2', `link ${from} → ${to}: ${booked}`)
    if (orphaned > 0n && !faulted(from, to)) {
      throw new PropertyViolation('P3', `link ${from} → ${to}: ${booked}, and no fault touched it`)
    }
  }
  for (const { name } of network.nodes) {
    for (const { walletAddress, held } of network.wallets.get(name)!.accounts.all()) {
      if (held !== 0n)
        throw new PropertyViolation('holds end', `${walletAddress}@${name} has ${held} held for no payment`)
    }
  }
}

/** Incoming payments that ended with money, and without an event that says so. */
async function untold(admin: AdminClient): Promise<string[]> {
  type Ended = { id: string; state: string; receivedAmount: { value: string } }
  const payments = await readPages<Ended>(admin, INCOMING_PAYMENTS, 'incomingPayments')
  const events = await readPages<{ type: string; data: { id?: string } }>(
    admin,
    WEBHOOK_EVENTS,
    'webhookEvents'
  )
  const told = new Set(events.filter(({ type }) => ENDS.has(type)).map(({ data }) => data.id))
  return payments
    .filter(({ state }) => state === 'COMPLETED' || state === 'EXPIRED')
    .filter(({ id, receivedAmount }) => receivedAmount.value !== '0' && !told.has(id))
    .map(({ id }) => id)
}

const ENDS: ReadonlySet<string> = new Set(['incoming_payment.completed', 'incoming_payment.expired'])

async function webhookEventIds(admin: AdminClient): Promise<string[]> {
  return (await readPages<{ id: string }>(admin, WEBHOOK_EVENTS, 'webhookEvents')).map(({ id }) => id)
}

const WEBHOOK_EVENTS = `query WebhookEvents($first: Int, $after: String) {
  webhookEvents(first: $first, after: $after) { edges { node { id type data } } pageInfo { endCursor hasNextPage } } }`
const INCOMING_PAYMENTS = `query IncomingPayments($first: Int, $after: String) {
  incomingPayments(first: $first, after: $after) {
    edges { node { id state receivedAmount { value } } } pageInfo { endCursor hasNextPage } } }`
