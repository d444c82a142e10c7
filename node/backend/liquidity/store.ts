import type { Knex } from 'knex'
import type { Clock } from '../../runtime/index.ts'

export type TransferKind = 'DEPOSIT' | 'WITHDRAWAL'
export type AttemptState = 'STARTED' | 'PENDING' | 'POSTED' | 'VOIDED' | 'REFUSED'

/** One try of a transfer under an outer id, with the ledger id that stands for it. */
export interface Attempt {
  id: string
  attempt: number
  ledgerTransferId: string
  kind: TransferKind
  accountId: string
  assetId: string
  amount: bigint
  timeoutSeconds: number
  state: AttemptState
  expiresAt: Date | null
}

const TABLE = 'liquidityTransfers'

/** SQL of attempts. Every change of state is guarded by the state it leaves. */
export function createAttemptStore({ clock }: { clock: Clock }) {
  const now = () => new Date(clock.nowMs())

  async function move(knex: Knex, attempt: Attempt, from: AttemptState, to: AttemptState): Promise<boolean> {
    const moved = await knex(TABLE)
      .where({ id: attempt.id, attempt: attempt.attempt, state: from })
      .update({ state: to, updatedAt: now() })
    return moved === 1
  }

  return {
    /** False when the attempt is there already. */
    async insert(knex: Knex, attempt: Attempt): Promise<boolean> {
      const inserted = await knex(TABLE)
        .insert({ ...attempt, createdAt: now(), updatedAt: now() })
        // Of those that race, PostgreSQL may tell any of the two unique columns first: neither is an error.
        .onConflict()
        .ignore()
        .returning('attempt')
      return inserted.length === 1
    },
    latest: (knex: Knex, id: string): Promise<Attempt | undefined> =>
      knex<Attempt>(TABLE).where({ id }).orderBy('attempt', 'desc').first(),
    settle: (knex: Knex, attempt: Attempt, to: 'PENDING' | 'POSTED' | 'REFUSED') =>
      move(knex, attempt, 'STARTED', to),
    finish: (knex: Knex, attempt: Attempt, to: 'POSTED' | 'VOIDED') => move(knex, attempt, 'PENDING', to),
    startedDepositsOf: (knex: Knex, table: string): Promise<Attempt[]> =>
      knex<Attempt>(TABLE)
        .where({ state: 'STARTED', kind: 'DEPOSIT' })
        .whereIn('id', knex.select('id').from(table))
  }
}
