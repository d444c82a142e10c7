import type { Knex } from 'knex'
import type { Random } from '../../runtime/index.ts'
import type { TableRows } from '../../sql/index.ts'
import type { AccessToken } from '../tokens/store.ts'
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

export function toAccessItem({
  type,
  actions,
  identifier,
  limits
}: Pick<AccessRow, 'type' | 'actions' | 'identifier' | 'limits'>): AccessItem {
  return { type, actions, ...(identifier !== null && { identifier }), ...(limits !== null && { limits }) }
}

/**
 * A grant with its access items and subjects, in their order, as rows of their tables: what is written with it is
 * written by the same statement.
 */
export function rowsOfGrant(random: Random, { grant, access, subjects }: GrantDetails): TableRows[] {
  const { client, finish, createdAt, ...columns } = grant
  const row = {
    ...columns,
    client: 'jwk' in client ? null : client.walletAddress,
    jwk: 'jwk' in client ? JSON.stringify(client.jwk) : null,
    finishUri: finish?.uri ?? null,
    clientNonce: finish?.nonce ?? null,
    createdAt,
    updatedAt: createdAt
  }
  const accesses = access.map(({ type, actions, identifier, limits }, position) => ({
    id: random.orderedUuid(),
    grantId: grant.id,
    position,
    type,
    actions: JSON.stringify(actions),
    identifier: identifier ?? null,
    limits: limits === undefined ? null : JSON.stringify(limits),
    createdAt
  }))
  const namedSubjects = subjects.map(({ id, format }, position) => ({
    id: random.orderedUuid(),
    grantId: grant.id,
    position,
    subId: id,
    subIdFormat: format,
    createdAt
  }))
  return [
    ['grants', row],
    ['accesses', accesses],
    ['subjects', namedSubjects]
  ]
}

export async function findGrant(knex: Knex, id: string): Promise<Grant | undefined> {
  const [row] = await knex<GrantRow>('grants').where({ id }).limit(1)
  return row && toGrant(row)
}

/** What a grant is about, and whether an interaction of it bears the reference that its client shows. */
export interface ContinuedGrant {
  grant: Grant
  access: AccessItem[]
  subjects: Subject[]
  hasInteraction: boolean
}

/** Columns with what the grant `g` is about, as JSON, in its order. */
const DETAILS = `
  (SELECT coalesce(json_agg(json_build_object(
     'type', a.type, 'actions', a.actions, 'identifier', a.identifier, 'limits', a.limits) ORDER BY a.position), '[]')
   FROM accesses a WHERE a."grantId" = g.id) AS access,
  (SELECT coalesce(json_agg(json_build_object('id', s."subId", 'format', s."subIdFormat") ORDER BY s.position), '[]')
   FROM subjects s WHERE s."grantId" = g.id) AS subjects`

interface DetailColumns {
  access: Pick<AccessRow, 'type' | 'actions' | 'identifier' | 'limits'>[]
  subjects: Subject[]
}

/**
 * All that a continuation needs, in one statement: the grant that its id names and what that is about. Those of a
 * deleted tenant are gone.
 *
 * @param interactRef a UUID, where the client shows one
 */
export async function findContinuedGrant(
  knex: Knex,
  continueId: string,
  interactRef: string | undefined
): Promise<ContinuedGrant | undefined> {
  type Row = GrantRow & DetailColumns & { hasInteraction: boolean }
  const { rows } = await knex.raw<{ rows: Row[] }>(
    `SELECT g.*, ${DETAILS},
       EXISTS (SELECT 1 FROM interactions i WHERE i.ref = ? AND i."grantId" = g.id) AS "hasInteraction"
     FROM grants g
     JOIN tenants o ON o.id = g."tenantId" AND o."deletedAt" IS NULL
     WHERE g."continueId" = ?`,
    [interactRef ?? null, continueId] as never
  )
  if (!rows[0]) return undefined
  const { access, subjects, hasInteraction, ...row } = rows[0]
  return { grant: toGrant(row), access: access.map(toAccessItem), subjects, hasInteraction }
}

/** What a grant is about. */
export async function findDetails(
  knex: Knex,
  grantId: string
): Promise<{ access: AccessItem[]; subjects: Subject[] }> {
  const { rows } = await knex.raw<{ rows: [DetailColumns] }>(
    `SELECT ${DETAILS} FROM (SELECT ?::uuid AS id) AS g`,
    [grantId]
  )
  const { access, subjects } = rows[0]
  return { access: access.map(toAccessItem), subjects }
}

export async function findAccess(knex: Knex, grantId: string): Promise<AccessItem[]> {
  const rows = await knex<AccessRow>('accesses').where({ grantId }).orderBy('position')
  return rows.map(toAccessItem)
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

/**
 * APPROVED → FINALIZED/ISSUED, and the token that is issued with it, by one statement. Of concurrent callers one is
 * told true. The grant's row is changed first, as when it is revoked: then the token is seen, or never made.
 *
 * @param token undefined where the grant is about subjects alone
 */
export async function issueGrant(
  knex: Knex,
  id: string,
  token: AccessToken | undefined,
  nowMs: number
): Promise<boolean> {
  const now = new Date(nowMs)
  const changes = { state: 'FINALIZED', finalizationReason: 'ISSUED', lastContinuedAt: now, updatedAt: now }
  const issuing = knex('grants').where({ id, state: 'APPROVED' }).update(changes)
  if (token === undefined) return (await issuing) > 0
  const { sql, bindings } = issuing.returning('id').toSQL()
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `WITH issued AS (${sql})
     INSERT INTO "accessTokens" ("grantId", id, value, "managementId", "expiresIn", "expiresAt", "createdAt")
     SELECT issued.id, ?::uuid, ?::text, ?::uuid, ?::integer, ?::timestamptz, ?::timestamptz FROM issued`,
    [
      ...bindings,
      token.id,
      token.value,
      token.managementId,
      token.expiresIn,
      token.expiresAt,
      token.createdAt
    ] as never
  )
  return rowCount > 0
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
