import type { Clock, Database, Random } from '../../runtime/index.ts'
import { failure } from '../model.ts'
import { selectPages } from '../../pagination/index.ts'
import { isUuid, violatedUnique } from '../sql.ts'
import type { WalletAddresses } from './model.ts'
import { toKey } from './store.ts'
import type { KeyRow } from './store.ts'

/** Public keys that clients of a wallet address sign with. A `kid` is unique among those not revoked. */
export function createWalletAddressKeys({
  database,
  clock,
  random
}: {
  database: Database
  clock: Clock
  random: Random
}): Pick<WalletAddresses, 'addKey' | 'revokeKey' | 'activeKeys' | 'keyPages'> {
  /** Whether the wallet address is there, and the tenant's where one is named. */
  async function owns(walletAddressId: string, tenantId: string | undefined): Promise<boolean> {
    if (!isUuid(walletAddressId)) return false
    const where = { id: walletAddressId, ...(tenantId !== undefined && { tenantId }) }
    return (await database.knex('walletAddresses').where(where).first('id')) !== undefined
  }

  return {
    async addKey({ walletAddressId, jwk, tenantId }) {
      if (!(await owns(walletAddressId, tenantId))) {
        return failure('UnknownWalletAddress', `there is no wallet address ${walletAddressId}`)
      }
      const createdAt = new Date(clock.nowMs())
      const row: KeyRow = {
        id: random.orderedUuid(),
        walletAddressId,
        kid: jwk.kid,
        x: jwk.x,
        revoked: false,
        createdAt
      }
      try {
        await database.knex('walletAddressKeys').insert({ ...row, updatedAt: createdAt })
      } catch (error) {
        if (violatedUnique(error) !== 'wallet_address_keys_active') throw error
        return failure('DuplicateKey', `wallet address ${walletAddressId} has a key ${jwk.kid} already`)
      }
      return toKey(row)
    },
    async revokeKey({ id, tenantId }) {
      const unknown = failure('UnknownKey' as const, `there is no key ${id}`)
      if (!isUuid(id)) return unknown
      const key = await database.knex<KeyRow>('walletAddressKeys').where({ id }).first()
      if (key === undefined || !(await owns(key.walletAddressId, tenantId))) return unknown
      await database
        .knex('walletAddressKeys')
        .where({ id })
        .update({ revoked: true, updatedAt: new Date(clock.nowMs()) })
      return toKey({ ...key, revoked: true })
    },
    async activeKeys(walletAddressId) {
      const rows = await database
        .knex<KeyRow>('walletAddressKeys')
        .where({ walletAddressId, revoked: false })
        .orderBy([{ column: 'createdAt' }, { column: 'id' }])
      return rows.map(toKey)
    },
    async keyPages(walletAddressIds, request) {
      const { knex } = database
      const table = 'walletAddressKeys'
      const lists = { table, ownerColumn: 'walletAddressId', select: () => knex(table) }
      const pages = await selectPages<KeyRow>(knex, lists, walletAddressIds, request)
      return pages.map((page) => ({ ...page, rows: page.rows.map(toKey) }))
    }
  }
}
