import { ADMIN_REQUESTS, CREATED } from '../../../scenarios/load/k6/admin-requests.ts'
import type { AdminRequestsTarget, AdminSubjects } from '../../../scenarios/load/k6/targets.ts'
import { planOf } from '../../networks/plan.ts'
import type { LocalLedger } from '../../worlds/local/world.ts'
import type { CallOutcome } from '../engine/stage.ts'
import type { LoadContext, Workload } from './model.ts'
import { adminOf, ownVersions, startLoadedNetwork } from './network.ts'
import type { LoadedNetwork } from './network.ts'
import { outcomeOf, PAYER_NODE, richPair } from './payments-network.ts'
import { countRows, reconcileRows } from './stored-rows.ts'

export interface AdminOptions {
  ledger: LocalLedger
}

const ADMIN_SCRIPT = 'scenarios/load/admin.k6.ts'
const BOUNDS = { p99Ms: 100, errorShare: 0.001 }
const CALLERS = 32
const MAX_IN_FLIGHT = 1_000
const WARM_UP_MS = 5_000

/** Requests to the Admin API of a node, by turns: signed, as its wallet makes them. */
export async function startAdminWorkload(context: LoadContext, { ledger }: AdminOptions): Promise<Workload> {
  const loaded = await startLoadedNetwork(context, richPair(), { ledger })
  const { network } = loaded
  const { runtime } = context
  const plan = planOf(network.plan.plans, PAYER_NODE)
  const admin = adminOf(network, PAYER_NODE)
  const subjects = await subjectsOf(loaded)
  const stored = () =>
    Promise.all(
      (['walletAddresses', 'incomingPayments'] as const).map((table) =>
        countRows(runtime, plan.databaseUrls.backend, table)
      )
    )
  const before = await stored()
  let turn = 0

  async function call(): Promise<CallOutcome> {
    const { outcome, query, variables } = ADMIN_REQUESTS[turn++ % ADMIN_REQUESTS.length]!
    return admin.call(query, variables(subjects, runtime.random.uuid())).then(
      () => ({ ok: true, name: outcome }),
      (error: Error) => ({ ok: false, name: outcomeOf(error) })
    )
  }

  return {
    unit: 'requests',
    topology: {
      name: PAYER_NODE,
      nodes: [
        { name: 'wallet', role: 'generator', detail: 'signed GraphQL', column: 0 },
        { name: PAYER_NODE, role: 'node', detail: 'Admin API', column: 1 }
      ],
      links: [
        { from: 'wallet', to: PAYER_NODE, detail: ADMIN_REQUESTS.map(({ outcome }) => outcome).join(', ') }
      ]
    },
    call,
    maxInFlight: MAX_IN_FLIGHT,
    probeCallers: CALLERS,
    warmUpMs: WARM_UP_MS,
    bounds: BOUNDS,
    processes: loaded.processes,
    profiled: loaded.profiled,
    settings: { ledger, ...loaded.durability },
    versions: ownVersions(),
    databaseBytes: loaded.databaseBytes,
    k6: {
      script: ADMIN_SCRIPT,
      target: {
        ...subjects,
        admin: {
          url: plan.urls.admin,
          tenantId: plan.secrets.operatorTenantId,
          secret: plan.secrets.adminApiSecret
        }
      } satisfies AdminRequestsTarget
    },
    async reconcile(outcomes) {
      const after = await stored()
      const known = new Set(ADMIN_REQUESTS.map(({ outcome }) => outcome))
      const failures = Object.fromEntries(Object.entries(outcomes).filter(([name]) => !known.has(name)))
      return reconcileRows(
        [
          {
            what: 'wallet addresses',
            made: outcomes[CREATED.walletAddress] ?? 0,
            stored: after[0]! - before[0]!
          },
          {
            what: 'incoming payments',
            made: outcomes[CREATED.incomingPayment] ?? 0,
            stored: after[1]! - before[1]!
          }
        ],
        failures
      )
    },
    failure: network.failure
  }
}

async function subjectsOf({ network }: LoadedNetwork): Promise<AdminSubjects> {
  const node = network.nodes.find(({ name }) => name === PAYER_NODE)!
  const [account] = node.walletAddresses
  const { createIncomingPayment } = await adminOf(network, PAYER_NODE).call<{
    createIncomingPayment: { payment: { id: string } }
  }>(
    `mutation CreateIncomingPayment($input: CreateIncomingPaymentInput!) {
      createIncomingPayment(input: $input) { payment { id } } }`,
    { input: { walletAddressId: account!.id } }
  )
  return {
    openPaymentsUrl: planOf(network.plan.plans, PAYER_NODE).urls.openPayments,
    assetId: node.assets[0]!.id,
    walletAddressId: account!.id,
    incomingPaymentId: createIncomingPayment.payment.id
  }
}
