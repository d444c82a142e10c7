import type { Step } from '../../node/backend/packet-switch.ts'
import { createActor } from './actions.ts'
import { armFaults } from './faults.ts'
import type { Action, PacketFault, PacketHistory } from './history.ts'
import { buildPacketNetwork } from './network.ts'
import type { PacketNetwork } from './network.ts'
import { checkQuiescence } from './quiescence.ts'
import type { PacketViolation } from './recorder.ts'
import { createSharedLogger } from './world.ts'

/** What became of one history. */
export interface PacketRun {
  violations: PacketViolation[]
  /** SHA-256 over all that was recorded. */
  hash: string
  /** What happened, a line each. */
  events: string[]
  /** How often a state was reached. */
  states: ReadonlyMap<string, number>
  /** Prepares that arrived anywhere, packets that were posted anywhere, faults that struck. */
  packets: number
  posted: number
  faults: number
  simulatedMs: number
}

/** Until every connection stands. */
const CONNECT_LIMIT_MS = 20_000
/** One way, until a connection between two nodes stands. */
const HANDSHAKE_TRIPS = 10
/** The time that is let pass between two looks at what was violated. */
const SLICE_MS = 1_000
/** Late answers, retries of the ledger. */
const SETTLE_MS = 12_000
/** The longest life of a payment's packet, and its late answer. */
const PAYMENT_SETTLE_MS = 45_000
/** Recovery of a dead process looks every 30 s, and gives clocks 5 s. */
const RECOVERY_MS = 40_000
/** A payment may take its time, and so many packets at all nodes. */
const PAYMENT_LIMIT_MS = 60_000
const MAX_PACKETS = 5_000

export interface PacketLab {
  run(history: PacketHistory): Promise<PacketRun>
}

/**
 * Runs histories, one after the other, in this process. Each is the same whatever ran before it.
 *
 * @param steps of every connector; absent: their own. Others are for tests that plant defects.
 */
export function createPacketLab({ steps }: { steps?: readonly Step[] } = {}): PacketLab {
  const shared = createSharedLogger()
  return {
    async run(history) {
      const network = buildPacketNetwork(history, shared.logger, steps)
      shared.collectTo((line) => {
        const record = JSON.parse(line) as { msg: string; err?: { message: string } }
        // A batch whose outcome is unknown is what some faults are.
        if (/outcome of a ledger batch is unknown/.test(record.msg)) return
        network.recorder.violate(
          'no service fails unexpectedly',
          `${record.msg}${record.err ? `: ${record.err.message}` : ''}`
        )
      })
      try {
        return await live(network, history)
      } finally {
        network.end()
        shared.collectTo(() => undefined)
      }
    }
  }
}

async function live(network: PacketNetwork, history: PacketHistory): Promise<PacketRun> {
  const { world, recorder, nodes, ends } = network
  const { scheduler } = world
  for (const node of nodes) await node.build()
  // Of two the left one opens the connection: the right one is there before.
  for (const node of [...nodes].reverse()) await node.start()
  void ends.left.start()
  void ends.right.start()
  await scheduler.run(() => ends.left.isOpen && ends.right.isOpen, { limitMs: CONNECT_LIMIT_MS })
  await scheduler.advance(HANDSHAKE_TRIPS * history.networkMs[1] + 20)
  recorder.breaks.clear()

  const actor = createActor(network)
  const struck = armFaults(network, history.faults)
  for (const action of history.actions) {
    scheduler.after(action.atMs, () => void actor.act(action).catch((error: unknown) => fail(error)), {
      owner: null
    })
  }
  let failure: unknown
  const fail = (error: unknown) => (failure ??= error)

  const startMs = world.elapsedMs()
  const untilMs = startMs + durationMs(history)
  const payments = () => actor.records.payments
  const isPaying = () =>
    payments().some(({ result, error, node, incarnation }) => {
      const payer = nodes.find(({ name }) => name === node)!
      return result === undefined && error === undefined && payer.current?.number === incarnation
    })
  while (
    recorder.violations.length === 0 &&
    failure === undefined &&
    (world.elapsedMs() < untilMs ||
      (isPaying() && recorder.traces.length < MAX_PACKETS && world.elapsedMs() < untilMs + PAYMENT_LIMIT_MS))
  ) {
    await scheduler.advance(SLICE_MS)
  }
  if (failure !== undefined) throw failure as Error
  // One that limits hold up is told to stop; what it did until then is checked.
  if (isPaying()) actor.stopPaying()
  if (payments().length > 0) await scheduler.advance(PAYMENT_SETTLE_MS)
  if (recorder.violations.length === 0) await checkQuiescence(network, history, actor.records)

  const { violations, events, states, traces } = recorder
  return {
    violations,
    events,
    states,
    hash: recorder.hash(),
    packets: traces.length,
    posted: traces.filter(({ isPosted }) => isPosted).length,
    faults: struck.count,
    simulatedMs: world.elapsedMs()
  }
}

/** Until nothing can be in flight any more. */
function durationMs({ actions, faults }: PacketHistory): number {
  const lastMs = Math.max(0, ...actions.map(endOf), ...faults.map(endOfFault))
  const lifeMs = Math.max(0, ...actions.map((action) => (action.do === 'packets' ? action.lifetimeMs : 0)))
  const recoveryMs = faults.some(({ fault }) => fault === 'crash') ? RECOVERY_MS : 0
  const stepsMs = faults.reduce(
    (sum, fault) => sum + (fault.fault === 'clock' ? Math.abs(fault.stepMs) : 0),
    0
  )
  return lastMs + lifeMs + stepsMs + SETTLE_MS + recoveryMs
}

function endOf(action: Action): number {
  if (action.do === 'removePeer') return action.atMs + action.forMs
  if (action.do !== 'packets') return action.atMs
  return action.atMs + action.count * action.everyMs + Math.max(0, action.repeatAfterMs)
}

function endOfFault(fault: PacketFault): number {
  const { atMs } = fault
  switch (fault.fault) {
    case 'stall':
    case 'cut':
      return atMs + fault.forMs
    case 'crash':
      return atMs + fault.downMs + 1_000
    case 'ledger':
      return atMs + (typeof fault.then === 'object' ? fault.then.delayMs : 0)
    default:
      return atMs
  }
}
