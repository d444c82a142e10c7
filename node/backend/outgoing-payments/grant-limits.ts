import type { Knex } from 'knex'
import { failure } from '../model.ts'
import type { Amount, Failure, Transaction } from '../model.ts'
import type { Quote } from '../quotes/model.ts'
import { parseRepeatingInterval } from '../../intervals/index.ts'
import type { Repetition } from '../../intervals/index.ts'
import type { GrantSpentAmounts, OutgoingPaymentFailure, PaymentGrant } from './model.ts'

/** How long a payment waits for others of its grant before it is refused. */
export const GRANT_LOCK_TIMEOUT_MS = 5_000

/** Stands for the grant's whole life in the column of the interval's start. */
const WHOLE_LIFE = '-infinity' as const
const GRANTS = 'outgoingPaymentGrants'
const SPENT = 'outgoingPaymentGrantSpentAmounts'

type Refusal = Failure<OutgoingPaymentFailure>
type CheckedQuote = Pick<Quote, 'walletAddressId' | 'receiver' | 'debitAmount' | 'receiveAmount'>

/** The sums that one limit is held against: those of its wallet address, where it is for one. */
export interface SpentScope {
  grantId: string
  walletAddressId: string | undefined
}

/** What a payment takes from its grant, and where that is counted. */
export interface GrantReservation {
  grantId: string
  walletAddressId: string
  /** The interval it counts in; undefined where the grant has none. */
  intervalStart?: Date
  debitAmount: Amount
  receiveAmount: Amount
}

