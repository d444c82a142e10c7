import type { Knex } from 'knex'
import type { Random } from '../../runtime/index.ts'
import { toGrant } from '../grants/store.ts'
import type { GrantRow } from '../grants/store.ts'
import type { AccessItem, Grant } from '../grants/model.ts'
import { createTokenValue } from '../secrets.ts'

/**
 * An access token's life: it is active until it expires or is revoked. An expired token can still be rotated;
 * a revoked one is gone for good.
 *
 * ```
 *  issued ──▶ active ──time──▶ expired
 *                │                │
 *                └──── rotate, revoke, its grant's end ────▶ revoked
 * ```
 */
export interface AccessToken {
  id: string
  grantId: string
  value: string
  managementId: string
  /** Seconds from `createdAt`. */
  expiresIn: number
  expiresAt: Date
  revokedAt: Date | null
  createdAt: Date
}

/** A new token of a grant, to be written. */
export function newToken({
  random,
  grantId,
  expiresIn,
  nowMs
}: {
  random: Random
  grantId: string
  expiresIn: number
  nowMs: number
}): AccessToken {
  return {
    id: random.orderedUuid(),
    grantId,
    value: createTokenValue(random),
    managementId: random.uuid(),
    expiresIn,
    expiresAt: new Date(nowMs + expiresIn * 1000),
    revokedAt: null,
    createdAt: new Date(nowMs)
  }
}

/**
 * A token that is not revoked, with its grant. Those of a deleted tenant are gone. One statement, whether there is
 * such a token or not: how long it takes tells nobody which ids exist.
 */
export async function findToken(
  knex: Knex,
  managementId: string
): Promise<{ token: AccessToken; grant: Grant } | undefined> {
  const [found] = await knex<Omit<AccessToken, 'id'> & { tokenId: string; issuedAt: Date } & GrantRow>(
    'accessTokens as t'
  )
    .join('grants as g', 'g.id', 't.grantId')
    .join('tenants as o', 'o.id', 'g.tenantId')
    .where({ 't.managementId': managementId, 't.revokedAt': null, 'o.deletedAt': null })
    .select('g.*', {
      tokenId: 't.id',
      grantId: 't.grantId',
      value: 't.value',
      managementId: 't.managementId',
      expiresIn: 't.expiresIn',
      expiresAt: 't.expiresAt',
      revokedAt: 't.revokedAt',
      issuedAt: 't.createdAt'
    })
  if (!found) return undefined
  const { tokenId, grantId, value, expiresIn, expiresAt, revokedAt, issuedAt, ...row } = found
  const token = {
    id: tokenId,
    grantId,
    value,
    managementId,
    expiresIn,
    expiresAt,
    revokedAt,
    createdAt: issuedAt
  }
  return { token, grant: toGrant(row) }
}

/** Revokes a token. Of concurrent callers one is told true. */
export async function revokeToken(knex: Knex, id: string, nowMs: number): Promise<boolean> {
  const changes = { revokedAt: new Date(nowMs) }
  return (await knex('accessTokens').where({ id }).whereNull('revokedAt').update(changes)) > 0
}

/**
 * Puts a new token in a token's place. Undefined where the old one or its grant ended meanwhile. The grant's row
 * is locked before the token's, as when a grant is revoked.
 */
export async function replaceToken(
  trx: Knex.Transaction,
  old: AccessToken,
  { random, expiresIn, nowMs }: { random: Random; expiresIn: number; nowMs: number }
): Promise<AccessToken | undefined> {
  const [grant] = await trx('grants').select('finalizationReason').where({ id: old.grantId }).forUpdate()
  if (!grant || grant.finalizationReason === 'REVOKED' || grant.finalizationReason === 'REJECTED')
    return undefined
  const { rowCount } = await trx.raw<{ rowCount: number }>(
    'UPDATE "accessTokens" SET "revokedAt" = ? WHERE id = ? AND "revokedAt" IS NULL',
    [new Date(nowMs), old.id]
  )
  if (rowCount === 0) return undefined
  const token = newToken({ random, grantId: old.grantId, expiresIn, nowMs })
  await trx('accessTokens').insert(token)
  return token
}

export interface IntrospectedToken {
  expiresAt: Date
  revokedAt: Date | null
  grantId: string
  tenantId: string
  finalizationReason: Grant['finalizationReason']
  client: string | null
  jwk: GrantRow['jwk']
  access: AccessItem[]
}

/** All that an introspection needs, in one statement. Tokens of a deleted tenant are gone. */
export async function findTokenForIntrospection(
  knex: Knex,
  value: string
): Promise<IntrospectedToken | undefined> {
  const { rows } = await knex.raw<{ rows: IntrospectedToken[] }>(
    `SELECT t."expiresAt", t."revokedAt", g.id AS "grantId", g."tenantId", g."finalizationReason", g.client, g.jwk,
       coalesce((
         SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
           'type', a.type, 'actions', a.actions, 'identifier', a.identifier, 'limits', a.limits
         )) ORDER BY a.position)
         FROM accesses a WHERE a."grantId" = g.id
       ), '[]'::jsonb) AS access
     FROM "accessTokens" t
     JOIN grants g ON g.id = t."grantId"
     JOIN tenants o ON o.id = g."tenantId" AND o."deletedAt" IS NULL
     WHERE t.value = ?`,
    [value]
  )
  return rows[0]
}

/** Deletes tokens that expired before a moment, at most `limit` of them; gives how many. */
export async function deleteExpiredTokens(knex: Knex, expiredBefore: Date, limit: number): Promise<number> {
  const { rowCount } = await knex.raw<{ rowCount: number }>(
    `DELETE FROM "accessTokens" WHERE id IN (
       SELECT id FROM "accessTokens" WHERE "expiresAt" <= ? ORDER BY "expiresAt" LIMIT ? FOR UPDATE SKIP LOCKED
     )`,
    [expiredBefore, limit]
  )
  return rowCount
}

/** When the token that expires first does so. */
export async function findFirstExpiry(knex: Knex): Promise<Date | undefined> {
  const [row] = await knex<AccessToken>('accessTokens').min('expiresAt as first')
  return (row as unknown as { first: Date | null } | undefined)?.first ?? undefined
}
