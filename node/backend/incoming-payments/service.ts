import type { StreamReceiver } from '../../ilp/index.ts'
import { MAX_AMOUNT } from '../../ledger/index.ts'
import type { Clock, Database, Random } from '../../runtime/index.ts'
import type { Asset } from '../assets/model.ts'
import type { BackendConfig } from '../config.ts'
import type { Liquidity } from '../liquidity/model.ts'
import { failure, isFailure } from '../model.ts'
import type { Amount, Failure } from '../model.ts'
import { mapPages, selectPage, selectPages } from '../../pagination/index.ts'
import { isUuid } from '../sql.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import type { WalletAddresses } from '../wallet-addresses/model.ts'
import type { Outbox } from '../webhooks/model.ts'
import { takesMoney } from './approval.ts'
import type { Approvals } from './approval.ts'
import { createdEvent } from './events.ts'
import type { IncomingPayment, IncomingPaymentFailure, IncomingPayments } from './model.ts'
import { SETTLE_DELAY_MS } from './progress.ts'
import { close, TABLE, toIncomingPayment } from './store.ts'
import type { Action, IncomingPaymentRow } from './store.ts'

export interface IncomingPaymentServiceDependencies {
  database: Database
  clock: Clock
  random: Random
  assets: { find(id: string): Promise<Asset | undefined> }
  tenants: TenantDirectory
  walletAddresses: Pick<WalletAddresses, 'get'>
  liquidity: Pick<Liquidity, 'accounts'>
  outbox: Outbox
  streamReceiver: Pick<StreamReceiver, 'createCredentials'>
  config: Pick<BackendConfig, 'OPEN_PAYMENTS_URL' | 'INCOMING_PAYMENT_EXPIRY_MAX_MS'>
  approvals: Pick<Approvals, 'isRequired' | 'refuseWaiting' | 'whenApproved' | 'give'>
  /** Called when a payment's row becomes due at a time. */
  onDueAt(atMs: number): void
  /** Called when this process closed a payment. */
  onClosed(id: string, state: 'COMPLETED'): void
  /** The wallet gave its word on a payment in this process: whatever was known of it is read again. */
  onActed(id: string): Promise<void>
}

type Create = Parameters<IncomingPayments['create']>[0]
type Refusal = Failure<IncomingPaymentFailure>

