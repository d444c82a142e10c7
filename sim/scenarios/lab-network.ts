import { createHttpClient } from '../../node/runtime/index.ts'
import { createAdminClient } from '../actors/admin-client.ts'
import type { AdminClient } from '../actors/admin-client.ts'
import { describeFault, nodesTouched } from '../faults/model.ts'
import type { ArmedFault, Fault } from '../faults/model.ts'
import type { Network } from '../networks/network.ts'
import { audit, payingNetworkOf } from '../networks/network.ts'
import type { Audit } from '../invariants/audit.ts'
import type { ServiceName } from '../networks/raise.ts'
import { createLabAccount } from './lab-account.ts'
import type { LabAccount } from './lab-account.ts'
import { createLabNode } from './lab-node.ts'
import type { LabNode } from './lab-node.ts'
import type { LabPayment } from './lab-payment.ts'
import { PropertyViolation, ScenarioError } from './scenario.ts'
import type { WorldName } from './scenario.ts'

/** What the world that a network stands in can do to it. */
export interface NetworkControls {
  kill(nodeName: string, service: ServiceName): void | Promise<void>
  restart(nodeName: string, service: ServiceName): Promise<void>
  /** Absent where the world has no faults but kills. */
  arm?(fault: Fault, onStrike: () => void): ArmedFault
}

/** A network as a scenario sees it: accounts that pay, nodes that are operated, and time. */
export interface LabNetwork {
  readonly world: WorldName
  /** The account of a customer, as `alice@acacia`. */
  wallet(account: string): LabAccount
  node(name: string): LabNode
  /** Every payment that was begun. */
  readonly payments: readonly LabPayment[]
  /** Arms a fault beside those that the scenario lists. */
  fault(fault: Fault): ArmedFault
  /** Takes back the faults that have not struck, and waits until the others are over. */
  faultsOver(): Promise<void>
  /** Nodes that a fault or a kill touched. */
  readonly touched: ReadonlySet<string>
  sleep(durationMs: number): Promise<void>
  /**
   * Waits until something holds, asking again and again.
   *
   * @throws PropertyViolation when it does not within `withinMs` of the world's time
   */
  until(what: string, holds: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>
  audit(): Promise<Audit>
}

/** What the parts of a network share. */
export interface LabParts {
  network: Network
  controls: NetworkControls
  paying: ReturnType<typeof payingNetworkOf>
  /** A node's Admin API, as its operator calls it: not from where the wallet is, which a fault may cut off. */
  adminOf(node: string): AdminClient
  /** A line of the run's story. */
  tell(step: string, detail: string): void
  begun(payment: LabPayment): void
  touch(node: string): void
  until: LabNetwork['until']
}

export const UNTIL_LIMIT_MS = 180_000
const LONGEST_PAUSE_MS = 250

export function createLabNetwork(
  network: Network,
  world: WorldName,
  controls: NetworkControls,
  tell: LabParts['tell']
): LabNetwork {
  const { clock } = network.runtime
  const payments: LabPayment[] = []
  const touched = new Set<string>()
  const armed: ArmedFault[] = []
  const http = createHttpClient(network.runtime)
  const admins = new Map(
    network.plan.plans.map(({ node, urls, secrets }) => [
      node.name,
      createAdminClient(
        { http, clock },
        { url: urls.admin, tenantId: secrets.operatorTenantId, secret: secrets.adminApiSecret }
      )
    ])
  )
  const parts: LabParts = {
    network,
    controls,
    tell,
    paying: payingNetworkOf(network),
    adminOf: (node) => found(admins, node, 'node'),
    begun: (payment) => void payments.push(payment),
    touch: (node) => void touched.add(node),
    until
  }
  const accounts = new Map<string, LabAccount>()
  for (const { node } of network.plan.plans) {
    for (const { name } of node.walletAddresses) {
      accounts.set(`${name}@${node.name}`, createLabAccount(parts, { walletAddress: name, node: node.name }))
    }
  }
  const nodes = new Map(network.nodes.map((node) => [node.name, createLabNode(parts, node)]))

  async function until(
    what: string,
    holds: () => boolean | Promise<boolean>,
    withinMs = UNTIL_LIMIT_MS
  ): Promise<void> {
    const deadlineMs = clock.nowMs() + withinMs
    for (let pauseMs = 10; !(await holds()); pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      if (clock.nowMs() > deadlineMs)
        throw new PropertyViolation('liveness', `${what} did not come about within ${withinMs} ms`)
      await clock.sleep(pauseMs)
    }
  }

  return {
    world,
    payments,
    touched,
    fault(fault) {
      if (!controls.arm)
        throw new ScenarioError(`the ${world} world has no faults as data; use kill and restart of a node`)
      const made = controls.arm(fault, () => {
        for (const node of nodesTouched(fault)) touched.add(node)
        tell('fault', describeFault(fault))
      })
      armed.push(made)
      return made
    },
    async faultsOver() {
      for (const fault of armed) {
        if (fault.struck()) await fault.over
        else fault.disarm()
      }
    },
    wallet: (account) => found(accounts, account, 'account'),
    node: (name) => found(nodes, name, 'node'),
    sleep: (durationMs) => clock.sleep(durationMs),
    until,
    audit: () => audit(network)
  }
}

function found<T>(map: ReadonlyMap<string, T>, name: string, kind: string): T {
  const value = map.get(name)
  if (value === undefined)
    throw new Error(`no ${kind} "${name}" in the topology; there are ${[...map.keys()].join(', ')}`)
  return value
}
