import type { Clock, Database, Random } from '../../runtime/index.ts'
import { Channel, failure, notify } from '../model.ts'
import { selectPages } from '../../pagination/index.ts'
import { isUuid, violatedUnique } from '../sql.ts'
import { createDetails } from './details.ts'
import type { Details } from './details.ts'
import type { WalletAddresses, WalletAddressKey } from './model.ts'
import { toKey } from './store.ts'
import type { KeyRow } from './store.ts'

/**
 * Public keys that clients of a wallet address sign with. A `kid` is unique among those not revoked. Each request that
 * a client signs needs them, so they are kept (`active`) until a change is told, which every change is.
 */
export function createWalletAddressKeys({
  database,
  clock,
  random,
  lifetimeMs
}: {
  database: Database
  clock: Clock
  random: Random
  /** How long they are kept without a change. */
  lifetimeMs: number
}): {
  service: Pick<WalletAddresses, 'addKey' | 'revokeKey' | 'activeKeys' | 'keyPages'>
  active: Details<WalletAddressKey[]>
} {
  const active = createDetails({ clock, lifetimeMs, read: readActive })

  async function readActive(walletAddressId: string): Promise<WalletAddressKey[]> {
    const rows = await database
      .knex<KeyRow>('walletAddressKeys')
      .where({ walletAddressId, revoked: false })
      .orderBy([{ column: 'createdAt' }, { column: 'id' }])
    return rows.map(toKey)
  }

  /** Whether the wallet address is there, and the tenant's where one is named. */
  async function owns(walletAddressId: string, tenantId: string | undefined): Promise<boolean> {
    if (!isUuid(walletAddressId)) return false
    const where = { id: walletAddressId, ...(tenantId !== undefined && { tenantId }) }
    return (await database.knex('walletAddresses').where(where).first('id')) !== undefined
  }

  const service: ReturnType<typeof createWalletAddressKeys>['service'] = {
    async addKey({ walletAddressId, jwk, tenantId }) {
      if (!(await owns(walletAddressId, tenantId))) {
        return failure('UnknownWalletAddress', `there is no wallet address ${walletAddressId}`)
      }
      const createdAt = new Date(clock.nowMs())
      const ownerId = walletAddressId.toLowerCase()
      const row: KeyRow = {
        id: random.orderedUuid(),
        walletAddressId: ownerId,
        kid: jwk.kid,
        x: jwk.x,
        revoked: false,
        createdAt
      }
      try {
        await database.transaction(async (trx) => {
          await trx('walletAddressKeys').insert({ ...row, updatedAt: createdAt })
          await notify(trx, Channel.WALLET_ADDRESS_CHANGED, ownerId)
        })
      } catch (error) {
        if (violatedUnique(error) !== 'wallet_address_keys_active') throw error
        return failure('DuplicateKey', `wallet address ${walletAddressId} has a key ${jwk.kid} already`)
      }
      active.drop(ownerId)
      return toKey(row)
    },
    async revokeKey({ id, tenantId }) {
      const unknown = failure('UnknownKey' as const, `there is no key ${id}`)
      if (!isUuid(id)) return unknown
      const key = await database.knex<KeyRow>('walletAddressKeys').where({ id }).first()
      if (key === undefined || !(await owns(key.walletAddressId, tenantId))) return unknown
      await database.transaction(async (trx) => {
        await trx('walletAddressKeys')
          .where({ id })
          .update({ revoked: true, updatedAt: new Date(clock.nowMs()) })
        await notify(trx, Channel.WALLET_ADDRESS_CHANGED, key.walletAddressId)
      })
      active.drop(key.walletAddressId)
      return toKey({ ...key, revoked: true })
    },
    activeKeys: (walletAddressId) => active.get(walletAddressId),
    async keyPages(walletAddressIds, request) {
      const { knex } = database
      const table = 'walletAddressKeys'
      const lists = { table, ownerColumn: 'walletAddressId', select: () => knex(table) }
      const pages = await selectPages<KeyRow>(knex, lists, walletAddressIds, request)
      return pages.map((page) => ({ ...page, rows: page.rows.map(toKey) }))
    }
  }
  return { service, active }
}
