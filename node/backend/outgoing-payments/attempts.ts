import type { Knex } from 'knex'
import type { Ratio, StreamCredentials } from '../../ilp/index.ts'
import type { SecretBox } from '../secrets.ts'

/** What was known before the first packet of an attempt: all that its evidence needs after a crash. */
export interface Attempt {
  outgoingPaymentId: string
  epoch: number
  credentials: StreamCredentials
  firstSequence: number
  /** The incoming payment's receivedAmount then. */
  receivedAmountBaseline: bigint
  minRate: Ratio
  /** The longest life that its packets have. */
  packetLifetimeMs: number
  createdAt: Date
}

interface AttemptRow {
  outgoingPaymentId: string
  epoch: number
  destination: string
  sharedSecret: string
  firstSequence: bigint
  receivedAmountBaseline: bigint
  minRateNumerator: bigint
  minRateDenominator: bigint
  packetLifetimeMs: number
  createdAt: Date
}

const TABLE = 'outgoingPaymentAttempts'

/**
 * Epochs have sequence numbers of their own, for a receiver that gives the same secret again: an epoch never
 * uses a number that a former one used, and all stay below 2^31 (what STREAM's encryption allows, RFC 29, 3.3).
 */
export const SEQUENCES_PER_EPOCH = 2 ** 24
const EPOCHS_OF_SEQUENCES = 2 ** 7

export function firstSequenceOf(epoch: number): number {
  return (epoch % EPOCHS_OF_SEQUENCES) * SEQUENCES_PER_EPOCH + 1
}

/** The last number of an attempt's range, which its packets never reach: for asking about it later. */
export function inquirySequenceOf({ firstSequence }: Pick<Attempt, 'firstSequence'>): number {
  return firstSequence + SEQUENCES_PER_EPOCH - 2
}

/** Attempts in their table. Secrets are sealed. */
export interface Attempts {
  /** In one statement with a change of the payment's row. False, and nothing is written, where that changes no row. */
  insertWith(knex: Knex, change: Knex.QueryBuilder, attempt: Attempt): Promise<boolean>
  /** Before its packets live longer. @throws Error when there is no such attempt */
  lengthenLife(knex: Knex, paymentId: string, epoch: number, packetLifetimeMs: number): Promise<void>
  /** Oldest first. */
  ofPayment(knex: Knex, paymentId: string): Promise<Attempt[]>
}

export function createAttempts(box: SecretBox): Attempts {
  return {
    async insertWith(knex, change, { credentials, minRate, firstSequence, ...fields }) {
      const changing = change.returning('id').toSQL()
      const { rows } = await knex.raw<{ rows: unknown[] }>(
        `WITH change AS (${changing.sql})
         INSERT INTO "${TABLE}" ("outgoingPaymentId", epoch, destination, "sharedSecret", "firstSequence",
           "receivedAmountBaseline", "minRateNumerator", "minRateDenominator", "packetLifetimeMs", "createdAt")
         SELECT ?::uuid, ?::integer, ?::text, ?::text, ?::bigint, ?::numeric, ?::numeric, ?::numeric, ?::integer,
           ?::timestamptz
         FROM change
         RETURNING epoch`,
        [
          ...changing.bindings,
          fields.outgoingPaymentId,
          fields.epoch,
          credentials.destination,
          box.seal(credentials.sharedSecret),
          firstSequence,
          fields.receivedAmountBaseline,
          minRate.numerator,
          minRate.denominator,
          fields.packetLifetimeMs,
          fields.createdAt
        ] as never
      )
      return rows.length === 1
    },
    async lengthenLife(knex, paymentId, epoch, packetLifetimeMs) {
      const changed = await knex<AttemptRow>(TABLE)
        .where({ outgoingPaymentId: paymentId, epoch })
        .update({ packetLifetimeMs })
      if (changed !== 1) throw new Error(`payment ${paymentId} has no attempt of epoch ${epoch}`)
    },
    async ofPayment(knex, paymentId) {
      const rows = await knex<AttemptRow>(TABLE).where({ outgoingPaymentId: paymentId }).orderBy('epoch')
      return rows.map((row) => ({
        outgoingPaymentId: row.outgoingPaymentId,
        epoch: row.epoch,
        credentials: { destination: row.destination, sharedSecret: box.open(row.sharedSecret) },
        firstSequence: Number(row.firstSequence),
        receivedAmountBaseline: row.receivedAmountBaseline,
        minRate: { numerator: row.minRateNumerator, denominator: row.minRateDenominator },
        packetLifetimeMs: row.packetLifetimeMs,
        createdAt: row.createdAt
      }))
    }
  }
}
