import { describePacketHistory } from '../packets/describe.ts'
import {
  PACKET_HISTORY_VERSION,
  PacketHistoryError,
  packetHistoryToJson,
  parsePacketHistory
} from '../packets/history.ts'
import type { PacketHistory } from '../packets/history.ts'
import { createPacketLab } from '../packets/run.ts'
import { runInVirtualWorld } from '../worlds/virtual/index.ts'
import { describeHistory } from './describe.ts'
import { historyOf } from './generate.ts'
import { HISTORY_VERSION, HistoryError, historyToJson, parseHistory, sizeOf } from './history.ts'
import type { History } from './history.ts'
import type { HistoryKind } from './regression.ts'
import { lastEventsOf, runHistory } from './run-history.ts'
import type { WorldRunner } from './run-history.ts'
import type { SearchKind } from './search.ts'
import { HISTORY_PASSES } from './shrink-history.ts'
import { STATES } from './states.ts'

/** Histories of whole nodes: GNAP, Open Payments, ledgers on PostgreSQL, webhooks. */
export function wholeNodes(run: WorldRunner = runInVirtualWorld): SearchKind<History> {
  return {
    kind: 'nodes',
    version: HISTORY_VERSION,
    parse: parseHistory,
    toJson: historyToJson,
    lines: describeHistory,
    run: (history, options) => runHistory(history, { ...options, run }),
    generate: historyOf,
    passes: HISTORY_PASSES,
    sizeOf,
    lastEvents: (history) => lastEventsOf(history, run),
    states: STATES,
    goals: { moved: 0.6, faultStruck: 0.3 }
  }
}

/** Histories of packets and ledgers alone, to be run again. */
export function packetsAlone(): HistoryKind<PacketHistory> {
  return {
    kind: 'packets',
    version: PACKET_HISTORY_VERSION,
    parse(json) {
      try {
        return parsePacketHistory(json)
      } catch (error) {
        if (!(error instanceof PacketHistoryError)) throw error
        throw new HistoryError(error.message)
      }
    },
    toJson: packetHistoryToJson,
    lines: describePacketHistory,
    async run(history) {
      const startMs = process.cpuUsage()
      const { violations, hash, events, states, simulatedMs } = await createPacketLab().run(history)
      const { user, system } = process.cpuUsage(startMs)
      const [violation] = violations
      return {
        ...(violation && { violation: { property: violation.property, message: violation.message } }),
        hash,
        states: [...states.keys()],
        story: events,
        worldMs: simulatedMs,
        costMs: Math.round((user + system) / 1_000),
        payments: {}
      }
    }
  }
}
