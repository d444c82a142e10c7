import type { Fault } from '../faults/model.ts'
import type { Network } from '../networks/network.ts'
import { PropertyViolation, scenario } from '../scenarios/scenario.ts'
import type { Scenario, ScenarioContext } from '../scenarios/scenario.ts'
import type { WireEvent } from '../wire/model.ts'
import { disturbs, perform } from './actions.ts'
import type { Stage } from './actions.ts'
import { requireBooksAddUp } from './books.ts'
import type { History, TimedFault } from './history.ts'
import { STATES } from './states.ts'
import type { StateName } from './states.ts'
import { topologyOf } from './topology.ts'

/** Liquidity that no history uses up. */
const PLENTY = 10n ** 9n
const QUICK_NETWORK_MS = 50
const QUICK_DATABASE_MS = 10
const ENOUGH_BALANCE = 10n ** 6n

/** What the world lets a history see of itself: SQL over the databases of all nodes, as soon as nobody is in the middle. */
export interface Peephole {
  network(): Network
  peek(sql: string): Promise<(string | null)[][]>
  /** Tells of what goes over the wire between connectors. */
  onWire(listener: (event: WireEvent) => void): void
}

/** A history as a scenario: it runs, is judged and is told as any other. */
export function scenarioOf(history: History, peephole: Peephole): Scenario {
  return scenario({
    title: 'a history',
    topology: topologyOf(history),
    worlds: ['virtual'],
    latency: history.latency,
    reaches: Object.keys(STATES),
    run: (context) => play(history, context, peephole)
  })
}

/** Whether nothing in a history can keep a payment from its promise, nor a client from an answer: it waits for 5 s. */
export function isQuiet({ nodes, actions, faults, balance, latency }: History): boolean {
  return (
    faults.length === 0 &&
    latency.networkMs[1] <= QUICK_NETWORK_MS &&
    latency.databaseMs[1] <= QUICK_DATABASE_MS &&
    !actions.some(disturbs) &&
    balance >= ENOUGH_BALANCE &&
    nodes.every(({ link }) => link.liquidity >= PLENTY)
  )
}

async function play(
  history: History,
  { net, sometimes }: ScenarioContext,
  peephole: Peephole
): Promise<void> {
  const reachedStates = new Set<StateName>()
  const reached: Stage['reached'] = (state, holds = true) => {
    if (!holds || reachedStates.has(state)) return
    reachedStates.add(state)
    sometimes(state)
  }
  peephole.onWire((event) => {
    if (event.kind === 'lost') reached('packetLost')
    if (event.kind !== 'answer' || event.answer.type !== 'reject') return
    const state = STATE_OF_CODE[event.answer.code]
    if (state) reached(state)
  })
  const stage: Stage = { history, net, quiet: isQuiet(history), always: requireThat, reached }
  const strikes: Promise<void>[] = []
  const armed = history.faults.map((fault) => arm(fault))
  await Promise.all(
    history.actions.map(async (action) => {
      await net.sleep(action.atMs)
      await perform(stage, action)
    })
  )
  await Promise.all(armed)
  await net.faultsOver()
  await Promise.all(strikes)
  await requireBooksAddUp(net, peephole.network(), history.balance)
  await lookBack()

  /** A fault is armed at its time: what it counts, and the time that it takes, are from then. */
  async function arm({ atMs, ...fault }: TimedFault): Promise<void> {
    if (atMs > 0) await net.sleep(atMs)
    net.fault(fault as Fault, () => {
      reached('faultStruck')
      for (const state of statesOfStrike(fault as Fault)) reached(state)
      if (fault.fault === 'crash' && fault.service === 'backend') strikes.push(lookAtCrash(fault.node))
    })
  }

  /** What the dead backend was in the middle of: its database still says. */
  async function lookAtCrash(node: string): Promise<void> {
    const schema = `"${node}_backend"`
    const [[sending, funding, webhooks] = []] = await peephole.peek(
      `SELECT (SELECT count(*) FROM ${schema}."outgoingPayments" WHERE state = 'SENDING'),
        (SELECT count(*) FROM ${schema}."outgoingPayments" WHERE state = 'FUNDING'),
        (SELECT count(*) FROM ${schema}.webhooks WHERE state = 'PENDING')`
    )
    reached('crashedSending', sending !== '0')
    reached('crashedFunding', funding !== '0')
    reached('crashedWebhook', webhooks !== '0')
  }

  async function lookBack(): Promise<void> {
    const schemas = peephole.network().nodes.map(({ name }) => `"${name}_backend"`)
    const counts = schemas.map(
      (schema) =>
        `SELECT (SELECT count(*) FROM ${schema}."outgoingPayments" WHERE "leaseEpoch" > 1) AS leases,
          (SELECT count(*) FROM ${schema}."outgoingPayments" WHERE "leaseEpoch" > 1 AND state = 'COMPLETED') AS completed,
          (SELECT count(*) FROM ${schema}.webhooks WHERE attempts > 1) AS repeated`
    )
    const rows = peephole.peek(
      `SELECT sum(leases), sum(completed), sum(repeated) FROM (${counts.join(' UNION ALL ')}) AS nodes`
    )
    const { links } = await net.audit()
    const [[leases, completed, repeated] = []] = await rows
    reached('leaseTakenOver', leases !== '0')
    reached('completedAfterCrash', completed !== '0' && reachedStates.has('crashedSending'))
    reached('webhookRetried', repeated !== '0')
    reached(
      'orphan',
      links.some(({ orphaned }) => orphaned > 0n)
    )
  }
}

/** What must hold has a name, so that a history that is made small still violates the same. */
function requireThat(property: string, holds: boolean, detail: string): void {
  if (!holds) throw new PropertyViolation(property, detail)
}

/** Codes of Rejects that mean something to a search. */
const STATE_OF_CODE: Readonly<Record<string, StateName>> = {
  T04: 'shortOfLiquidity',
  F08: 'packetTooLarge',
  R00: 'packetExpired',
  R02: 'packetExpired',
  T01: 'packetUnanswered'
}

function statesOfStrike(fault: Fault): StateName[] {
  switch (fault.fault) {
    case 'partition':
      return ['partitionStruck']
    case 'connection':
      return fault.then === 'reset' ? (fault.at === 'answer' ? ['answerLost'] : []) : ['stalled']
    case 'crash':
      return ['crashed']
    case 'clock':
      return ['clockStepped']
    case 'pause':
      return []
  }
}
