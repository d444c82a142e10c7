import { runInVirtualWorld } from '../worlds/virtual/index.ts'
import { describeHistory } from './describe.ts'
import { historyOf } from './generate.ts'
import { HISTORY_VERSION, historyToJson, parseHistory, sizeOf } from './history.ts'
import type { History } from './history.ts'
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
    run: (history) => runHistory(history, { run }),
    generate: historyOf,
    passes: HISTORY_PASSES,
    sizeOf,
    lastEvents: lastEventsOf,
    states: STATES,
    goals: { moved: 0.6, faultStruck: 0.3 }
  }
}
