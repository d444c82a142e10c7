import type { Clock, Database, Random } from '../../runtime/index.ts'
import type { RunningAssetDirectory } from '../assets/directory.ts'
import type { BackendConfig } from '../config.ts'
import { Channel, failure, isFailure, notify } from '../model.ts'
import type { Failure, Transaction } from '../model.ts'
import { selectPage } from '../../pagination/index.ts'
import { isUuid, violatedUnique } from '../sql.ts'
import { whoseItWouldBe } from '../tenants/claims.ts'
import type { TenantDirectory } from '../tenants/model.ts'
import { createWalletAddressCache } from './cache.ts'
import { createDetails } from './details.ts'
import { createWalletAddressKeys } from './keys.ts'
import type { AdditionalProperty, WalletAddress, WalletAddressFailure, WalletAddresses } from './model.ts'
import { toProperty, toWalletAddress } from './store.ts'
import type { PropertyRow, WalletAddressRow } from './store.ts'
import { normalizeWalletAddressUrl, resolveWalletAddressUrl } from './url.ts'

export interface WalletAddressesDependencies {
  database: Database
  clock: Clock
  random: Random
  assets: RunningAssetDirectory
  tenants: TenantDirectory
  config: Pick<
    BackendConfig,
    | 'LOCAL_CACHE_DURATION_MS'
    | 'OPERATOR_TENANT_ID'
    | 'WALLET_ADDRESS_DEACTIVATION_PAYMENT_GRACE_PERIOD_MS'
    | 'WALLET_ADDRESS_URL'
  >
}

/** The service with its life: it listens for changes that other processes made. */
export interface RunningWalletAddresses extends WalletAddresses {
  start(): Promise<void>
  stop(): Promise<void>
}

type Update = Parameters<WalletAddresses['update']>[0]
type Create = Parameters<WalletAddresses['create']>[0]