interface SpentRow {
  grantId: string
  walletAddressId: string
  /** -Infinity: the whole life. */
  intervalStart: Date | number
  /** When it was first counted in. */
  createdAt: Date
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
 * Checks a payment's amounts against its grant: against the one limit that lets it pass, which is its wallet
 * address's own where the grant has access to several. Under a lock on the grant's row, until the transaction ends:
 * of payments that race, each sees what the others took.
 *
 * @returns what was spent before, and the changes that take the amounts (the payment is written by the same
 *   statement); or why it does not fit
 */
export async function reserveGrant(
  trx: Transaction,
  grant: PaymentGrant,
  quote: CheckedQuote,
  now: Date
): Promise<
  { reservation: GrantReservation; spent: GrantSpentAmounts; taking: readonly Knex.QueryBuilder[] } | Refusal
> {
  const checked = checkGrant(grant, quote, now)
  if ('failure' in checked) return checked
  await lockGrant(trx, grant.id, now)
  const { repetition } = checked
  const { walletAddressId } = quote
  const scope = { grantId: grant.id, walletAddressId: grant.identifier && walletAddressId }
  const rows = await spentRows(trx, scope, repetition?.start)
  if (repetition && rows.some((row) => startMs(row) > repetition.start.getTime())) {
    return failure('InvalidInterval', 'the grant was used in a later interval already')
  }
  const reservation: GrantReservation = {
    grantId: grant.id,
    walletAddressId,
    ...(repetition && { intervalStart: repetition.start }),
    debitAmount: quote.debitAmount,
    receiveAmount: quote.receiveAmount
  }
  const counted = rowsAt(rows, repetition)
  const spent = {
    debitAmount: sumOf(counted, 'debitAmount', quote.debitAmount),
    receiveAmount: sumOf(counted, 'receiveAmount', quote.receiveAmount)
  }
  const refused = checkSpent(grant, reservation, spent)
  if (refused) return refused
  const taking = sumsOf(reservation).map((start) => adding(trx, reservation, start, now))
  return { reservation, spent, taking }
}

/**
 * What gives back what a finished payment did not use: a share of each sum it was counted in. Nothing else is
 * touched, whatever other payments did meanwhile: a share is added to the sum as it is, nothing is checked, so one
 * change needs no lock on the grant (a payment that is being checked read the sum before it or after it). Two sums
 * change under the lock, or two payments that end would wait for each other's.
 *
 * @param unused minor units to give back; negative where more was delivered than reserved
 */
export function givingBack(
  knex: Knex,
  reservation: GrantReservation,
  unused: { debit: bigint; receive: bigint }
): Knex.QueryBuilder[] {
  if (unused.debit === 0n && unused.receive === 0n) return []
  return sumsOf(reservation).map((start) => subtracting(knex, reservation, start, unused))
}

/** The starts of the sums that a payment is counted in. */
function sumsOf({ intervalStart }: GrantReservation): (Date | typeof WHOLE_LIFE)[] {
  return intervalStart ? [WHOLE_LIFE, intervalStart] : [WHOLE_LIFE]
}

/**
 * What was spent in the current interval, or in the grant's life where it has none: each amount in the asset of
 * its limit, one without a limit in that of the first payment. Amounts are absent before the first payment and
 * where no interval is active; zero when a new interval began.
 *
 * @param walletAddressId of the grant's identifier, where it has one
 */
export async function readSpent(
  knex: Knex,
  { id: grantId, limits }: PaymentGrant,
  walletAddressId: string | undefined,
  now: Date
): Promise<GrantSpentAmounts> {
  const text = limits?.interval
  const repetition = text === undefined ? undefined : parseRepeatingInterval(text)?.at(now)
  if (text !== undefined && repetition === undefined) return {}
  const rows = await spentRows(knex, { grantId, walletAddressId }, repetition?.start)
  const [first] = rowsAt(rows, undefined).sort(
    (one, other) => one.createdAt.getTime() - other.createdAt.getTime()
  )
  if (first === undefined) return {}
  const counted = rowsAt(rows, repetition)
  return {
    debitAmount: sumOf(counted, 'debitAmount', limits?.debitAmount ?? amountIn(first, 'debitAmount')),
    receiveAmount: sumOf(counted, 'receiveAmount', limits?.receiveAmount ?? amountIn(first, 'receiveAmount'))
  }
}

/**
 * The sums that a payment at a time has to do with: the grant's life, the interval that starts at
 * `intervalStart`, and the first that starts later. Others are not read, however many a grant was used in.
 */
export function spentRows(
  knex: Knex,
  { grantId, walletAddressId }: SpentScope,
  intervalStart: Date | undefined
) {
  const sums = () =>
    knex<SpentRow>(SPENT).where({ grantId, ...(walletAddressId !== undefined && { walletAddressId }) })
  const life = sums().whereRaw('"intervalStart" = ?', [WHOLE_LIFE])
  if (intervalStart === undefined) return life
  const then = sums().where('intervalStart', intervalStart)
  const later = sums().where('intervalStart', '>', intervalStart).orderBy('intervalStart').limit(1)
  return life.unionAll([then, later], true)
}

/**
 * Holds the grant's row, which is made where there is none, until the transaction ends. One statement, but where
 * another transaction made the row while this one waited for it: that row it does not see.
 *
 * @throws the server's error where others hold it for GRANT_LOCK_TIMEOUT_MS (`isLockTimeout`)
 */
export async function lockGrant(trx: Transaction, grantId: string, now: Date): Promise<void> {
  const { rows } = await trx.raw<{ rows: [{ isLocked: boolean }] }>(
    `WITH patience AS MATERIALIZED (
       SELECT set_config('lock_timeout', ?, true)
     ), made AS (
       INSERT INTO "${GRANTS}" (id, "createdAt") SELECT ?::text, ?::timestamptz FROM patience
       ON CONFLICT (id) DO NOTHING RETURNING id
     ), held AS (
       SELECT found.id FROM patience CROSS JOIN "${GRANTS}" AS found WHERE found.id = ? FOR NO KEY UPDATE OF found
     )
     SELECT EXISTS (SELECT 1 FROM made) OR EXISTS (SELECT 1 FROM held) AS "isLocked"`,
    [String(GRANT_LOCK_TIMEOUT_MS), grantId, now, grantId]
  )
  if (!rows[0].isLocked) await trx(GRANTS).where({ id: grantId }).forNoKeyUpdate().first('id')
}

function checkSpent(
  { limits }: PaymentGrant,
  reservation: GrantReservation,
  spent: Required<GrantSpentAmounts>
): Refusal | undefined {
  for (const name of ['debitAmount', 'receiveAmount'] as const) {
    const limit = limits?.[name]
    if (limit === undefined) continue
    const left = limit.value - spent[name].value
    if (reservation[name].value > left) {
      return failure('InsufficientGrant', `${left < 0n ? 0n : left} of the grant’s ${name} is left`)
    }
  }
  return undefined
}

function rowsAt(rows: readonly SpentRow[], repetition: Repetition | undefined): SpentRow[] {
  const key = repetition?.start.getTime() ?? -Infinity
  return rows.filter((row) => startMs(row) === key)
}

type AmountName = 'debitAmount' | 'receiveAmount'

/** What was counted in the asset of an amount. */
function sumOf(rows: readonly SpentRow[], name: AmountName, { assetCode, assetScale }: Amount): Amount {
  const amounts = rows.map((row) => amountIn(row, name))
  const same = amounts.filter((amount) => isSameAsset(amount, { assetCode, assetScale }))
  return { value: same.reduce((sum, { value }) => sum + value, 0n), assetCode, assetScale }
}

function amountIn(row: SpentRow, name: AmountName): Amount {
  return {
    value: row[`${name}Value`],
    assetCode: row[`${name}Code`],
    assetScale: row[`${name}Scale`]
  }
}

/** The columns that tell one sum from others: what is in different assets is never added up. */
function keyOf(
  { grantId, walletAddressId, debitAmount, receiveAmount }: GrantReservation,
  intervalStart: Date | typeof WHOLE_LIFE
) {
  return {
    grantId,
    walletAddressId,
    intervalStart,
    debitAmountCode: debitAmount.assetCode,
    debitAmountScale: debitAmount.assetScale,
    receiveAmountCode: receiveAmount.assetCode,
    receiveAmountScale: receiveAmount.assetScale
  }
}

function adding(
  trx: Transaction,
  reservation: GrantReservation,
  intervalStart: Date | typeof WHOLE_LIFE,
  now: Date
): Knex.QueryBuilder {
  const key = keyOf(reservation, intervalStart)
  return trx(SPENT)
    .insert({
      ...key,
      debitAmountValue: reservation.debitAmount.value,
      receiveAmountValue: reservation.receiveAmount.value,
      createdAt: now
    })
    .onConflict(Object.keys(key))
    .merge({
      debitAmountValue: trx.raw('??.?? + excluded.??', [SPENT, 'debitAmountValue', 'debitAmountValue']),
      receiveAmountValue: trx.raw('??.?? + excluded.??', [SPENT, 'receiveAmountValue', 'receiveAmountValue'])
    })
}

function subtracting(
  knex: Knex,
  reservation: GrantReservation,
  intervalStart: Date | typeof WHOLE_LIFE,
  unused: { debit: bigint; receive: bigint }
): Knex.QueryBuilder {
  return knex(SPENT)
    .where(keyOf(reservation, intervalStart))
    .update({
      debitAmountValue: knex.raw('?? - ?::numeric', ['debitAmountValue', String(unused.debit)]),
      receiveAmountValue: knex.raw('?? - ?::numeric', ['receiveAmountValue', String(unused.receive)])
    })
}

function startMs({ intervalStart }: SpentRow): number {
  return typeof intervalStart === 'number' ? intervalStart : intervalStart.getTime()
}

type Asset = Pick<Amount, 'assetCode' | 'assetScale'>

function isSameAsset(left: Asset, right: Asset): boolean {
  return left.assetCode === right.assetCode && left.assetScale === right.assetScale
}
