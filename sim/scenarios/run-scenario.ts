import type { Network } from '../networks/network.ts'
import { requireLedgerOrder } from '../invariants/ledger-order.ts'
import { requireLawfulPayments } from '../invariants/payments.ts'
import { requireQuiescence } from '../invariants/quiescence.ts'
import { readPayments } from '../invariants/read-payments.ts'
import { createLabNetwork } from './lab-network.ts'
import type { NetworkControls } from './lab-network.ts'
import { createScenarioRandom, PropertyViolation, ScenarioError } from './scenario.ts'
import type { Scenario, WorldName } from './scenario.ts'

/** What one run of a scenario came to. Plain JSON. */
export interface ScenarioOutcome {
  ok: boolean
  violation?: { property: string; message: string }
  /** How payments ended. */
  payments: Record<string, number>
  /** How often each state was reached that the scenario is meant to reach. */
  states: Record<string, number>
  /** What happened, in order, with the world's time since the start. */
  story: string[]
}

/**
 * Steps of a story that are somebody's doing, or a fault: what has to be done again to see the same. The others tell
 * what came of it.
 */
export const ACTIONS: ReadonlySet<string> = new Set([
  ...['pays', 'opens', 'quotes', 'agrees', 'peers', 'tenant', 'does'],
  ...['fault', 'kill', 'restart', 'deposit', 'withdrawal', 'packet limit', 'fee', 'rate']
])

/** The actions of a story, in order. */
export function actionsOf(story: readonly string[]): string[] {
  return story.filter((line) => ACTIONS.has(/^\S+ ms ([^:]+):/.exec(line)?.[1] ?? ''))
}

/** The part of a run's story that is kept. */
const MAX_STORY_LINES = 2_000

/**
 * Runs a scenario on a network that is up, then lets everything come to rest and checks what must hold of it.
 *
 * @param options.draw random bytes for what the scenario decides
 * @param options.violated rejects when an invariant is found violated while the scenario runs
 * @param options.atRest checks what must hold when nothing is in flight; throws PropertyViolation
 * @throws whatever the scenario's own code throws; what a node did wrong is in the outcome
 */
export async function runScenario(
  scenario: Scenario,
  network: Network,
  world: WorldName,
  controls: NetworkControls,
  {
    draw = (length) => network.runtime.random.bytes(length),
    violated,
    atRest = () => undefined
  }: {
    draw?: (length: number) => Buffer
    violated?: Promise<never>
    atRest?: (options: { faultless: boolean }) => void
  } = {}
): Promise<ScenarioOutcome> {
  const { clock } = network.runtime
  const startMs = clock.nowMs()
  const story: string[] = []
  const tell = (step: string, detail: string) => {
    if (story.length < MAX_STORY_LINES) story.push(`${clock.nowMs() - startMs} ms ${step}: ${detail}`)
  }
  const states: Record<string, number> = Object.fromEntries(scenario.reaches.map((name) => [name, 0]))
  const net = createLabNetwork(network, world, controls, tell)

  async function live(): Promise<void> {
    const random = createScenarioRandom(draw)
    for (const fault of scenario.faults(random)) net.fault(fault)
    await scenario.run({
      net,
      random,
      always(what, holds) {
        if (!holds) throw new PropertyViolation('always', what)
      },
      does: (what) => tell('does', what),
      sometimes(what, reached = true) {
        if (!Object.hasOwn(states, what))
          throw new ScenarioError(`"${scenario.title}" does not list the state "${what}" in its reaches`)
        if (!reached) return
        states[what]! += 1
        tell('reached', what)
      }
    })
    tell('quiescence', 'all steps are done')
    await net.faultsOver()
    await requireQuiescence(net, network, {
      faulted: (from, to) => net.touched.has(from) || net.touched.has(to)
    })
    requireLawfulPayments(
      await readPayments(net, network, {
        beganAtMs: startMs,
        closingOf: net.closingOf
      }),
      { strangers: net.strangers }
    )
    atRest({ faultless: net.touched.size === 0 })
    for (const { name } of network.nodes) await requireLedgerOrder(name, network.ledgerOf(name))
  }

  let violation: PropertyViolation | undefined
  try {
    await (violated ? Promise.race([live(), violated]) : live())
  } catch (error) {
    if (!(error instanceof PropertyViolation)) throw error
    violation = error
  }

  const payments: Record<string, number> = {}
  for (const payment of net.payments) {
    const state = violation ? 'begun' : (await payment.ended()).state
    payments[state] = (payments[state] ?? 0) + 1
  }
  return {
    ok: violation === undefined,
    ...(violation && { violation: { property: violation.property, message: violation.message } }),
    payments,
    states,
    story
  }
}
