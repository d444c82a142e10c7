import { audit } from '../../networks/network.ts'
import type { Network } from '../../networks/network.ts'
import { readTopology } from '../../topology/parse.ts'
import type { Topology } from '../../topology/model.ts'
import type { Clock, Runtime } from '../../../node/runtime/index.ts'
import type { Wallet } from '../../actors/wallet/wallet.ts'
import type { PaymentTerms, WalletPayments } from '../bench/payments-wallet.ts'
import type { ReconciledCount } from '../engine/model.ts'
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

export interface PaymentBooks {
  problems: string[]
  counts: ReconciledCount[]
}

/**
 * Every payment COMPLETED and credited by the receiver's wallet, and books that add up: the payer's count, both nodes'
 * payments, both wallets' accounts, both ledgers and the link between them.
 */
export async function reconcilePayments(
  runtime: Pick<Runtime, 'clock' | 'openDatabase'>,
  network: Network,
  payments: Pick<WalletPayments, 'completed'>,
  credits: Credits
): Promise<PaymentBooks> {
  const count = payments.completed().size
  const receiver = network.wallets.get(RECEIVER_NODE)!
  await atMost(
    runtime.clock,
    QUIET_WITHIN_MS,
    receiver.until(() => credits.size >= count)
  )
  const problems: string[] = []
  if (credits.size !== count) {
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
  for (const [state, number] of Object.entries(sent)) {
    if (state !== 'COMPLETED') problems.push(`${number} payments are ${state}`)
  }
  const completed = sent.COMPLETED ?? 0
  if (completed !== count) problems.push(`the payer counts ${count}, its node ${completed} COMPLETED`)
  const { problems: audited, links } = await audit(network)
  problems.push(...audited)
  const link = links.find(({ from }) => from === PAYER_NODE)
  return {
    problems,
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
