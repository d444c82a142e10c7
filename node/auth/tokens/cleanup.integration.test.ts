import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createManualClock, createSystemRuntime } from '../../runtime/index.ts'
import type { Database, ManualClock } from '../../runtime/index.ts'
import { createTestDatabase } from '../../runtime/testing.ts'
import type { TestDatabase } from '../../runtime/testing.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { authMigrations } from '../migrations.ts'
import { CLEANUP_BATCH_SIZE, createTokenCleanup } from './cleanup.ts'
import { newToken } from './store.ts'

const TENANT_ID = '22222222-2222-4222-8222-222222222222'
const DAY_MS = 86_400_000

describe('the clean-up of expired access tokens', () => {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  let test: TestDatabase
  let database: Database

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    database = runtime.openDatabase({ url: test.url })
    await database.migrate('auth', authMigrations)
    const now = new Date(0)
    await database.knex('tenants').insert({ id: TENANT_ID, apiSecret: 's', createdAt: now, updatedAt: now })
    await database.knex('grants').insert({
      id: TENANT_ID,
      tenantId: TENANT_ID,
      state: 'APPROVED',
      client: 'https://c.example/',
      continueId: TENANT_ID,
      continueToken: 'T',
      lastContinuedAt: now,
      createdAt: now,
      updatedAt: now
    })
  })
  afterAll(async () => {
    await database.close()
    await test.drop()
    runtime.kill()
  })

  function createCleanup(clock: ManualClock) {
    const config = {
      ACCESS_TOKEN_DELETION_DAYS: 30,
      ACCESS_TOKEN_EXPIRY_SECONDS: 600,
      DATABASE_CLEANUP_WORKERS: 1
    }
    return createTokenCleanup({ ...runtime, clock, config, database } as unknown as AuthDependencies)
  }
  const issue = (nowMs: number, count = 1) =>
    database.transaction(async (trx) => {
      for (let n = 0; n < count; n++) {
        await trx('accessTokens').insert(
          newToken({ random: runtime.random, grantId: TENANT_ID, expiresIn: 600, nowMs })
        )
      }
    })
  const countTokens = async () => Number((await database.knex('accessTokens').count('id as n'))[0]!.n)

  /** Waits until the worker has set its next timer. */
  async function nextTimer(clock: ManualClock): Promise<number> {
    for (;;) {
      const dueMs = clock.nextTimerMs()
      if (dueMs !== undefined) return dueMs
      await database.ping()
    }
  }

  it('sleeps until the first token is due, and deletes in batches', async () => {
    const clock = createManualClock()
    const startMs = clock.nowMs()
    await issue(startMs - 31 * DAY_MS, CLEANUP_BATCH_SIZE + 1)
    await issue(startMs - 10 * DAY_MS)
    const cleanup = createCleanup(clock)
    cleanup.start()
    const dueMs = await nextTimer(clock)
    expect(await countTokens()).toBe(1)
    expect(dueMs).toBe(startMs + 20 * DAY_MS + 600_000)

    const before = database.statementCount()
    await clock.advance(dueMs - startMs - 1)
    expect(database.statementCount()).toBe(before)
    await clock.advance(1)
    // Nothing is left: the next look is when a token that is issued now would be due.
    expect(await nextTimer(clock)).toBe(dueMs + 30 * DAY_MS + 600_000)
    expect(await countTokens()).toBe(0)
    await cleanup.stop()
    expect(clock.nextTimerMs()).toBeUndefined()
  })

  it('tries again after a failure', async () => {
    const clock = createManualClock()
    await issue(clock.nowMs() - 31 * DAY_MS)
    await database.knex.raw('ALTER TABLE "accessTokens" RENAME TO lost')
    const cleanup = createCleanup(clock)
    cleanup.start()
    expect(await nextTimer(clock)).toBe(clock.nowMs() + 1_000)
    await clock.advance(1_000)
    expect(await nextTimer(clock)).toBe(clock.nowMs() + 2_000)
    await database.knex.raw('ALTER TABLE lost RENAME TO "accessTokens"')
    await clock.advance(2_000)
    await nextTimer(clock)
    expect(await countTokens()).toBe(0)
    await cleanup.stop()
  })
})