/** Incoming payments: what a payee asks to be paid (Open Payments, Incoming Payments). */
export function createIncomingPaymentService(
  dependencies: IncomingPaymentServiceDependencies
): IncomingPayments {
  const { database, clock, random, assets, tenants, walletAddresses, liquidity, outbox, config } =
    dependencies
  const { streamReceiver, approvals, onDueAt, onClosed, onActed } = dependencies

  async function create(input: Create): Promise<IncomingPayment | Refusal> {
    const walletAddress = await walletAddresses.get(input.walletAddressId, input.tenantId)
    if (walletAddress === undefined) {
      return failure('UnknownWalletAddress', `there is no wallet address ${input.walletAddressId}`)
    }
    if (!walletAddress.isActive) {
      return failure('InactiveWalletAddress', `wallet address ${walletAddress.address} is not active`)
    }
    const { asset } = walletAddress
    const refused =
      checkAmount(input.incomingAmount, asset) ??
      checkExpiry(input.expiresAt, clock.nowMs(), config.INCOMING_PAYMENT_EXPIRY_MAX_MS)
    if (refused) return refused
    const { isRequired: needsApproval } = approvals
    const refusedToWait = needsApproval ? approvals.refuseWaiting() : undefined
    if (refusedToWait) return refusedToWait

    const createdAt = new Date(clock.nowMs())
    const expiresAt = input.expiresAt ?? new Date(createdAt.getTime() + config.INCOMING_PAYMENT_EXPIRY_MAX_MS)
    const row: IncomingPaymentRow = {
      id: input.id ?? random.orderedUuid(),
      walletAddressId: walletAddress.id,
      assetId: asset.id,
      tenantId: input.tenantId,
      state: 'PENDING',
      incomingAmountValue: input.incomingAmount?.value ?? null,
      expiresAt,
      client: input.client ?? null,
      metadata: input.metadata ?? null,
      initiatedBy: input.initiatedBy,
      senderWalletAddress: input.senderWalletAddress ?? null,
      creatorTenantId: input.creatorTenantId ?? null,
      processAt: expiresAt,
      needsApproval,
      approvedAt: null,
      cancelledAt: null,
      cancellationReason: null,
      createdAt,
      updatedAt: createdAt,
      deletedAt: null
    }
    const payment = toIncomingPayment(row, asset)
    const write = async () => {
      await outbox.addWith(database, database.knex(TABLE).insert(row), createdEvent(payment))
      onDueAt(expiresAt.getTime())
    }
    if (needsApproval) {
      const approved = await approvals.whenApproved(row.id, write)
      return isFailure(approved) ? approved : toIncomingPayment(approved, asset)
    }
    await write()
    return payment
  }

  async function act(id: string, tenantId: string, action: Action): Promise<IncomingPayment | Refusal> {
    const row = await approvals.give(id, tenantId, action)
    if (isFailure(row)) return row
    await onActed(row.id)
    return read(row)
  }

  async function complete(id: string, tenantId?: string): Promise<IncomingPayment | Refusal> {
    if (!isUuid(id)) return unknown(id)
    const settleAtMs = clock.nowMs() + SETTLE_DELAY_MS
    const row = await close(database.knex, {
      id,
      ...(tenantId !== undefined && { tenantId }),
      state: 'COMPLETED',
      now: new Date(clock.nowMs()),
      settleAt: new Date(settleAtMs)
    })
    if (row !== undefined) {
      onClosed(row.id, 'COMPLETED')
      onDueAt(settleAtMs)
      return read(row)
    }
    const payment = await get(id, tenantId)
    return payment === undefined
      ? unknown(id)
      : failure('WrongState', `incoming payment ${id} is ${payment.state} already`)
  }

  async function read(row: IncomingPaymentRow): Promise<IncomingPayment> {
    const asset = await assets.find(row.assetId)
    if (asset === undefined)
      throw new Error(`incoming payment ${row.id} has the unknown asset ${row.assetId}`)
    return toIncomingPayment(row, asset)
  }

  async function get(id: string, tenantId?: string): Promise<IncomingPayment | undefined> {
    if (!isUuid(id)) return undefined
    const row = await database
      .knex<IncomingPaymentRow>(TABLE)
      .where({ id, ...(tenantId !== undefined && { tenantId }) })
      .whereNull('deletedAt')
      .first()
    return row && read(row)
  }

  return {
    create,
    get,
    complete,
    approve: (id, tenantId) => act(id, tenantId, { kind: 'approve' }),
    cancel: (id, tenantId, reason) =>
      act(id, tenantId, { kind: 'cancel', ...(reason !== undefined && { reason }) }),
    async page(request, { walletAddressId, tenantId, client, initiatedBy }) {
      const page = await selectPage<IncomingPaymentRow>(
        TABLE,
        () =>
          database
            .knex(TABLE)
            .whereNull('deletedAt')
            .where({
              ...(walletAddressId !== undefined && { walletAddressId }),
              ...(tenantId !== undefined && { tenantId }),
              ...(client !== undefined && { client })
            })
            .modify((query) => initiatedBy && query.whereIn('initiatedBy', initiatedBy)),
        request,
        { walletAddressId, tenantId }
      )
      return { ...page, rows: await Promise.all(page.rows.map(read)) }
    },
    async pages(walletAddressIds, request, { initiatedBy }) {
      const { knex } = database
      const select = () =>
        knex(TABLE)
          .whereNull('deletedAt')
          .modify((query) => initiatedBy && query.whereIn('initiatedBy', initiatedBy))
      const lists = { table: TABLE, ownerColumn: 'walletAddressId', select }
      const pages = await selectPages<IncomingPaymentRow>(knex, lists, walletAddressIds, request)
      return mapPages(pages, (rows) => Promise.all(rows.map(read)))
    },
    async updateMetadata({ id, tenantId, metadata }) {
      if (!isUuid(id)) return unknown(id)
      const [row] = await database
        .knex<IncomingPaymentRow>(TABLE)
        .where({ id, tenantId })
        .whereNull('deletedAt')
        .update({ metadata, updatedAt: new Date(clock.nowMs()) })
        .returning('*')
      return row ? read(row) : unknown(id)
    },
    async receivedAmounts(ids) {
      const accounts = await liquidity.accounts(ids)
      return accounts.map((account) => account?.creditsPosted ?? 0n)
    },
    paymentMethods(payment) {
      const tenant = tenants.get(payment.tenantId)
      if (tenant === undefined) throw new Error(`incoming payment ${payment.id} has no tenant`)
      if (!takesMoney(payment) || payment.expiresAt.getTime() <= clock.nowMs()) return []
      const credentials = streamReceiver.createCredentials({
        serverAddress: tenant.settings.ilpAddress,
        paymentTag: payment.id,
        asset: { code: payment.asset.code, scale: payment.asset.scale }
      })
      return [{ type: 'ilp', ...credentials }]
    },
    url: ({ id, tenantId }) => `${config.OPEN_PAYMENTS_URL}/${tenantId}/incoming-payments/${id}`
  }
}

function checkAmount(amount: Amount | undefined, asset: Asset): Refusal | undefined {
  if (amount === undefined) return undefined
  const { value, assetCode, assetScale } = amount
  if (value <= 0n || value > MAX_AMOUNT) {
    return failure(
      'InvalidAmount',
      `incomingAmount is ${value}: at least 1 and at most ${MAX_AMOUNT} is needed`
    )
  }
  if (assetCode !== asset.code || assetScale !== asset.scale) {
    return failure(
      'InvalidAmount',
      `incomingAmount is in ${assetCode}/${assetScale}, the wallet address in ${asset.code}/${asset.scale}`
    )
  }
  return undefined
}

function checkExpiry(expiresAt: Date | undefined, nowMs: number, maxMs: number): Refusal | undefined {
  if (expiresAt === undefined) return undefined
  const inMs = expiresAt.getTime() - nowMs
  if (inMs > 0 && inMs <= maxMs) return undefined
  return failure('InvalidExpiry', `expiresAt must lie in the future, at most ${maxMs} ms from now`)
}

function unknown(id: string): Refusal {
  return failure('UnknownPayment', `there is no incoming payment ${id}`)
}
