import { createPostgresLedger, createTigerBeetleLedger } from '../../node/ledger/index.ts'
import type { AuditableLedger } from '../../node/ledger/index.ts'
import type { Runtime } from '../../node/runtime/index.ts'
import { createWallet } from '../actors/wallet/wallet.ts'
import type { Wallet } from '../actors/wallet/wallet.ts'
import type { Topology, TopologyNode } from '../topology/model.ts'
import type { Network } from './network.ts'
import { planNetwork, planOf } from './plan.ts'
import type { NetworkPlan, NodePlace, NodePlan } from './plan.ts'
import { provisionNode } from './provision.ts'

export type ServiceName = 'backend' | 'auth'
export const SERVICES: readonly ServiceName[] = ['auth', 'backend']

/** What a network stands on: the same steps raise it in every world. */
export interface NetworkGround {
  readonly scheme: 'http' | 'https'
  /** Where payers and audits live. */
  readonly runtime: Runtime
  place(node: TopologyNode): NodePlace
  /** Makes ready what services expect to find: databases, key files. */
  prepare(network: NetworkPlan): Promise<void>
  /** Where a node's wallet lives, and the address that it listens on. */
  walletHome(plan: NodePlan): { runtime: Runtime; address: { host: string; port: number } }
  /** Resolves when the service answers; tells how to describe it. */
  startService(plan: NodePlan, service: ServiceName): Promise<string>
}

/** What a world tells while its network comes up. */
export type OnStep = (step: string, detail: string) => void

/** Undoes, in reverse order, what was done so far. */
export type Undo = (() => Promise<void> | void)[]

/** Brings a topology up: services and wallets first, then everything that its operators would create. */
export async function raiseNetwork(
  topology: Topology,
  ground: NetworkGround,
  { onStep, undo }: { onStep: OnStep; undo: Undo }
): Promise<Network> {
  const { runtime } = ground
  const plan = planNetwork(topology, runtime.random, (node) => ground.place(node))
  await ground.prepare(plan)
  const wallets = new Map<string, Wallet>()
  for (const nodePlan of plan.plans) {
    const home = ground.walletHome(nodePlan)
    const wallet = createWallet(home.runtime, { plan: nodePlan, address: home.address })
    await wallet.start()
    undo.push(() => wallet.stop())
    wallets.set(nodePlan.node.name, wallet)
  }
  await Promise.all(
    plan.plans.flatMap((nodePlan) =>
      SERVICES.map(async (service) => {
        const description = await ground.startService(nodePlan, service)
        onStep('service', `${nodePlan.node.name} ${service} is up (${description})`)
      })
    )
  )
  const nodes = await Promise.all(
    plan.plans.map((nodePlan) =>
      provisionNode(plan, nodePlan, { admin: wallets.get(nodePlan.node.name)!.admin, random: runtime.random })
    )
  )
  const accounts = nodes.flatMap((node) => node.walletAddresses.map(({ name }) => `${name}@${node.name}`))
  onStep(
    'network',
    `${nodes.length} nodes, ${topology.links.length} links, wallet addresses: ${accounts.join(', ')}`
  )
  return {
    plan,
    nodes,
    wallets,
    scheme: ground.scheme,
    runtime,
    ledgerOf: ledgersBeside(runtime, plan, undo)
  }
}

/** Ledgers opened beside the nodes, when an audit first asks. */
function ledgersBeside(
  runtime: Runtime,
  network: NetworkPlan,
  undo: Undo
): (nodeName: string) => AuditableLedger {
  const opened = new Map<string, { ledger: AuditableLedger; close(): Promise<void> }>()
  undo.push(async () => {
    for (const { close } of opened.values()) await close()
  })
  return (nodeName) => {
    let found = opened.get(nodeName)
    if (!found) {
      found = openBeside(runtime, planOf(network.plans, nodeName))
      opened.set(nodeName, found)
    }
    return found.ledger
  }
}

function openBeside(
  runtime: Runtime,
  { ledger: where, databaseUrls }: NodePlan
): { ledger: AuditableLedger; close(): Promise<void> } {
  if (where.kind === 'tigerbeetle') {
    const ledger = createTigerBeetleLedger({ ...runtime, open: () => runtime.openTigerBeetle(where) })
    return { ledger, close: () => ledger.close() }
  }
  const database = runtime.openDatabase({ url: databaseUrls.backend, maxConnections: 2 })
  return {
    ledger: createPostgresLedger({ database, clock: runtime.clock }),
    close: () => database.close()
  }
}

/** Takes down what stands, newest first; all of it, whatever fails on the way. */
export async function takeDown(undo: Undo): Promise<void> {
  const problems: unknown[] = []
  for (const step of undo.splice(0).reverse()) {
    try {
      await step()
    } catch (error) {
      problems.push(error) // the rest must still come down; all is told at the end
    }
  }
  if (problems.length > 0)
    throw new AggregateError(problems, 'the network could not be taken down completely')
}
