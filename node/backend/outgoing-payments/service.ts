import type { Knex } from 'knex'
import { MAX_APPLICATION_DATA_BYTES } from '../../ilp/index.ts'
import type { Clock, Database } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { Channel, failure, isFailure } from '../model.ts'
import type { Failure, Transaction } from '../model.ts'
import { mapPages, selectPage, selectPages } from '../../pagination/index.ts'
import type { Quote, Quotes } from '../quotes/model.ts'
import { RemoteUnavailableError } from '../receivers/index.ts'
import { isActiveReceiver, RECENT_READ_MS, UNREADABLE_RECEIVER } from '../receivers/model.ts'
import type { Receivers } from '../receivers/model.ts'
import { isLockTimeout, isUuid, violatedUnique } from '../sql.ts'
import type { WalletAddresses } from '../wallet-addresses/model.ts'
import type { Outbox } from '../webhooks/model.ts'
import { outgoingPaymentEvent } from './events.ts'
import { givingBack, lockGrant, readSpent, reserveGrant } from './grant-limits.ts'
import type {
  GrantSpentAmounts,
  OutgoingPayment,
  OutgoingPaymentFailure,
  OutgoingPayments,
  PaymentGrant
} from './model.ts'
import type { PaymentLedger } from './payment-ledger.ts'
import type { TransmitData } from '../secrets.ts'
import {
  BACK_TO_FUNDING,
  createdEventIdOf,
  reservationOf,
  TABLE,
  toOutgoingPayment,
  whereReceiver
} from './store.ts'
import type { OutgoingPaymentRow } from './store.ts'

/** A payment that was funded is looked at after so long, should the process that funds it die right then. */
export const FUNDING_FALLBACK_MS = 2_000

/** How often a payment waits for others of its grant, GRANT_LOCK_TIMEOUT_MS each time, before it is refused. */
export const GRANT_LOCK_ATTEMPTS = 2

export interface OutgoingPaymentServiceDependencies {
  database: Database
  clock: Clock
  walletAddresses: Pick<WalletAddresses, 'get' | 'byUrl'>
  quotes: Pick<Quotes, 'get' | 'getMany'>
  receivers: Pick<Receivers, 'get'>
  outbox: Outbox
  ledger: Pick<PaymentLedger, 'sentAmounts' | 'fund'>
  transmitData: TransmitData
  /** Begins to send in this process; false where others are to be told. */
  beginNew(paymentId: string): Promise<boolean>
  config: Pick<BackendConfig, 'OPEN_PAYMENTS_URL'>
}

type Refusal = Failure<OutgoingPaymentFailure>
type Create = Parameters<OutgoingPayments['create']>[0]

