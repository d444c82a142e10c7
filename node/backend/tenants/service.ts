import type { Clock, Database, HttpClient, Logger, Random } from '../../runtime/index.ts'
import type { BackendConfig } from '../config.ts'
import { createDueWorker } from '../due-worker.ts'
import { Channel, failure, isFailure, notify } from '../model.ts'
import type { Failure, Transaction } from '../model.ts'
import { selectPage } from '../../pagination/index.ts'
import { isUuid, violatedUnique } from '../sql.ts'
import { createAuthService } from './auth-service.ts'
import type { Told } from './auth-service.ts'
import { checkTenant } from './check.ts'
import { refuseClaims } from './claims.ts'
import type { RunningTenantDirectory } from './directory.ts'
import { MAX_TENANTS } from './model.ts'
import type {
  NewTenant,
  Tenant,
  TenantChanges,
  TenantFailure,
  Tenants,
  TenantSetting,
  TenantSettingFailure
} from './model.ts'
import { asStored, checkSettings, initialSettings } from './settings.ts'
import type { SettingsConfig } from './settings.ts'
import { readTenants } from './store.ts'
import type { TenantRow, TenantSettingRow } from './store.ts'

export interface TenantsDependencies {
  database: Database
  clock: Clock
  random: Random
  logger: Logger
  httpClient: Pick<HttpClient, 'request'>
  directory: RunningTenantDirectory
  /** Where not given: MAX_TENANTS. */
  maxTenants?: number
  config: SettingsConfig & Pick<BackendConfig, 'AUTH_SERVICE_API_URL'>
}

/** Within a call the authorization server is asked so often; what is still owed then is a worker's. */
export const ATTEMPTS_IN_CALL = 2
/** The call that writes a change has this long to tell it, before another process does. */
export const CALL_MS = 15_000
/** What could not be told is told again after this long. */
export const RETRY_MS = 5_000
const TENANTS_PER_ROUND = 20
/** What callers are told. Why is logged: it names addresses within the node that are not a tenant's business. */
const SILENT = 'the authorization server gives no answer'

/** The service with its life: it tells what processes that died left untold. */
export interface RunningTenants extends Tenants {
  start(): Promise<void>
  stop(): Promise<void>
}

type Refusal = Failure<TenantFailure | TenantSettingFailure>

