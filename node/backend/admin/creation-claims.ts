import { createHash } from 'node:crypto'
import type { Clock, Database, Random } from '../../runtime/index.ts'

/** So many claims that ended go with each new one: the table stays as small as a key's lifetime makes it. */
const ENDED_CLAIMS_PER_CLAIM = 2

/** Whose key of which operation. */
export interface IdempotencyKey {
  tenantId: string
  operation: string
  key: string
}

/** What a call under a key makes. */
export interface Creation {
  /** The id of the row: the same for each call under the key. */
  id: string
  /** An earlier call may have made it already, though nobody heard its answer. */
  isRepeated: boolean
}

/**
 * Ids of what calls under idempotency keys make. A claim stands in the database before anything is made, so that
 * whoever comes again makes the same row, or finds it: a process that died, a cache that forgot or refused to keep
 * the answer, change nothing (docs/decisions/0016).
 *
 *   (none) ──first call──▶ claimed ──refused, nothing made──▶ (none)
 *                             ├──called again──▶ repeated ──end of the key's lifetime──▶ (none)
 *                             └──end of the key's lifetime──▶ (none)
 *
 * A repeated claim stays when one of its calls is refused: another may be making the row at that moment.
 */
export interface CreationClaims {
  /**
   * The claim of a key, made now where there is none.
   *
   * @param input what was asked, as text; `undefined` is answered where the key was claimed for another
   */
  claim(key: IdempotencyKey, input: string): Promise<Creation | undefined>
  /** For a call that was refused, and whose claim was new: it goes, unless a later call found it meanwhile. */
  release(key: IdempotencyKey, creation: Creation): Promise<void>
}

/** @param ttlMs how long a claim stands: GRAPHQL_IDEMPOTENCY_KEY_TTL_MS */
export function createCreationClaims({
  database,
  clock,
  random,
  ttlMs
}: {
  database: Database
  clock: Clock
  random: Random
  ttlMs: number
}): CreationClaims {
  return {
    async claim(key, input) {
      const id = random.orderedUuid()
      const keyHash = hashOf(key)
      const inputHash = sha256(input)
      const now = new Date(clock.nowMs())
      const { rows } = await database.knex.raw<{ rows: [{ id: string; inputHash: Buffer }] }>(
        `WITH ended AS (
           DELETE FROM "creationClaims" WHERE "keyHash" IN (
             SELECT "keyHash" FROM "creationClaims" WHERE "expiresAt" <= :now AND "keyHash" <> :keyHash
             ORDER BY "expiresAt" LIMIT :ended FOR UPDATE SKIP LOCKED)
         )
         INSERT INTO "creationClaims" AS old ("keyHash", "inputHash", id, "expiresAt")
         VALUES (:keyHash, :inputHash, :id, :expiresAt)
         ON CONFLICT ("keyHash") DO UPDATE SET
           id = CASE WHEN old."expiresAt" <= :now THEN excluded.id ELSE old.id END,
           "inputHash" = CASE WHEN old."expiresAt" <= :now THEN excluded."inputHash" ELSE old."inputHash" END,
           "isRepeated" = old."expiresAt" > :now,
           "expiresAt" = CASE WHEN old."expiresAt" <= :now THEN excluded."expiresAt" ELSE old."expiresAt" END
         RETURNING id, "inputHash"`,
        {
          keyHash,
          inputHash,
          id,
          now,
          expiresAt: new Date(now.getTime() + ttlMs),
          ended: ENDED_CLAIMS_PER_CLAIM
        }
      )
      const [claim] = rows
      if (!claim.inputHash.equals(inputHash)) return undefined
      return { id: claim.id, isRepeated: claim.id !== id }
    },
    async release(key, { id }) {
      await database
        .knex('creationClaims')
        .where({ keyHash: hashOf(key), id, isRepeated: false })
        .delete()
    }
  }
}

function hashOf({ tenantId, operation, key }: IdempotencyKey): Buffer {
  return sha256(JSON.stringify([tenantId, operation, key]))
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