/** Outgoing payments as their APIs see them (Open Payments, Outgoing Payments). The worker sends them. */
export function createOutgoingPaymentService(
  dependencies: OutgoingPaymentServiceDependencies
): OutgoingPayments {
  const { database, clock, walletAddresses, quotes, receivers, outbox, ledger, transmitData } = dependencies
  const now = () => new Date(clock.nowMs())

  async function create(
    input: Create
  ): Promise<{ payment: OutgoingPayment; spent?: GrantSpentAmounts } | Refusal> {
    const quote = await checkQuote(input)
    if (isFailure(quote)) return quote
    const inactive = await checkReceiver(quote)
    if (inactive) return inactive
    try {
      return await insert(input, quote)
    } catch (error) {
      if (violatedUnique(error) === 'outgoingPayments_pkey') {
        return failure('InvalidQuote', `quote ${quote.id} was used by a payment already`)
      }
      throw error
    }
  }

  async function checkQuote(input: Create): Promise<Quote | Refusal> {
    const walletAddress = await walletAddresses.get(input.walletAddressId, input.tenantId)
    if (walletAddress === undefined) {
      return failure('UnknownWalletAddress', `there is no wallet address ${input.walletAddressId}`)
    }
    if (!walletAddress.isActive) {
      return failure('InactiveWalletAddress', `wallet address ${walletAddress.address} is not active`)
    }
    const quote = await quotes.get(input.quoteId, input.tenantId)
    if (quote === undefined) return failure('UnknownQuote', `there is no quote ${input.quoteId}`)
    if (quote.walletAddressId !== walletAddress.id) {
      return failure('InvalidQuote', `quote ${quote.id} is of another wallet address`)
    }
    if (quote.expiresAt.getTime() <= clock.nowMs()) {
      return failure('InvalidQuote', `quote ${quote.id} expired at ${quote.expiresAt.toISOString()}`)
    }
    return quote
  }

  async function checkReceiver(quote: Quote): Promise<Refusal | undefined> {
    try {
      const receiver = await receivers.get(quote.tenantId, quote.receiver, { maxAgeMs: RECENT_READ_MS })
      if (isFailure(receiver)) return unreadable(quote, `${receiver.failure} ${receiver.message ?? ''}`)
      if (isActiveReceiver(receiver, clock.nowMs())) return undefined
      return failure('InvalidReceiver', `the receiver ${quote.receiver} is complete or expired`)
    } catch (error) {
      if (!(error instanceof RemoteUnavailableError)) throw error
      return unreadable(quote, error.message)
    }
  }

  async function insert(input: Create, quote: Quote) {
    const createdAt = now()
    const row: OutgoingPaymentRow = {
      id: quote.id,
      walletAddressId: quote.walletAddressId,
      tenantId: input.tenantId,
      receiver: quote.receiver,
      state: 'FUNDING',
      error: null,
      stateAttempts: 0,
      client: input.client ?? null,
      grantId: input.grant?.id ?? null,
      grantIntervalStart: null,
      metadata: input.metadata ?? null,
      initiatedBy: input.initiatedBy,
      cardDetails: input.cardDetails
        ? { ...input.cardDetails, initiatedAt: input.cardDetails.initiatedAt.toISOString() }
        : null,
      dataToTransmit: null,
      sentAmountValue: null,
      deliveredAmountValue: null,
      processAt: null,
      leaseOwner: null,
      leaseEpoch: 0,
      leaseDeadline: null,
      firstPacketAt: null,
      createdAt,
      updatedAt: createdAt
    }
    const { grant } = input
    if (grant === undefined) {
      const payment = toOutgoingPayment(row, quote, 0n)
      const event = outgoingPaymentEvent('outgoing_payment.created', payment, 0n)
      await outbox.addWith(database, database.knex(TABLE).insert(row), event)
      return { payment }
    }
    return withGrantLock(async (trx) => {
      const reserved = await reserveGrant(trx, grant, quote, createdAt)
      if (isFailure<OutgoingPaymentFailure>(reserved)) return reserved
      row.grantIntervalStart = reserved.reservation.intervalStart ?? null
      const payment = toOutgoingPayment(row, quote, 0n)
      const event = outgoingPaymentEvent('outgoing_payment.created', payment, 0n)
      await outbox.addWith({ knex: trx }, trx(TABLE).insert(row), event, reserved.taking)
      return { payment, spent: reserved.spent }
    })
  }

  /** One transaction that waits for its grant; refused where others hold that for too long, with nothing changed. */
  async function withGrantLock<T>(work: (trx: Transaction) => Promise<T>): Promise<T | Refusal> {
    for (let attempt = 1; attempt <= GRANT_LOCK_ATTEMPTS; attempt += 1) {
      try {
        return await database.transaction(work)
      } catch (error) {
        if (!isLockTimeout(error)) throw error
      }
    }
    return failure(
      'GrantBusy',
      'other payments of the grant are being counted: repeat the request in some seconds'
    )
  }

  async function fund(input: Parameters<OutgoingPayments['fund']>[0]): ReturnType<OutgoingPayments['fund']> {
    const { dataToTransmit } = input
    const isTooLong =
      dataToTransmit !== undefined && Buffer.byteLength(dataToTransmit) > MAX_APPLICATION_DATA_BYTES
    const values =
      dataToTransmit === undefined || isTooLong ? {} : { dataToTransmit: transmitData.write(dataToTransmit) }
    // The state first: of callers that race, and of a cancellation, one wins in SQL. The deposit follows, by
    // whoever is first of this call and the worker.
    const begun = isTooLong ? undefined : await beginAtOnce(input.id, input.tenantId, values)
    if (begun) return deposit(begun.payment, begun.depositId)

    const found = await getWithDeposit(input.id, input.tenantId)
    if (found === undefined) return unknown(input.id)
    const { payment, depositId } = found
    if (isTooLong) {
      return failure('DataTooLong', `dataToTransmit may have ${MAX_APPLICATION_DATA_BYTES} bytes`)
    }
    if (depositId === undefined) {
      return failure('InvalidId', `payment ${payment.id} has no created event`)
    }
    const funded = await beginSending(payment, values)
    if (funded === undefined) return wrongState(await get(payment.id), payment.id)
    return deposit(funded, depositId)
  }

  /** What follows FUNDING → SENDING. */
  async function deposit(payment: OutgoingPayment, depositId: string): ReturnType<OutgoingPayments['fund']> {
    if (!(await ledger.fund(payment.quote, depositId))) {
      await notFunded(payment.id)
      return failure('TransferExists', `a transfer ${depositId} exists already, and it is not this deposit`)
    }
    if (!(await dependencies.beginNew(payment.id))) await tellDue(payment.id)
    return payment
  }

  /**
   * FUNDING → SENDING of a payment that has a created event and needs no other for this, by one statement. Undefined
   * where there is none such: why is found out by looking.
   */
  async function beginAtOnce(
    id: string,
    tenantId: string | undefined,
    values: Pick<Partial<OutgoingPaymentRow>, 'dataToTransmit'>
  ): Promise<{ payment: OutgoingPayment; depositId: string } | undefined> {
    if (!isUuid(id)) return undefined
    const { knex } = database
    const [row] = (await knex(TABLE)
      .where({ id, state: 'FUNDING', ...(tenantId !== undefined && { tenantId }) })
      .whereNot({ initiatedBy: 'CARD' })
      .whereExists(createdEventIdOf(knex, id))
      .update({ ...values, ...sendingFrom(now()) })
      .returning(['*', createdEventIdOf(knex, id).as('depositId')] as never)) as unknown as (
      (OutgoingPaymentRow & { depositId: string }) | undefined
    )[]
    if (row === undefined) return undefined
    const { depositId, ...rest } = row
    const quote = await quotes.get(rest.id)
    if (quote === undefined) throw new Error(`payment ${rest.id} has no quote`)
    return { payment: toOutgoingPayment(rest, quote, 0n), depositId }
  }

  /** SENDING → FUNDING: what came instead of the deposit is another transfer. A worker that has it does the same. */
  async function notFunded(id: string): Promise<void> {
    await database
      .knex<OutgoingPaymentRow>(TABLE)
      .where({ id, state: 'SENDING', leaseEpoch: 0 })
      .update({ ...BACK_TO_FUNDING, updatedAt: now() })
  }

  /** FUNDING → SENDING. Undefined where it was not FUNDING any more. */
  async function beginSending(
    payment: OutgoingPayment,
    values: Pick<Partial<OutgoingPaymentRow>, 'dataToTransmit'>
  ): Promise<OutgoingPayment | undefined> {
    const fundedAt = now()
    const funded: OutgoingPayment = { ...payment, state: 'SENDING', updatedAt: fundedAt }
    const change = (knex: Knex) =>
      knex<OutgoingPaymentRow>(TABLE)
        .where({ id: payment.id, state: 'FUNDING' })
        .update({ ...values, ...sendingFrom(fundedAt) })
    if (payment.initiatedBy !== 'CARD') return (await change(database.knex)) === 1 ? funded : undefined
    const event = outgoingPaymentEvent('outgoing_payment.funded', funded, payment.quote.debitAmount.value)
    return (await outbox.addWith(database, change(database.knex), event)) === undefined ? undefined : funded
  }

  /** Due at once, and told to every process. One that took it already is told in vain. */
  async function tellDue(id: string): Promise<void> {
    await database.knex.raw(
      `WITH due AS (
         UPDATE "${TABLE}" SET "processAt" = ? WHERE id = ? AND state = 'SENDING' AND "leaseEpoch" = 0
       )
       SELECT pg_notify(?, ?)`,
      [now(), id, Channel.OUTGOING_PAYMENT_DUE, id]
    )
  }

  async function cancel(
    input: Parameters<OutgoingPayments['cancel']>[0]
  ): Promise<OutgoingPayment | Refusal> {
    const payment = await get(input.id, input.tenantId)
    if (payment === undefined) return unknown(input.id)
    const { reason, cardPaymentFailureReason } = input
    const metadata = {
      ...payment.metadata,
      ...(reason !== undefined && { cancellationReason: reason }),
      ...(cardPaymentFailureReason !== undefined && { cardPaymentFailureReason })
    }
    const cancelled = await withGrantLock(async (trx) => {
      const [row] = await trx<OutgoingPaymentRow>(TABLE)
        .where({ id: payment.id, state: 'FUNDING' })
        .update({ state: 'CANCELLED', metadata, updatedAt: now() })
        .returning('*')
      if (row === undefined) return undefined
      const reservation = reservationOf(row, payment.quote)
      if (reservation) {
        const { debitAmount, receiveAmount } = payment.quote
        const unused = { debit: debitAmount.value, receive: receiveAmount.value }
        await lockGrant(trx, reservation.grantId, now())
        for (const share of givingBack(trx, reservation, unused)) await share
      }
      const result = toOutgoingPayment(row, payment.quote, 0n)
      if (row.initiatedBy === 'CARD') {
        await outbox.add(trx, outgoingPaymentEvent('outgoing_payment.cancelled', result, 0n))
      }
      return result
    })
    return cancelled ?? wrongState(await get(payment.id), payment.id)
  }

  /** With what was sent: fixed at the end, from the ledger while it is being sent. */
  async function read(rows: readonly OutgoingPaymentRow[]): Promise<OutgoingPayment[]> {
    const found = await quotes.getMany(rows.map((row) => row.id))
    const quoted = rows.map((row, index) => {
      const quote = found[index]
      if (quote === undefined) throw new Error(`payment ${row.id} has no quote`)
      return { row, quote }
    })
    const sending = quoted.filter(({ row, quote }) => row.state === 'SENDING' && quote.method === 'ILP')
    const sent = await ledger.sentAmounts(
      sending.map(({ row, quote }) => ({ money: quote, epoch: row.leaseEpoch }))
    )
    const sentById = new Map(sending.map(({ row }, index) => [row.id, sent[index] ?? 0n]))
    return quoted.map(({ row, quote }) =>
      toOutgoingPayment(row, quote, row.sentAmountValue ?? sentById.get(row.id) ?? 0n)
    )
  }

  async function get(id: string, tenantId?: string): Promise<OutgoingPayment | undefined> {
    if (!isUuid(id)) return undefined
    const where = { id, ...(tenantId !== undefined && { tenantId }) }
    const [payment] = await read(await database.knex<OutgoingPaymentRow>(TABLE).where(where))
    return payment
  }

  /** A payment, and the id of its created event, which is that of its deposit. */
  async function getWithDeposit(
    id: string,
    tenantId?: string
  ): Promise<{ payment: OutgoingPayment; depositId: string | undefined } | undefined> {
    if (!isUuid(id)) return undefined
    const [row] = await database
      .knex<OutgoingPaymentRow>(TABLE)
      .where({ id, ...(tenantId !== undefined && { tenantId }) })
      .select('*', createdEventIdOf(database.knex, id).as('depositId'))
    if (row === undefined) return undefined
    const { depositId, ...rest } = row as OutgoingPaymentRow & { depositId: string | null }
    const [payment] = await read([rest])
    return payment && { payment, depositId: depositId ?? undefined }
  }

  return {
    create,
    get,
    fund,
    cancel,
    async page(request, { walletAddressId, tenantId, client, receiver, state }) {
      const page = await selectPage<OutgoingPaymentRow>(
        TABLE,
        () =>
          database
            .knex(TABLE)
            .where({
              ...(tenantId !== undefined && { tenantId }),
              ...(client !== undefined && { client })
            })
            .modify((query) => {
              if (walletAddressId) query.whereIn('walletAddressId', walletAddressId.filter(isUuid))
              if (receiver) whereReceiver(query, receiver)
              if (state) query.whereIn('state', state)
            }),
        request,
        { tenantId }
      )
      return { ...page, rows: await read(page.rows) }
    },
    async pages(walletAddressIds, request) {
      const { knex } = database
      const lists = { table: TABLE, ownerColumn: 'walletAddressId', select: () => knex(TABLE) }
      return mapPages(await selectPages<OutgoingPaymentRow>(knex, lists, walletAddressIds, request), read)
    },
    async grantSpentAmounts(grant: PaymentGrant) {
      const { identifier } = grant
      const walletAddress = identifier === undefined ? undefined : await walletAddresses.byUrl(identifier)
      if (identifier !== undefined && walletAddress === undefined) return {}
      return readSpent(database.knex, grant, walletAddress?.id, now())
    },
    url: ({ id, tenantId }) => `${dependencies.config.OPEN_PAYMENTS_URL}/${tenantId}/outgoing-payments/${id}`
  }
}

/** What changes with FUNDING → SENDING. */
function sendingFrom(fundedAt: Date) {
  const processAt = new Date(fundedAt.getTime() + FUNDING_FALLBACK_MS)
  return { state: 'SENDING', updatedAt: fundedAt, processAt } as const
}

function unreadable({ receiver }: Quote, cause: string): Refusal {
  return { ...failure('InvalidReceiver', UNREADABLE_RECEIVER), cause: `${receiver}: ${cause}` }
}

function unknown(id: string): Refusal {
  return failure('UnknownPayment', `there is no outgoing payment ${id}`)
}

function wrongState(payment: OutgoingPayment | undefined, id: string): Refusal {
  return failure('WrongState', `outgoing payment ${id} is ${payment?.state ?? 'gone'}, not FUNDING`)
}
