import type { Knex } from 'knex'
import { failure } from '../model.ts'
import type { Amount, Failure, Transaction } from '../model.ts'
import type { Quote } from '../quotes/model.ts'
import { parseRepeatingInterval } from './interval.ts'
import type { Repetition } from './interval.ts'
import type { GrantSpentAmounts, OutgoingPaymentFailure, PaymentGrant } from './model.ts'

/** How long a payment waits for others of its grant before it is refused. */
export const GRANT_LOCK_TIMEOUT_MS = 5_000

/** Stands for the grant's whole life in the column of the interval's start. */
const WHOLE_LIFE = '-infinity'
const GRANTS = 'outgoingPaymentGrants'
const SPENT = 'outgoingPaymentGrantSpentAmounts'

type Refusal = Failure<OutgoingPaymentFailure>

/** What a payment takes from its grant, and where that is counted. */
export interface GrantReservation {
  grantId: string
  /** The interval it counts in; undefined where the grant has none. */
  intervalStart?: Date
  debitAmount: Amount
  receiveAmount: Amount
}

interface SpentRow {
  grantId: string
  /** -Infinity: the whole life. */
  intervalStart: Date | number
  debitAmountValue: bigint
  debitAmountCode: string
  debitAmountScale: number
  receiveAmountValue: bigint
  receiveAmountCode: string
  receiveAmountScale: number
}

/**
 * Checks what can be checked without knowing what was spent: the receiver, the limits' assets, one payment
 * against the whole limit, and that the interval has a repetition now.
 */
export function checkGrant(
  grant: PaymentGrant,
  quote: Pick<Quote, 'receiver' | 'debitAmount' | 'receiveAmount'>,
  now: Date
): { repetition?: Repetition } | Refusal {
  const { limits } = grant
  if (limits === undefined) return {}
  if (limits.debitAmount && limits.receiveAmount) {
    return failure(
      'OnlyOneGrantAmountAllowed',
      'the grant limits debitAmount and receiveAmount: one is allowed'
    )
  }
  if (limits.receiver !== undefined && limits.receiver !== quote.receiver) {
    return failure('InsufficientGrant', `the grant is for payments to ${limits.receiver}`)
  }
  for (const name of ['debitAmount', 'receiveAmount'] as const) {
    const limit = limits[name]
    if (limit === undefined) continue
    if (!isSameAsset(limit, quote[name])) {
      return failure('InsufficientGrant', `the grant’s ${name} is in ${limit.assetCode}/${limit.assetScale}`)
    }
    if (quote[name].value > limit.value) {
      return failure('InsufficientGrant', `${name} ${quote[name].value} is above the grant’s ${limit.value}`)
    }
  }
  if (limits.interval === undefined) return {}
  const interval = parseRepeatingInterval(limits.interval)
  if (interval === undefined) {
    return failure('InvalidInterval', `"${limits.interval}" is no repeating interval of ISO 8601`)
  }
  const repetition = interval.at(now)
  if (repetition === undefined) {
    return failure('InsufficientGrant', `the grant’s interval ${limits.interval} has no repetition now`)
  }
  return { repetition }
}

/**
 * Takes a payment's amounts from its grant, under a lock on the grant's row: of payments that race, each sees
 * what the others took. Returns what was spent before, or why it does not fit.
 */
export async function reserveGrant(
  trx: Transaction,
  grant: PaymentGrant,
  quote: Pick<Quote, 'receiver' | 'debitAmount' | 'receiveAmount'>,
  now: Date
): Promise<{ reservation: GrantReservation; spent: GrantSpentAmounts } | Refusal> {
  const checked = checkGrant(grant, quote, now)
  if ('failure' in checked) return checked
  await lockGrant(trx, grant.id, now)
  const { repetition } = checked
  const rows = await spentRows(trx, grant.id, repetition?.start)
  if (repetition && rows.some((row) => startMs(row) > repetition.start.getTime())) {
    return failure('InvalidInterval', 'the grant was used in a later interval already')
  }
  const key = repetition?.start.getTime() ?? -Infinity
  const counted = rows.find((row) => startMs(row) === key)
  const reservation: GrantReservation = {
    grantId: grant.id,
    ...(repetition && { intervalStart: repetition.start }),
    debitAmount: quote.debitAmount,
    receiveAmount: quote.receiveAmount
  }
  const refused = checkSpent(grant, reservation, counted)
  if (refused) return refused
  await add(trx, reservation, null, quote.debitAmount.value, quote.receiveAmount.value)
  if (repetition) {
    await add(trx, reservation, repetition, quote.debitAmount.value, quote.receiveAmount.value)
  }
  return { reservation, spent: spentAmounts(counted, reservation) }
}

/**
 * Gives back what a finished payment did not use: a share of each sum it was counted in. Nothing else is
 * touched, whatever other payments did meanwhile.
 *
 * @param unused minor units to give back; negative where more was delivered than reserved
 */
export async function giveBack(
  trx: Transaction,
  reservation: GrantReservation,
  unused: { debit: bigint; receive: bigint },
  now: Date
): Promise<void> {
  if (unused.debit === 0n && unused.receive === 0n) return
  await lockGrant(trx, reservation.grantId, now)
  await subtract(trx, reservation, WHOLE_LIFE, unused)
  const { intervalStart } = reservation
  if (intervalStart) await subtract(trx, reservation, intervalStart, unused)
}

/**
 * What was spent in the current interval, or in the grant's life where it has none. Amounts are absent before
 * the first payment and where no interval is active; zero when a new interval began.
 */
