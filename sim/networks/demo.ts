import type { Audit } from '../invariants/audit.ts'
import type { Progress } from '../reports/progress.ts'
import { describeAudit } from '../reports/progress.ts'
import { formatAmount } from '../topology/amount.ts'
import type { TopologyPayment } from '../topology/model.ts'
import { audit, pay, payingNetworkOf } from './network.ts'
import type { Network, PaymentOutcome } from './network.ts'

export interface DemoResult {
  ok: boolean
  payments: PaymentOutcome[]
  audit: Audit
}

/** Makes the payments that the topology lists, shows both sides' balances and audits the ledgers. */
export async function runDemo(network: Network, progress: Progress): Promise<DemoResult> {
  const paying = payingNetworkOf(network)
  const payments: PaymentOutcome[] = []
  for (const { from, to, amount } of network.plan.topology.payments) {
    const balanceBefore = network.wallets.get(to.node)!.accounts.get(to.walletAddress)!.balance
    progress.step('payment', `${from.walletAddress}@${from.node} → ${to.walletAddress}@${to.node}`)
    const outcome = await pay(paying, { from, to, amount }, (step, detail) => progress.step(step, detail))
    payments.push(outcome)
    progress.step(
      outcome.state,
      `sent ${describe(outcome.sentAmount)}, received ${describe(outcome.receivedAmount)}${outcome.error ? `: ${outcome.error}` : ''}`
    )
    if (outcome.state === 'COMPLETED') {
      await settled(network, { from, to, amount }, balanceBefore, BigInt(outcome.receivedAmount.value))
    }
  }
  for (const line of balances(network)) progress.step('balance', line)
  const audited = await audit(network)
  for (const line of describeAudit(audited)) progress.step('audit', line)
  return { ok: audited.ok && payments.every(({ state }) => state === 'COMPLETED'), payments, audit: audited }
}

/** Waits until both wallets have booked the payment: their webhooks come after its end. */
async function settled(
  network: Network,
  { from, to }: TopologyPayment,
  receivedBefore: bigint,
  received: bigint
): Promise<void> {
  const payer = network.wallets.get(from.node)!
  const receiver = network.wallets.get(to.node)!
  await payer.until(() => payer.accounts.get(from.walletAddress)!.held === 0n)
  await receiver.until(() => receiver.accounts.get(to.walletAddress)!.balance >= receivedBefore + received)
}

function balances(network: Network): string[] {
  return network.plan.topology.nodes.flatMap(({ name }) =>
    network.wallets
      .get(name)!
      .accounts.all()
      .map(
        ({ walletAddress, asset, balance, held }) =>
          `${walletAddress}@${name}: ${formatAmount(balance, asset.scale)} ${asset.code}${held > 0n ? ` (${formatAmount(held, asset.scale)} held)` : ''}`
      )
  )
}

function describe({ value, assetCode, assetScale }: PaymentOutcome['sentAmount']): string {
  return `${formatAmount(BigInt(value), assetScale)} ${assetCode}`
}
