import type { Knex } from 'knex'
import type { Random } from '../../runtime/index.ts'
import type { AccessItem, Grant, GrantDetails, Subject } from './model.ts'

export interface GrantRow extends Omit<Grant, 'client' | 'finish'> {
  client: string | null
  jwk: Extract<Grant['client'], { jwk: unknown }>['jwk'] | null
  finishUri: string | null
  clientNonce: string | null
}

export interface AccessRow {
  id: string
  grantId: string
  type: AccessItem['type']
  actions: AccessItem['actions']
  identifier: string | null
  limits: AccessItem['limits'] | null
  createdAt: Date
}

export interface SubjectRow {
  id: string
  grantId: string
  subId: string
  subIdFormat: string
  createdAt: Date
}

export function toGrant({ client, jwk, finishUri, clientNonce, ...row }: GrantRow): Grant {
  return {
    ...row,
    client: jwk === null ? { walletAddress: client! } : { jwk },
    finish: finishUri === null ? undefined : { uri: finishUri, nonce: clientNonce! }
  }
}

export function toAccessItem({ type, actions, identifier, limits }: AccessRow): AccessItem {
  return { type, actions, ...(identifier !== null && { identifier }), ...(limits !== null && { limits }) }
}

/** Writes a grant with its access items and subjects, in their order. */
export async function insertGrant(
  trx: Knex.Transaction,
  random: Random,
  { grant, access, subjects }: GrantDetails
): Promise<void> {
  const { client, finish, createdAt, ...columns } = grant
  await trx('grants').insert({
    ...columns,
    client: 'jwk' in client ? null : client.walletAddress,
    jwk: 'jwk' in client ? JSON.stringify(client.jwk) : null,
    finishUri: finish?.uri ?? null,
    clientNonce: finish?.nonce ?? null,
    createdAt,
    updatedAt: createdAt
  })
  if (access.length > 0) {
    await trx('accesses').insert(
      access.map(({ type, actions, identifier, limits }, position) => ({
        id: random.orderedUuid(),
        grantId: grant.id,
        position,
        type,
        actions: JSON.stringify(actions),
        identifier: identifier ?? null,
        limits: limits === undefined ? null : JSON.stringify(limits),
        createdAt
      }))
    )
  }
  if (subjects.length > 0) {
    await trx('subjects').insert(
      subjects.map(({ id, format }, position) => ({
        id: random.orderedUuid(),
        grantId: grant.id,
        position,
        subId: id,
        subIdFormat: format,
        createdAt
      }))
    )
  }
}

export async function findGrant(knex: Knex, id: string): Promise<Grant | undefined> {
  const [row] = await knex<GrantRow>('grants').where({ id }).limit(1)
  return row && toGrant(row)
}

/** The grant that a continuation id names. Those of a deleted tenant are gone. */
export async function findContinuedGrant(knex: Knex, continueId: string): Promise<Grant | undefined> {
  const [row] = await knex<GrantRow>('grants')
    .where({ continueId })
    .whereIn('tenantId', knex('tenants').select('id').whereNull('deletedAt'))
  return row && toGrant(row)
}

export async function findAccess(knex: Knex, grantId: string): Promise<AccessItem[]> {
  const rows = await knex<AccessRow>('accesses').where({ grantId }).orderBy('position')
  return rows.map(toAccessItem)
}

export async function findSubjects(knex: Knex, grantId: string): Promise<Subject[]> {
  const rows = await knex<SubjectRow>('subjects').where({ grantId }).orderBy('position')
  return rows.map(({ subId, subIdFormat }) => ({ id: subId, format: subIdFormat }))
}

/** PENDING → APPROVED. Tells whether it was PENDING. */
export async function approveGrant(knex: Knex, id: string, nowMs: number): Promise<boolean> {
  const changes = { state: 'APPROVED', updatedAt: new Date(nowMs) }
  return (await knex('grants').where({ id, state: 'PENDING' }).update(changes)) > 0
}

/** PENDING → FINALIZED/REJECTED. Tells whether it was PENDING. */
export async function rejectGrant(knex: Knex, id: string, nowMs: number): Promise<boolean> {
  const changes = { state: 'FINALIZED', finalizationReason: 'REJECTED', updatedAt: new Date(nowMs) }
  return (await knex('grants').where({ id, state: 'PENDING' }).update(changes)) > 0
}

/** APPROVED → FINALIZED/ISSUED. Of concurrent callers one is told true. */
export async function markIssued(trx: Knex.Transaction, id: string, nowMs: number): Promise<boolean> {
  const now = new Date(nowMs)
  const changes = { state: 'FINALIZED', finalizationReason: 'ISSUED', lastContinuedAt: now, updatedAt: now }
  return (await trx('grants').where({ id, state: 'APPROVED' }).update(changes)) > 0
}

/** Notes a poll of a grant that waits, unless another poll came within the wait period. */
export async function markPolled(knex: Knex, id: string, nowMs: number, waitMs: number): Promise<boolean> {
  const now = new Date(nowMs)
  const updated = await knex('grants')
    .where({ id })
    .whereIn('state', ['PENDING', 'PROCESSING'])
    .where('lastContinuedAt', '<=', new Date(nowMs - waitMs))
    .update({ lastContinuedAt: now, updatedAt: now })
  return updated > 0
}

/**
 * Ends a grant and all its tokens, whatever it waits for. Tells whether it was still alive. The grant's row is
 * locked first, as in a rotation: none brings a token of it back.
 */
export async function revokeGrant(trx: Knex.Transaction, id: string, nowMs: number): Promise<boolean> {
  const now = new Date(nowMs)
  const revoked = await trx('grants')
    .where({ id })
    .where((alive) => alive.whereNull('finalizationReason').orWhere('finalizationReason', 'ISSUED'))
    .update({ state: 'FINALIZED', finalizationReason: 'REVOKED', updatedAt: now })
  if (revoked === 0) return false
  await trx('accessTokens').where({ grantId: id }).whereNull('revokedAt').update({ revokedAt: now })
  return true
}
