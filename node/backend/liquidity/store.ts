import type { Knex } from 'knex'
import type { Clock } from '../../runtime/index.ts'

export type TransferKind = 'DEPOSIT' | 'WITHDRAWAL'
export type AttemptState = 'STARTED' | 'PENDING' | 'POSTED' | 'VOIDED' | 'LAPSED' | 'REFUSED'

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
  createdAt: Date
}

/** 32 bits without a sign, which is wider than PostgreSQL's integer. */
type Row = Omit<Attempt, 'timeoutSeconds'> & { timeoutSeconds: bigint }

const toAttempt = (row: Row): Attempt => ({ ...row, timeoutSeconds: Number(row.timeoutSeconds) })

const TABLE = 'liquidityTransfers'

const COLUMN_TYPES = {
  id: 'uuid',
  attempt: 'integer',
  ledgerTransferId: 'uuid',
  kind: 'text',
  accountId: 'uuid',
  assetId: 'uuid',
  amount: 'numeric',
  timeoutSeconds: 'bigint',
  state: 'text',
  expiresAt: 'timestamptz',
  createdAt: 'timestamptz',
  updatedAt: 'timestamptz'
} as const satisfies Record<keyof Attempt | 'createdAt' | 'updatedAt', string>

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
        .insert({ ...attempt, updatedAt: attempt.createdAt })
        // Of those that race, PostgreSQL may tell any of the two unique columns first: neither is an error.
        .onConflict()
        .ignore()
        .returning('attempt')
      return inserted.length === 1
    },
    /**
     * The first attempt under an id, unless that names a webhook event that announced no transfer of the attempt's
     * account. False in that case, and when the attempt is there already.
     */
    async insertFirst(knex: Knex, attempt: Attempt): Promise<boolean> {
      const row = { ...attempt, createdAt: now(), updatedAt: now() }
      const columns = Object.keys(COLUMN_TYPES) as (keyof typeof COLUMN_TYPES)[]
      const { rowCount } = await knex.raw<{ rowCount: number }>(
        `INSERT INTO "${TABLE}" (${columns.map((column) => `"${column}"`).join(', ')})
         SELECT ${columns.map((column) => `?::${COLUMN_TYPES[column]}`).join(', ')}
         WHERE NOT EXISTS (
           SELECT 1 FROM "webhookEvents" WHERE id = ?::uuid AND "withdrawalAccountId" IS DISTINCT FROM ?::uuid
             AND "peerId" IS DISTINCT FROM ?::uuid AND "assetId" IS DISTINCT FROM ?::uuid
         )
         ON CONFLICT DO NOTHING`,
        [
          ...columns.map((column) => row[column]),
          attempt.id,
          attempt.accountId,
          attempt.accountId,
          attempt.accountId
        ] as never
      )
      return rowCount === 1
    },
    async latest(knex: Knex, id: string): Promise<Attempt | undefined> {
      const row = await knex(TABLE).where({ id }).orderBy('attempt', 'desc').first<Row | undefined>()
      return row && toAttempt(row)
    },
    /**
     * Whether an id names a webhook event that announced no transfer of this account. The event's id belongs to
     * the transfer that answers it: a payment's deposit, what the event lets withdraw, what fills a low account.
     */
    async isEventOfAnother(knex: Knex, id: string, accountId: string): Promise<boolean> {
      const event = await knex('webhookEvents')
        .where({ id })
        .first<
          { withdrawalAccountId: string | null; peerId: string | null; assetId: string | null } | undefined
        >('withdrawalAccountId', 'peerId', 'assetId')
      if (event === undefined) return false
      const { withdrawalAccountId, peerId, assetId } = event
      return ![withdrawalAccountId, peerId, assetId].includes(accountId.toLowerCase())
    },
    settle: (knex: Knex, attempt: Attempt, to: 'PENDING' | 'POSTED' | 'REFUSED') =>
      move(knex, attempt, 'STARTED', to),
    finish: (knex: Knex, attempt: Attempt, to: 'POSTED' | 'VOIDED' | 'LAPSED') =>
      move(knex, attempt, 'PENDING', to),
    async startedDepositsOf(knex: Knex, table: string): Promise<Attempt[]> {
      const rows = await knex<Row>(TABLE)
        .where({ state: 'STARTED', kind: 'DEPOSIT' })
        .whereIn('id', knex.select('id').from(table))
      return (rows as Row[]).map(toAttempt)
    }
  }
}
