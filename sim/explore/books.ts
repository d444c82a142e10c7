import type { Network } from '../networks/network.ts'
import type { LabNetwork } from '../scenarios/lab-network.ts'
import { PropertyViolation } from '../scenarios/scenario.ts'
import { unlessSilent } from '../scenarios/silence.ts'

/** The longest that an end may take to reach a wallet's books: webhooks are repeated with growing pauses. */
const ADD_UP_WITHIN_MS = 60 * 60_000
const LONGEST_PAUSE_MS = 300_000
/** Payments of one account that are looked at; more were never made by one history. */
const PAGE = 100

interface PaymentsOfAccount {
  walletAddress: {
    incomingPayments: { edges: { node: { state: string; receivedAmount: { value: string } } }[] }
    outgoingPayments: {
      edges: { node: { state: string; debitAmount: { value: string }; sentAmount: { value: string } } }[]
    }
  }
}

/**
 * Waits until each customer has what its payments say: what it began with, less the debit of completed payments and what
 * failed ones sent, plus what came to closed incoming payments. Nobody's money is lost between a node and its wallet.
 *
 * @param balance what each customer began with, minor units
 * @throws PropertyViolation when it does not add up in the end
 */
export async function requireBooksAddUp(net: LabNetwork, network: Network, balance: bigint): Promise<void> {
  const { clock } = network.runtime
  const deadlineMs = clock.nowMs() + ADD_UP_WITHIN_MS
  for (const { name: node, walletAddresses } of network.nodes) {
    for (const { id, name } of walletAddresses) {
      for (let pauseMs = 1_000; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
        const found = await unlessSilent(() =>
          net.node(node).admin.call<PaymentsOfAccount>(PAYMENTS, { id, first: PAGE })
        )
        const has = network.wallets.get(node)!.accounts.get(name)!.balance
        const due = found && balance + changeOf(found)
        if (due === has) break
        if (clock.nowMs() > deadlineMs) {
          const what = due === undefined ? 'its node does not answer' : `its payments say ${due}`
          throw new PropertyViolation('books add up', `${name}@${node} has ${has}, ${what}`)
        }
        await clock.sleep(pauseMs)
      }
    }
  }
}

function changeOf({ walletAddress: { incomingPayments, outgoingPayments } }: PaymentsOfAccount): bigint {
  let change = 0n
  for (const { node } of incomingPayments.edges)
    if (node.state === 'COMPLETED' || node.state === 'EXPIRED') change += BigInt(node.receivedAmount.value)
  for (const { node } of outgoingPayments.edges) {
    if (node.state === 'COMPLETED') change -= BigInt(node.debitAmount.value)
    if (node.state === 'FAILED') change -= BigInt(node.sentAmount.value)
  }
  return change
}

const PAYMENTS = `query PaymentsOfAccount($id: String!, $first: Int) { walletAddress(id: $id) {
  incomingPayments(first: $first) { edges { node { state receivedAmount { value } } } }
  outgoingPayments(first: $first) { edges { node { state debitAmount { value } sentAmount { value } } } } } }`
