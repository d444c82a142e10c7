import type { PaymentTarget } from '../../../scenarios/load/k6/targets.ts'
import { planOf } from '../../networks/plan.ts'
import { createWalletPayments } from '../bench/payments-wallet.ts'
import type { LocalLedger } from '../../worlds/local/world.ts'
import type { CallOutcome } from '../engine/stage.ts'
import type { LoadContext, Workload } from './model.ts'
import { ownVersions, startLoadedNetwork } from './network.ts'
import type { LoadedNetwork } from './network.ts'
import {
  countCredits,
  outcomeOf,
  PAYER_NODE,
  RECEIVE,
  RECEIVER_NODE,
  reconcilePayments,
  richPair,
  termsOf
} from './payments-network.ts'

export interface PaymentsOptions {
  transport: 'http' | 'btp'
  ledger: LocalLedger
}

export const PAYMENT_SCRIPT = 'scenarios/load/payments.k6.ts'
export const PAYMENT_BOUNDS = { p99Ms: 2_000, errorShare: 0.001 }
export const PAYMENT_CALLERS = 16
export const PAYMENTS_IN_FLIGHT = 512
/** On each connection PostgreSQL has then run each statement often enough to keep its plan. */
const WARM_UP_MS = 8_000
/** A payment whose end nobody told of counts as failed then. */
const PAYMENT_TIMEOUT_MS = 60_000

/** End-to-end payments over the pair: receiver, quote, payment, webhooks, until the payer's wallet honoured its end. */
export async function startPaymentsWorkload(
  context: LoadContext,
  { transport, ledger }: PaymentsOptions
): Promise<Workload> {
  const loaded = await startLoadedNetwork(context, richPair(transport), { ledger })
  const { network } = loaded
  const { clock } = context.runtime
  const credits = countCredits(network.wallets.get(RECEIVER_NODE)!)
  const payments = createWalletPayments(network.wallets.get(PAYER_NODE)!, termsOf(network))

  async function call(): Promise<CallOutcome> {
    const late = Promise.withResolvers<CallOutcome>()
    const timer = clock.setTimer(PAYMENT_TIMEOUT_MS, () =>
      late.resolve({ ok: false, name: 'no end was told' })
    )
    const outcome = await Promise.race([
      payments.pay().then(
        (): CallOutcome => ({ ok: true, name: 'COMPLETED' }),
        (error: Error): CallOutcome => ({ ok: false, name: outcomeOf(error) })
      ),
      late.promise
    ])
    timer.cancel()
    return outcome
  }

  return {
    unit: 'payments',
    topology: {
      name: 'pair',
      nodes: [
        { name: 'payer’s wallet', role: 'generator', detail: 'Admin API, webhooks', column: 0 },
        { name: PAYER_NODE, role: 'node', detail: 'USD, fee on sending', column: 1 },
        { name: RECEIVER_NODE, role: 'node', detail: `${RECEIVE.assetCode}`, column: 2 },
        { name: 'receiver’s wallet', role: 'generator', detail: 'Admin API, webhooks', column: 3 }
      ],
      links: [
        { from: 'payer’s wallet', to: PAYER_NODE, detail: 'GraphQL' },
        { from: PAYER_NODE, to: RECEIVER_NODE, detail: `${transport}, USD; Open Payments` },
        { from: RECEIVER_NODE, to: 'receiver’s wallet', detail: 'webhooks' }
      ]
    },
    call,
    maxInFlight: PAYMENTS_IN_FLIGHT,
    probeCallers: PAYMENT_CALLERS,
    warmUpMs: WARM_UP_MS,
    bounds: PAYMENT_BOUNDS,
    processes: loaded.processes,
    profiled: loaded.profiled,
    settings: { topology: 'pair', transport, ledger, ...loaded.durability },
    versions: ownVersions(),
    databaseBytes: loaded.databaseBytes,
    k6: { script: PAYMENT_SCRIPT, target: paymentTarget(network) },
    reconcile: ({ COMPLETED = 0, ...others }) =>
      reconcilePayments(context.runtime, network, { completed: COMPLETED, others, credits }),
    failure: network.failure
  }
}

function paymentTarget(network: LoadedNetwork['network']): PaymentTarget {
  const { urls, secrets } = planOf(network.plan.plans, PAYER_NODE)
  return {
    admin: { url: urls.admin, tenantId: secrets.operatorTenantId, secret: secrets.adminApiSecret },
    ...termsOf(network)
  }
}