export async function readSpent(knex: Knex, grant: PaymentGrant, now: Date): Promise<GrantSpentAmounts> {
  const text = grant.limits?.interval
  const repetition = text === undefined ? undefined : parseRepeatingInterval(text)?.at(now)
  if (text !== undefined && repetition === undefined) return {}
  const rows = await spentRows(knex, grant.id, repetition?.start)
  const life = rows.find((row) => startMs(row) === -Infinity)
  if (life === undefined) return {}
  if (repetition === undefined) return amountsOf(life)
  const current = rows.find((row) => startMs(row) === repetition.start.getTime())
  return amountsOf(current ?? { ...life, debitAmountValue: 0n, receiveAmountValue: 0n })
}

/**
 * The sums that a payment at a time has to do with: the grant's life, the interval that starts at
 * `intervalStart`, and the first that starts later. Others are not read, however many a grant was used in.
 */
export function spentRows(knex: Knex, grantId: string, intervalStart: Date | undefined) {
  const life = knex<SpentRow>(SPENT).where({ grantId }).whereRaw('"intervalStart" = ?', [WHOLE_LIFE])
  if (intervalStart === undefined) return life
  const fromThen = knex<SpentRow>(SPENT)
    .where({ grantId })
    .where('intervalStart', '>=', intervalStart)
    .orderBy('intervalStart')
    .limit(2)
  return life.unionAll(fromThen, true)
}

async function lockGrant(trx: Transaction, grantId: string, now: Date): Promise<void> {
  await trx.raw(`SET LOCAL lock_timeout = ${GRANT_LOCK_TIMEOUT_MS}`)
  await trx(GRANTS).insert({ id: grantId, createdAt: now }).onConflict('id').ignore()
  await trx(GRANTS).where({ id: grantId }).forNoKeyUpdate().first('id')
}

function checkSpent(
  { limits }: PaymentGrant,
  reservation: GrantReservation,
  counted: SpentRow | undefined
): Refusal | undefined {
  for (const name of ['debitAmount', 'receiveAmount'] as const) {
    const limit = limits?.[name]
    if (limit === undefined) continue
    const spent = spentAmounts(counted, reservation)[name]?.value ?? 0n
    if (spent + reservation[name].value > limit.value) {
      return failure('InsufficientGrant', `${limit.value - spent} of the grant’s ${name} is left`)
    }
  }
  return undefined
}

function spentAmounts(row: SpentRow | undefined, { debitAmount, receiveAmount }: GrantReservation) {
  if (row) return amountsOf(row)
  return { debitAmount: { ...debitAmount, value: 0n }, receiveAmount: { ...receiveAmount, value: 0n } }
}

function amountsOf(row: SpentRow): Required<GrantSpentAmounts> {
  return {
    debitAmount: {
      value: row.debitAmountValue,
      assetCode: row.debitAmountCode,
      assetScale: row.debitAmountScale
    },
    receiveAmount: {
      value: row.receiveAmountValue,
      assetCode: row.receiveAmountCode,
      assetScale: row.receiveAmountScale
    }
  }
}

/**
 * A sum is in the assets of the grant's first payment. A grant that limits what is debited may pay receivers
 * of several assets: what those of another asset receive cannot be added up, and is left out.
 */
async function add(
  trx: Transaction,
  { grantId, debitAmount, receiveAmount }: GrantReservation,
  repetition: Repetition | null,
  debit: bigint,
  receive: bigint
): Promise<void> {
  await trx.raw(
    `INSERT INTO "${SPENT}" AS spent ("grantId", "intervalStart", "intervalEnd",
       "debitAmountValue", "debitAmountCode", "debitAmountScale",
       "receiveAmountValue", "receiveAmountCode", "receiveAmountScale")
     VALUES (?, ?::timestamptz, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT ("grantId", "intervalStart") DO UPDATE SET
       "debitAmountValue" = spent."debitAmountValue" + CASE
         WHEN spent."debitAmountCode" = excluded."debitAmountCode"
          AND spent."debitAmountScale" = excluded."debitAmountScale" THEN excluded."debitAmountValue" ELSE 0 END,
       "receiveAmountValue" = spent."receiveAmountValue" + CASE
         WHEN spent."receiveAmountCode" = excluded."receiveAmountCode"
          AND spent."receiveAmountScale" = excluded."receiveAmountScale" THEN excluded."receiveAmountValue" ELSE 0 END`,
    [
      grantId,
      repetition?.start ?? WHOLE_LIFE,
      repetition?.end ?? null,
      debit,
      debitAmount.assetCode,
      debitAmount.assetScale,
      receive,
      receiveAmount.assetCode,
      receiveAmount.assetScale
    ] as never
  )
}

async function subtract(
  trx: Transaction,
  { grantId, debitAmount, receiveAmount }: GrantReservation,
  intervalStart: Date | typeof WHOLE_LIFE,
  unused: { debit: bigint; receive: bigint }
): Promise<void> {
  await trx.raw(
    `UPDATE "${SPENT}" SET
       "debitAmountValue" = "debitAmountValue" - CASE
         WHEN "debitAmountCode" = ? AND "debitAmountScale" = ? THEN ?::numeric ELSE 0 END,
       "receiveAmountValue" = "receiveAmountValue" - CASE
         WHEN "receiveAmountCode" = ? AND "receiveAmountScale" = ? THEN ?::numeric ELSE 0 END
     WHERE "grantId" = ? AND "intervalStart" = ?::timestamptz`,
    [
      debitAmount.assetCode,
      debitAmount.assetScale,
      unused.debit,
      receiveAmount.assetCode,
      receiveAmount.assetScale,
      unused.receive,
      grantId,
      intervalStart
    ] as never
  )
}

function startMs({ intervalStart }: SpentRow): number {
  return typeof intervalStart === 'number' ? intervalStart : intervalStart.getTime()
}

function isSameAsset(left: Amount, right: Amount): boolean {
  return left.assetCode === right.assetCode && left.assetScale === right.assetScale
}
