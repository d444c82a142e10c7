import { audit } from '../../networks/network.ts'
import type { Network } from '../../networks/network.ts'
import { readTopology } from '../../topology/parse.ts'
import type { Topology } from '../../topology/model.ts'
import type { Clock, Runtime } from '../../../node/runtime/index.ts'
import type { Wallet } from '../../actors/wallet/wallet.ts'
import type { PaymentTerms } from '../bench/payments-wallet.ts'
import type { Reconciliation } from '../engine/model.ts'
import { describeOutcomes } from './reconcile.ts'
import { PLENTY } from './topologies.ts'

/** The pair that `npm start` brings up: who pays, who is paid, and what. */
const TOPOLOGY = 'fixtures/topologies/pair.json'
export const [PAYER_NODE, RECEIVER_NODE] = ['acacia', 'baobab'] as const
export const RECEIVE = { value: '1000', assetCode: 'EUR', assetScale: 4 }
/** The wallets hear of all that was paid within this time. */
const QUIET_WITHIN_MS = 20_000

/** The pair, with accounts that last for a long run. */
export function richPair(transport?: 'http' | 'btp'): Topology {
  const pair = readTopology(TOPOLOGY)
  return {
    ...pair,
    payments: [],
    nodes: pair.nodes.map((node) => ({
      ...node,
      assets: node.assets.map((asset) => ({ ...asset, liquidity: PLENTY })),
      walletAddresses: node.walletAddresses.map((account) => ({ ...account, balance: PLENTY }))
    })),
    links: pair.links.map((link) => ({ ...link, liquidity: PLENTY, ...(transport && { transport }) }))
  }
}

export function termsOf(network: Pick<Network, 'nodes'>): PaymentTerms {
  const account = (name: string) => network.nodes.find((node) => node.name === name)!.walletAddresses[0]!
  return {
    payerWalletAddressId: account(PAYER_NODE).id,
    receiverUrl: account(RECEIVER_NODE).url,
    receiveAmount: RECEIVE
  }
}

/** What the receiver's node said that it received, by incoming payment. */
export type Credits = ReadonlyMap<string, bigint>

export function countCredits(wallet: Wallet): Credits {
  const credits = new Map<string, bigint>()
  wallet.onEvent(({ type, data }) => {
    if (type !== 'incoming_payment.completed') return
    credits.set(String(data.id), BigInt((data.receivedAmount as { value: string }).value))
  })
  return credits
}

/** What the payer's side knows of its payments. */
export interface PaymentsMade {
  completed: number
  /** Those that it was told something else of, or nothing, by outcome. */
  others: Readonly<Record<string, number>>
  credits: Credits
}

/**
 * Every payment COMPLETED and credited by the receiver's wallet, and books that add up: the payer's count, both nodes'
 * payments, both wallets' accounts, both ledgers and the link between them. A payment that was completed though the
 * payer gave up waiting is an orphan; one more than it gave up on is a fault.
 */
export async function reconcilePayments(
  runtime: Pick<Runtime, 'clock' | 'openDatabase'>,
  network: Network,
  { completed: count, others, credits }: PaymentsMade
): Promise<Reconciliation> {
  const unheard = Object.values(others).reduce((sum, number) => sum + number, 0)
  const receiver = network.wallets.get(RECEIVER_NODE)!
  await atMost(
    runtime.clock,
    QUIET_WITHIN_MS,
    receiver.until(() => credits.size >= count + unheard)
  )
  const problems: string[] = []
  const late = credits.size - count
  if (late < 0 || late > unheard) {
    problems.push(`${count} were COMPLETED, ${credits.size} credited to the receiver`)
  }
  // The last packet of a payment may bring a little more than was asked for: what its smallest unit is worth.
  const received = [...credits.values()]
  const short = received.filter((value) => value < BigInt(RECEIVE.value)).length
  if (short > 0) problems.push(`${short} payments brought less than they promised`)
  const balance = receiver.accounts.all()[0]!.balance - PLENTY
  const sum = received.reduce((total, value) => total + value, 0n)
  if (balance !== sum) problems.push(`the node told of ${sum} received, the wallet has ${balance} more`)
  const held = network.wallets.get(PAYER_NODE)!.accounts.all()[0]!.held
  if (held !== 0n) problems.push(`the payer's wallet still holds ${held} back`)

  const sent = await countByState(runtime, network, PAYER_NODE, 'outgoingPayments')
  const got = await countByState(runtime, network, RECEIVER_NODE, 'incomingPayments')
  const { COMPLETED: completed = 0, ...unended } = sent
  const notCompleted = Object.values(unended).reduce((sum, number) => sum + number, 0)
  if (notCompleted > unheard - late) {
    for (const [state, number] of Object.entries(unended)) problems.push(`${number} payments are ${state}`)
  }
  if (completed !== credits.size) {
    problems.push(`${credits.size} were credited, ${PAYER_NODE} has ${completed} COMPLETED`)
  }
  const { problems: audited, links } = await audit(network)
  problems.push(...audited)
  const link = links.find(({ from }) => from === PAYER_NODE)
  return {
    ok: problems.length === 0,
    problems,
    orphans:
      late > 0
        ? [
            {
              where: `${PAYER_NODE} → the payer`,
              count: late,
              amount: (BigInt(late) * BigInt(RECEIVE.value)).toString(),
              cause: `completed when the payer waited no more; it noted ${describeOutcomes(others)}`
            }
          ]
        : [],
    counts: [
      { what: 'generator: payments completed', count },
      { what: `${PAYER_NODE}: outgoing payments COMPLETED`, count: completed },
      ...(link
        ? [
            {
              what: `${PAYER_NODE}’s ledger: posted to ${RECEIVER_NODE}`,
              amount: link.upstreamPosted.toString()
            },
            {
              what: `${RECEIVER_NODE}’s ledger: posted from ${PAYER_NODE}`,
              amount: link.downstreamPosted.toString()
            }
          ]
        : []),
      { what: `${RECEIVER_NODE}: incoming payments COMPLETED`, count: got.COMPLETED ?? 0 },
      { what: 'receiver’s wallet: told of', count: credits.size, amount: sum.toString() },
      { what: 'receiver’s wallet: its account grew by', amount: balance.toString() }
    ]
  }
}

async function countByState(
  runtime: Pick<Runtime, 'openDatabase'>,
  { plan }: Network,
  nodeName: string,
  table: 'outgoingPayments' | 'incomingPayments'
): Promise<Record<string, number>> {
  const { databaseUrls } = plan.plans.find(({ node }) => node.name === nodeName)!
  const database = runtime.openDatabase({ url: databaseUrls.backend, maxConnections: 1 })
  try {
    const { rows } = await database.knex.raw<{ rows: { state: string; count: string }[] }>(
      `SELECT state, count(*)::text AS count FROM ?? GROUP BY state`,
      [table]
    )
    return Object.fromEntries(rows.map(({ state, count }) => [state, Number(count)]))
  } finally {
    await database.close()
  }
}

/** Waits for something, for a while: the caller looks at what there is then. */
async function atMost(
  clock: Pick<Clock, 'setTimer'>,
  timeoutMs: number,
  done: Promise<unknown>
): Promise<void> {
  const late = Promise.withResolvers<void>()
  const timer = clock.setTimer(timeoutMs, late.resolve)
  await Promise.race([done, late.promise])
  timer.cancel()
}

/** One name for all that fail the same way: ids are none of it. */
export function outcomeOf({ message }: Error): string {
  return message.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…').slice(0, 120)
}