/** Changes tenants, in our database and at the authorization server: the states are drawn in model.ts. */
export function createTenants(dependencies: TenantsDependencies): RunningTenants {
  const { database, clock, random, logger, httpClient, directory, config } = dependencies
  const authService = createAuthService({ httpClient, logger, url: config.AUTH_SERVICE_API_URL })
  const worker = createDueWorker({ clock, logger, name: 'tenants', round })
  const operatorId = config.OPERATOR_TENANT_ID.toLowerCase()
  const maxTenants = dependencies.maxTenants ?? MAX_TENANTS
  const now = () => new Date(clock.nowMs())

  /** Tells what a row owes, and writes down what became of it. Repeated or raced, it does the same. */
  async function settle(row: TenantRow, attempts: number): Promise<Told> {
    let told: Told
    do told = await authService.tell(row)
    while (told.kind === 'unknown' && --attempts > 0)
    if (told.kind === 'unknown') {
      logger.warn(
        { tenantId: row.id, state: row.state, reason: told.reason },
        'the authorization server is told of a tenant again later'
      )
      const processAt = new Date(clock.nowMs() + RETRY_MS)
      await database.knex('tenants').where(sameChange(row)).update({ processAt })
      worker.wakeAt(processAt.getTime())
      return told
    }
    await database.transaction((trx) => (told.kind === 'known' ? done(trx, row) : undo(trx, row)))
    await directory.refresh(row.id)
    return told
  }

  async function done(trx: Transaction, row: TenantRow): Promise<void> {
    const changes = { ...row.pending, pending: null, processAt: null, updatedAt: now() }
    const state = row.state === 'DELETING' ? 'DELETED' : 'ACTIVE'
    const changed = await trx('tenants')
      .where(sameChange(row))
      .update({ ...changes, state })
    if (changed > 0) await notify(trx, Channel.TENANT_CHANGED, row.id)
  }

  /** A tenant that was never there is gone without a trace; a change that was refused is dropped. */
  async function undo(trx: Transaction, row: TenantRow): Promise<void> {
    if (row.state === 'CREATING') await trx('tenants').where(sameChange(row)).delete()
    // A deletion counts here already, and is never taken back.
    else if (row.state === 'UPDATING')
      await trx('tenants').where(sameChange(row)).update({ state: 'ACTIVE', pending: null, processAt: null })
  }

  /** What is due: its process died, or the authorization server gave no answer. */
  async function round(): Promise<number | undefined> {
    const nowAt = now()
    const dueMs = await nextDueMs()
    if (dueMs === undefined || dueMs > nowAt.getTime()) return dueMs
    const { rows } = await database.knex.raw<{ rows: TenantRow[] }>(
      `UPDATE tenants SET "processAt" = ? WHERE id IN (
         SELECT id FROM tenants WHERE "processAt" <= ? ORDER BY "processAt" LIMIT ? FOR UPDATE SKIP LOCKED
       ) RETURNING *`,
      [new Date(nowAt.getTime() + CALL_MS), nowAt, TENANTS_PER_ROUND]
    )
    await Promise.all(rows.map((row) => settle(row, 1)))
    return nextDueMs()
  }

  async function nextDueMs(): Promise<number | undefined> {
    const next = (await database.knex('tenants').min('processAt', { as: 'due' }).first()) as {
      due: Date | null
    }
    return next.due?.getTime()
  }

  async function create(input: NewTenant): Promise<Tenant | Refusal> {
    if (input.id !== undefined && !isUuid(input.id))
      return failure('InvalidTenantId', `"${input.id}" is no UUID`)
    const refused = checkTenant(input) ?? checkSettings(input.settings ?? [])
    if (refused) return refused
    const given = (input.settings ?? []).map(asStored)
    const id = input.id?.toLowerCase() ?? random.orderedUuid()
    const nowAt = now()
    const row: TenantRow = {
      id,
      email: input.email ?? null,
      apiSecret: input.apiSecret,
      idpConsentUrl: input.idpConsentUrl ?? null,
      idpSecret: input.idpSecret ?? null,
      publicName: input.publicName ?? null,
      createdAt: nowAt,
      updatedAt: nowAt,
      deletedAt: null,
      state: 'CREATING',
      revision: 1,
      pending: null,
      processAt: new Date(nowAt.getTime() + CALL_MS)
    }
    const begun = await begin(row, initialSettings(config, id, given))
    if (isFailure(begun)) return begun
    const told = begun.state === 'CREATING' ? await settle(begun, ATTEMPTS_IN_CALL) : undefined
    if (told?.kind === 'unknown') {
      const message = `${SILENT}; it is told again until it answers: ask for tenant ${id} later, or create it again with this id`
      return failure('NotCreated', message, { tenantId: id })
    }
    // Whoever else drove the same tenant may have ended it either way: what counts is what stands now.
    const tenant = await read(id)
    if (tenant) return tenant
    const reason = told?.kind === 'refused' ? told.reason : `tenant ${id} was refused`
    return failure('DuplicateTenant', reason)
  }

  /** Writes the row and its settings; finds them there where the same call was made before. */
  async function begin(row: TenantRow, settings: TenantSetting[]): Promise<TenantRow | Refusal> {
    return database
      .transaction(async (trx) => {
        const inserted = await trx('tenants').insert(row).onConflict('id').ignore().returning('id')
        if (inserted.length > 0) {
          const { rows } = await trx.raw<{ rows: [{ count: string }] }>('SELECT count(*) FROM tenants')
          const refused =
            Number(rows[0].count) > maxTenants
              ? failure('TooManyTenants', `this node has ${maxTenants} tenants, its limit`)
              : await putSettings(trx, row.id, settings)
          // Rolls the row back.
          if (refused) throw new RefusedError(refused)
          return row
        }
        const before = await trx<TenantRow>('tenants').where({ id: row.id }).forUpdate().first()
        if (before && (await isSame(trx, before, row, settings))) return before
        return failure('DuplicateTenant', `there is a tenant ${row.id} with other values`)
      })
      .catch(asRefusal)
  }

  async function isSame(
    trx: Transaction,
    before: TenantRow,
    row: TenantRow,
    settings: readonly TenantSetting[]
  ): Promise<boolean> {
    const names = ['email', 'apiSecret', 'idpConsentUrl', 'idpSecret', 'publicName'] as const
    if (before.deletedAt !== null || names.some((name) => before[name] !== row[name])) return false
    const own = await trx<TenantSettingRow>('tenantSettings')
      .where({ tenantId: row.id })
      .whereNull('deletedAt')
    const values = new Map(own.map(({ key, value }) => [key, value]))
    return settings.every(({ key, value }) => values.get(key) === value)
  }

  /** Upserts settings; what is another tenant's, or was, is refused. */
  async function putSettings(
    trx: Transaction,
    tenantId: string,
    settings: readonly TenantSetting[]
  ): Promise<Failure<TenantSettingFailure> | undefined> {
    const refused = await refuseClaims(trx, config, tenantId, settings)
    if (refused) return refused
    const at = now()
    const rows: TenantSettingRow[] = settings.map(({ key, value }) => ({
      id: random.orderedUuid(),
      tenantId,
      key,
      value,
      createdAt: at,
      updatedAt: at,
      deletedAt: null
    }))
    if (rows.length > 0) {
      await trx('tenantSettings')
        .insert(rows)
        .onConflict(['tenantId', 'key'])
        .merge(['value', 'updatedAt', 'deletedAt'])
    }
    return undefined
  }

  async function update(id: string, changes: TenantChanges): Promise<Tenant | Failure<TenantFailure>> {
    if (!isUuid(id)) return failure('NotUpdated', `"${id}" is no tenant's id`)
    const refused = checkTenant(changes)
    if (refused) return refused
    for (;;) {
      const begun = await beginUpdate(id.toLowerCase(), changes)
      if (isFailure(begun)) return begun
      if (begun.row.state === 'ACTIVE') break
      const told = await settle(begun.row, ATTEMPTS_IN_CALL)
      if (told.kind === 'unknown') {
        return begun.isOurs
          ? failure('UpdateAwaited', `${SILENT}; it is told again until it answers, and the change made then`)
          : failure(
              'UpdatePending',
              `${SILENT}, and is still to be told of an earlier change: this one was not made, ask again later`
            )
      }
      if (begun.isOurs && told.kind === 'refused') return failure('NotUpdated', told.reason)
      if (begun.isOurs) break
    }
    await directory.refresh(id.toLowerCase())
    return (await read(id)) ?? failure('NotUpdated', `tenant ${id} is gone`)
  }

  /** Makes the change, or writes it down to be told first. An earlier one that is still to be told comes before. */
  async function beginUpdate(
    id: string,
    changes: TenantChanges
  ): Promise<{ row: TenantRow; isOurs: boolean } | Failure<'NotUpdated'>> {
    return database.transaction(async (trx) => {
      const row = await trx<TenantRow>('tenants').where({ id }).forUpdate().first()
      if (!row || row.deletedAt || row.state === 'CREATING') {
        return failure('NotUpdated' as const, `there is no tenant ${id}`)
      }
      if (row.state === 'UPDATING') return { row, isOurs: false }
      const names = ['apiSecret', 'idpConsentUrl', 'idpSecret'] as const
      const isToBeTold = names.some((name) => changes[name] !== undefined)
      const nowAt = now()
      const written = isToBeTold
        ? {
            state: 'UPDATING' as const,
            revision: row.revision + 1,
            pending: changes,
            processAt: new Date(nowAt.getTime() + CALL_MS)
          }
        : changes
      await trx('tenants')
        .where({ id })
        .update({
          ...written,
          ...(isToBeTold && { pending: JSON.stringify(changes) }),
          updatedAt: nowAt
        })
      if (!isToBeTold) await notify(trx, Channel.TENANT_CHANGED, id)
      return { row: { ...row, ...written }, isOurs: true }
    })
  }

  async function remove(id: string): Promise<void | Failure<TenantFailure>> {
    const row =
      isUuid(id) && id.toLowerCase() !== operatorId ? await beginDeletion(id.toLowerCase()) : undefined
    if (!row) return failure('NotDeleted', `there is no tenant ${id} that could be deleted`)
    await directory.refresh(row.id)
    const told = row.isBeingTold ? undefined : await settle(row, ATTEMPTS_IN_CALL)
    if (told?.kind === 'known') return
    return failure(
      'DeletionAwaited',
      `${SILENT}; the tenant is deleted here, and it is told again until it answers`
    )
  }

  /** `isBeingTold`: of its creation, right now, which must not arrive there after its deletion. */
  async function beginDeletion(id: string): Promise<(TenantRow & { isBeingTold: boolean }) | undefined> {
    return database.transaction(async (trx) => {
      const row = await trx<TenantRow>('tenants').where({ id }).forUpdate().first()
      if (!row || row.state === 'DELETED') return undefined
      const at = now()
      // Whoever tells is due only CALL_MS after that, and has stopped RETRY_MS before.
      const isBeingTold =
        row.state === 'CREATING' && (row.processAt?.getTime() ?? 0) - at.getTime() > RETRY_MS
      if (row.state === 'DELETING') return { ...row, isBeingTold }
      const written = {
        state: 'DELETING' as const,
        deletedAt: at,
        revision: row.revision + 1,
        pending: null,
        processAt: new Date(at.getTime() + CALL_MS),
        updatedAt: at
      }
      await trx('tenants').where({ id }).update(written)
      await trx('tenantSettings').where({ tenantId: id }).whereNull('deletedAt').update({
        deletedAt: at,
        updatedAt: at
      })
      await notify(trx, Channel.TENANT_CHANGED, id)
      return { ...row, ...written, isBeingTold }
    })
  }

  async function set(
    tenantId: string,
    settings: readonly TenantSetting[]
  ): Promise<TenantSetting[] | Failure<TenantSettingFailure>> {
    const refused = checkSettings(settings)
    if (refused) return refused
    const stored = settings.map(asStored)
    const written = await database
      .transaction(async (trx) => {
        // Held against a deletion, which takes the settings along.
        const tenant = await trx<TenantRow>('tenants').where({ id: tenantId }).forNoKeyUpdate().first()
        if (!tenant || tenant.deletedAt) return failure('TenantNotFound', `there is no tenant ${tenantId}`)
        const duplicate = await putSettings(trx, tenantId, stored)
        if (duplicate) return duplicate
        await notify(trx, Channel.TENANT_CHANGED, tenantId)
        return undefined
      })
      .catch(asRefusal)
    if (written) return written as Failure<TenantSettingFailure>
    await directory.refresh(tenantId)
    return stored
  }

  async function read(id: string): Promise<Tenant | undefined> {
    return (await readTenants(database.knex, config, [id])).get(id.toLowerCase())
  }

  return {
    get: (id) => directory.get(id),
    create,
    update,
    delete: remove,
    set,
    async page(request) {
      const page = await selectPage<TenantRow>(
        'tenants',
        () => database.knex('tenants').whereNot('state', 'CREATING'),
        request
      )
      const ids = page.rows.map(({ id }) => id)
      const tenants = await readTenants(database.knex, config, ids)
      return { ...page, rows: ids.flatMap((id) => tenants.get(id) ?? []) }
    },
    async start() {
      worker.start()
    },
    stop: () => worker.stop()
  }
}

function sameChange({ id, state, revision }: TenantRow) {
  return { id, state, revision }
}

/** Rolls a transaction back with a failure as its answer. */
class RefusedError extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.failure)
    this.refusal = refusal
  }
}

function asRefusal(error: unknown): Refusal {
  if (error instanceof RefusedError) return error.refusal
  if (violatedUnique(error) === 'tenant_settings_wallet_address_url') {
    return failure('DuplicateWalletAddressUrl', 'another tenant has this WALLET_ADDRESS_URL')
  }
  throw error
}
