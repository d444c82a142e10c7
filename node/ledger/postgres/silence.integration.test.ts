import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createSystemRuntime, openDatabase } from '../../runtime/index.ts'
import type { Database } from '../../runtime/index.ts'
import { createSwallowingProxy, createTestDatabase } from '../../runtime/testing.ts'
import type { SwallowingProxy, TestDatabase } from '../../runtime/testing.ts'
import { TransferCode } from '../model.ts'
import type { NewTransfer } from '../model.ts'
import { createLedgerWriter } from '../writer.ts'
import { createPostgresLedger } from './ledger.ts'
import { postgresLedgerMigrations } from './migrations.ts'

describe('a batch whose answer the network swallows', () => {
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  let test: TestDatabase
  let proxy: SwallowingProxy
  let database: Database
  /** Past the proxy. */
  let direct: Database

  beforeAll(async () => {
    test = await createTestDatabase(inject('postgresUrl'))
    proxy = await createSwallowingProxy(runtime.network, test.url)
    database = openDatabase(runtime, { url: proxy.url, pipelineTimeoutMs: 400, answerMarginMs: 100 })
    direct = openDatabase(runtime, { url: test.url, maxConnections: 1 })
    await direct.migrate('ledger', postgresLedgerMigrations)
  })
  afterAll(async () => {
    await database.close()
    await direct.close()
    await proxy.close()
    await test.drop()
    runtime.kill()
  })

  it.each(['answers', 'everything'] as const)(
    'is unknown within the limit; its repeat goes over a new connection and books once (%s)',
    async (what) => {
      const ledger = createPostgresLedger({ database, clock: runtime.clock })
      const writer = createLedgerWriter({ ...runtime, ledger })
      const [debitAccountId, creditAccountId] = [runtime.random.orderedId(), runtime.random.orderedId()]
      const books = createPostgresLedger({ database: { knex: direct.knex }, clock: runtime.clock })
      await books.createAccounts([debitAccountId, creditAccountId].map((id) => ({ id, ledger: 1, code: 3 })))
      const transfer = (): NewTransfer => ({
        ...{ id: runtime.random.orderedId(), debitAccountId, creditAccountId, amount: 10n },
        ...{ ledger: 1, code: TransferCode.TRANSFER }
      })
      expect(await writer.submit([transfer()])).toEqual(['ok'])
      const lost = transfer()
      proxy.swallow(what)
      await expect(writer.submit([lost])).rejects.toMatchObject({ name: 'LedgerUnavailableError' })
      expect(await writer.submit([lost])).toEqual([what === 'answers' ? 'exists' : 'ok'])
      const [account] = await books.lookupAccounts([creditAccountId])
      expect(account?.creditsPosted).toBe(20n)
      await writer.close()
    }
  )
})