export function createWalletAddresses(dependencies: WalletAddressesDependencies): RunningWalletAddresses {
  const { database, clock, random, assets, tenants, config } = dependencies
  const lifetimeMs = config.LOCAL_CACHE_DURATION_MS
  const cache = createWalletAddressCache({ clock, lifetimeMs })
  const keys = createWalletAddressKeys({ database, clock, random, lifetimeMs })
  const properties = createDetails({
    clock,
    lifetimeMs,
    read: async (id) => (await additionalPropertiesOf([id]))[0] ?? []
  })
  let unlisten: (() => Promise<void>) | undefined

  /** What this process knows of one is read afresh. */
  function drop(id: string): void {
    cache.drop(id)
    keys.active.drop(id)
    properties.drop(id)
  }

  function clear(): void {
    cache.clear()
    keys.active.clear()
    properties.clear()
  }

  async function create(input: Create): Promise<WalletAddress | Failure<WalletAddressFailure>> {
    const baseUrl = tenants.get(input.tenantId)?.settings.walletAddressUrl
    if (baseUrl === undefined) {
      return failure(
        'WalletAddressSettingNotFound',
        `tenant ${input.tenantId} has no WALLET_ADDRESS_URL setting: set it first`
      )
    }
    const resolved = resolveWalletAddressUrl(input.address, baseUrl)
    if ('problem' in resolved) return failure('InvalidUrl', resolved.problem)
    const asset = isUuid(input.assetId) ? await assets.find(input.assetId) : undefined
    if (asset === undefined || asset.deletedAt || asset.tenantId !== input.tenantId) {
      return failure('UnknownAsset', `tenant ${input.tenantId} has no asset ${input.assetId}`)
    }
    const row: WalletAddressRow = {
      id: random.orderedUuid(),
      address: resolved.url,
      assetId: asset.id,
      tenantId: input.tenantId,
      publicName: input.publicName ?? null,
      deactivatedAt: null,
      createdAt: new Date(clock.nowMs())
    }
    try {
      const created = await database.transaction(async (trx) => {
        // Keeps the asset from being deleted until the transaction ends.
        const held = await trx('assets')
          .where({ id: asset.id })
          .whereNull('deletedAt')
          .forKeyShare()
          .first('id')
        if (held === undefined) return failure('UnknownAsset', `asset ${asset.id} was deleted`)
        const others = await whoseItWouldBe(trx, config, row.tenantId, row.address)
        if (others !== undefined) return failure('InvalidUrl', `${row.address} lies at or below ${others}`)
        await trx('walletAddresses').insert({ ...row, updatedAt: row.createdAt })
        await insertProperties(trx, row.id, input.additionalProperties ?? [])
        await notify(trx, Channel.WALLET_ADDRESS_CHANGED, row.id)
        return toWalletAddress(row, asset)
      })
      cache.drop(row.id)
      return created
    } catch (error) {
      if (violatedUnique(error) === 'walletAddresses_address_key') {
        return failure('DuplicateWalletAddress', `wallet address ${resolved.url} exists already`)
      }
      throw error
    }
  }

  async function insertProperties(
    trx: Transaction,
    walletAddressId: string,
    properties: readonly AdditionalProperty[]
  ): Promise<void> {
    const rows = properties
      .map(({ key, value, visibleInOpenPayments }) => ({
        id: random.orderedUuid(),
        walletAddressId,
        fieldKey: key.trim(),
        fieldValue: value.trim(),
        visibleInOpenPayments,
        createdAt: new Date(clock.nowMs())
      }))
      .filter(({ fieldKey, fieldValue }) => fieldKey !== '' && fieldValue !== '')
    if (rows.length > 0) await trx('walletAddressAdditionalProperties').insert(rows)
  }

  async function update(input: Update): Promise<WalletAddress | Failure<WalletAddressFailure>> {
    const known = await get(input.id, input.tenantId)
    if (known === undefined) return unknown(input.id)
    const now = new Date(clock.nowMs())
    const updated = await database.transaction(async (trx) => {
      const old = await trx<WalletAddressRow>('walletAddresses').where({ id: known.id }).forUpdate().first()
      if (old === undefined) return unknown(input.id)
      const row: WalletAddressRow = {
        ...old,
        publicName: input.publicName ?? old.publicName,
        deactivatedAt:
          input.status === undefined
            ? old.deactivatedAt
            : input.status === 'ACTIVE'
              ? null
              : (old.deactivatedAt ?? now)
      }
      await trx('walletAddresses')
        .where({ id: row.id })
        .update({ publicName: row.publicName, deactivatedAt: row.deactivatedAt, updatedAt: now })
      if (old.deactivatedAt === null && row.deactivatedAt !== null) await closePayments(trx, row.id)
      if (input.additionalProperties !== undefined) {
        await trx('walletAddressAdditionalProperties').where({ walletAddressId: row.id }).delete()
        await insertProperties(trx, row.id, input.additionalProperties)
      }
      await notify(trx, Channel.WALLET_ADDRESS_CHANGED, row.id)
      return toWalletAddress(row, known.asset)
    })
    if (!isFailure(updated)) drop(updated.id)
    return updated
  }

  /** Open incoming payments of a deactivated wallet address end after the grace period at the latest. */
  async function closePayments(trx: Transaction, walletAddressId: string): Promise<void> {
    const graceMs = config.WALLET_ADDRESS_DEACTIVATION_PAYMENT_GRACE_PERIOD_MS
    const now = new Date(clock.nowMs())
    const latest = new Date(clock.nowMs() + graceMs)
    await trx.raw(
      `WITH moved AS (
         UPDATE "incomingPayments"
         SET "expiresAt" = ?, "processAt" = least("processAt", ?), "updatedAt" = ?
         WHERE "walletAddressId" = ? AND state IN ('PENDING', 'PROCESSING') AND "expiresAt" > ?
         RETURNING id
       )
       SELECT count(pg_notify(?, id::text)) FROM moved`,
      [latest, latest, now, walletAddressId, latest, Channel.INCOMING_PAYMENT_CHANGED]
    )
  }

  async function find(row: WalletAddressRow | undefined): Promise<WalletAddress | undefined> {
    if (row === undefined) return undefined
    const asset = await assets.find(row.assetId)
    if (asset === undefined) throw new Error(`wallet address ${row.id} has the unknown asset ${row.assetId}`)
    return toWalletAddress(row, asset)
  }

  async function get(id: string, tenantId?: string): Promise<WalletAddress | undefined> {
    if (!isUuid(id)) return undefined
    const found = cache.byId(id.toLowerCase()) ?? (await read({ id }))
    return tenantId === undefined || found?.tenantId === tenantId.toLowerCase() ? found : undefined
  }

  /** What is not there is remembered by its URL alone: ids that are asked for come from our own rows. */
  async function read(where: { id: string } | { address: string }): Promise<WalletAddress | undefined> {
    const begun = cache.begin()
    const row = await database.knex<WalletAddressRow>('walletAddresses').where(where).first()
    const found = await find(row)
    if (found !== undefined) cache.keep(found.address, found, begun)
    else if ('address' in where) cache.keepAbsent(where.address, begun)
    return found
  }

  async function byUrl(url: string): Promise<WalletAddress | undefined> {
    const address = normalizeWalletAddressUrl(url)
    if (address === undefined) return undefined
    const cached = cache.get(address)
    return cached === undefined ? read({ address }) : (cached ?? undefined)
  }

  async function additionalPropertiesOf(ids: readonly string[]): Promise<AdditionalProperty[][]> {
    const rows = await database
      .knex<PropertyRow & { walletAddressId: string }>('walletAddressAdditionalProperties')
      .whereIn('walletAddressId', ids)
      .orderBy('id')
    return ids.map((id) => rows.filter((row) => row.walletAddressId === id).map(toProperty))
  }

  return {
    create,
    update,
    get,
    byUrl,
    async getMany(ids) {
      const rows = await database.knex<WalletAddressRow>('walletAddresses').whereIn('id', ids.filter(isUuid))
      const byId = new Map<string, WalletAddress>()
      for (const row of rows) {
        const found = await find(row)
        if (found !== undefined) byId.set(row.id, found)
      }
      return ids.map((id) => byId.get(id.toLowerCase()))
    },
    additionalProperties: (id) => properties.get(id),
    additionalPropertiesOf,
    async page(request, tenantId) {
      const page = await selectPage<WalletAddressRow>(
        'walletAddresses',
        () =>
          database
            .knex('walletAddresses')
            .modify((query) => tenantId !== undefined && query.where({ tenantId })),
        request,
        { tenantId }
      )
      const rows: WalletAddress[] = []
      for (const row of page.rows) {
        const found = await find(row)
        if (found !== undefined) rows.push(found)
      }
      return { ...page, rows }
    },
    ...keys.service,
    async start() {
      unlisten = await database.listen(Channel.WALLET_ADDRESS_CHANGED, drop, clear)
      assets.onChange(() => cache.clear())
    },
    async stop() {
      await unlisten?.()
    }
  }
}

function unknown(id: string): Failure<WalletAddressFailure> {
  return failure('UnknownWalletAddress', `there is no wallet address ${id}`)
}
