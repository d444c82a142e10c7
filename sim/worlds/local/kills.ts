import type { Runtime } from '../../../node/runtime/index.ts'
import type { NodePlan } from '../../networks/plan.ts'
import type { ServiceName } from '../../networks/raise.ts'

/** A `kill -9`, and what it interrupted. */
export interface Kill {
  node: string
  service: ServiceName
  /** Outgoing payments of the node that were SENDING. */
  sending: number
  /** Webhooks of the node that its wallet had not honoured yet. */
  webhooksOpen: number
}

/** Kills of a run or of several, and how many of them met something under way. */
export interface KillCounts {
  total: number
  whileSending: number
  whileWebhookOpen: number
  /** While either was. */
  underWay: number
}

/**
 * What a node left in its database. Read when the process is gone, it is what the kill interrupted, for nobody else
 * writes there: payments in the state that they were killed in, webhooks without an outcome.
 */
export async function readUnderWay(
  runtime: Runtime,
  { databaseUrls }: Pick<NodePlan, 'databaseUrls'>
): Promise<Pick<Kill, 'sending' | 'webhooksOpen'>> {
  const database = runtime.openDatabase({ url: databaseUrls.backend, maxConnections: 1 })
  try {
    const { rows } = await database.knex.raw<{ rows: Pick<Kill, 'sending' | 'webhooksOpen'>[] }>(
      `SELECT (SELECT count(*) FROM "outgoingPayments" WHERE state = 'SENDING')::int AS sending,
              (SELECT count(*) FROM webhooks WHERE state = 'PENDING')::int AS "webhooksOpen"`
    )
    return rows[0]!
  } finally {
    await database.close()
  }
}

/** Of no kill at all: all zero. */
export function countKills(kills: readonly Kill[]): KillCounts {
  const count = (holds: (kill: Kill) => boolean) => kills.filter(holds).length
  return {
    total: kills.length,
    whileSending: count(({ sending }) => sending > 0),
    whileWebhookOpen: count(({ webhooksOpen }) => webhooksOpen > 0),
    underWay: count(({ sending, webhooksOpen }) => sending > 0 || webhooksOpen > 0)
  }
}
