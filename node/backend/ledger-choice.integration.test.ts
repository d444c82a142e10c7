import { afterEach, describe, expect, inject, it } from 'vitest'
import { signAdminRequest } from '../admin-api/index.ts'
import { StartError } from '../commands/index.ts'
import { createTigerBeetleLedger } from '../ledger/index.ts'
import type { Ledger } from '../ledger/index.ts'
import { ConfigurationError, uuidToId } from '../runtime/index.ts'
import { createBackend } from './backend.ts'
import { loadBackendConfig } from './config.ts'
import { claimLedger, openLedger } from './ledger-choice.ts'
import { createTestBackend, OPERATOR_ID, TEST_ENVIRONMENT } from './testing.ts'
import type { TestBackend } from './testing.ts'

const found = inject('tigerBeetle')

describe('the ledger that keeps the books of a database', () => {
  const undo: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const step of undo.splice(0).reverse()) await step()
  })

  async function setUp(): Promise<TestBackend> {
    const test = await createTestBackend(inject('postgresUrl'))
    undo.push(() => test.close())
    return test
  }

  /** A start with these settings, as far as the choice of the ledger goes. */
  async function start(
    test: TestBackend,
    settings: Partial<TestBackend['config']>,
    ledger?: Ledger
  ): Promise<void> {
    const config = { ...test.config, ...settings }
    const opened = openLedger(config, test.runtime)
    undo.push(() => opened.close())
    await claimLedger(config, { ...test, ledger: ledger ?? opened.ledger })
  }

  it('is remembered: another kind is refused, with what to set', async () => {
    const test = await setUp()
    await start(test, { LEDGER: 'postgres' })
    await start(test, { LEDGER: 'postgres' })
    await expect(start(test, { LEDGER: 'tigerbeetle' })).rejects.toThrow(
      new ConfigurationError(
        'LEDGER is "tigerbeetle" (USE_TIGERBEETLE decides where LEDGER is not set), and the books of this database ' +
          'are in PostgreSQL: set LEDGER=postgres, or start with a new database'
      )
    )
    await expect(start(test, { LEDGER: 'memory' })).rejects.toThrow(/are in PostgreSQL: set LEDGER=postgres/)
    const other = await setUp()
    await start(other, { LEDGER: 'memory' })
    await expect(start(other, { LEDGER: 'postgres' })).rejects.toThrow(
      /were in the memory of a process that ended/
    )
  })

  it('is PostgreSQL where a database from before this was remembered has accounts', async () => {
    const test = await setUp()
    await test.database.knex.raw('CREATE TABLE "ledgerAccounts" (id uuid)')
    await expect(start(test, { LEDGER: 'memory' })).resolves.toBeUndefined()
    const older = await setUp()
    await older.database.knex.raw('CREATE TABLE "ledgerAccounts" (id uuid)')
    await older.database.knex.raw('INSERT INTO "ledgerAccounts" VALUES (?)', [older.random.uuid()])
    await expect(start(older, { LEDGER: 'memory' })).rejects.toThrow(
      /the books of this database are in PostgreSQL/
    )
    await start(older, { LEDGER: 'postgres' })
  })

  it('must answer: who starts without it is told what to do', async () => {
    const test = await setUp()
    const settings = {
      LEDGER: 'tigerbeetle' as const,
      TIGERBEETLE_CLUSTER_ID: 7n,
      TIGERBEETLE_REPLICA_ADDRESSES: ['tigerbeetle.invalid:3000']
    }
    const open = () =>
      test.runtime.openTigerBeetle({ clusterId: 7n, addresses: ['tigerbeetle.invalid:3000'] })
    const ledger = createTigerBeetleLedger({ ...test.runtime, open })
    await expect(start(test, settings, ledger)).rejects.toThrow(StartError)
    await expect(start(test, settings, ledger)).rejects.toThrow(
      /^TIGERBEETLE_REPLICA_ADDRESSES: no TigerBeetle of cluster 7 answers at tigerbeetle\.invalid:3000 \(TIGERBEETLE_ADDRESS: .*\): start it/
    )
  })

  describe.skipIf('missing' in found)('in TigerBeetle', () => {
    const settings = () => {
      if ('missing' in found) throw new Error(found.missing)
      return {
        LEDGER: 'tigerbeetle' as const,
        TIGERBEETLE_CLUSTER_ID: BigInt(found.clusterId),
        TIGERBEETLE_REPLICA_ADDRESSES: [...found.addresses]
      }
    }

    it('is one cluster for one database: USE_TIGERBEETLE=true books there, others are refused on both sides', async () => {
      // The tests' cluster may have an owner already, from a former run against it.
      const first = await setUp()
      const claimed = await start(first, settings()).then(
        () => true,
        (error: Error) => {
          expect(error.message).toMatch(/holds the books of another database/)
          return false
        }
      )
      if (claimed) {
        await start(first, settings())
        await expect(start(first, { ...settings(), TIGERBEETLE_CLUSTER_ID: 99n })).rejects.toThrow(
          /^TIGERBEETLE_CLUSTER_ID is 99, and the books of this database are in cluster 0: set TIGERBEETLE_CLUSTER_ID=0/
        )
        await expect(start(first, { LEDGER: 'postgres' })).rejects.toThrow(
          /are in TigerBeetle: set LEDGER=tigerbeetle/
        )
        await depositInto(first)
      }
      const second = await setUp()
      await expect(start(second, settings())).rejects.toThrow(
        /^TIGERBEETLE_REPLICA_ADDRESSES: the cluster at .* holds the books of another database: a cluster serves one node/
      )
      expect(await second.database.knex('ledgerOwner').first('isMarked')).toEqual({ isMarked: false })
    })

    /** A backend with Rafiki's variables alone: assets and deposits are in the cluster as Rafiki keeps them. */
    async function depositInto(test: TestBackend): Promise<void> {
      const { TIGERBEETLE_CLUSTER_ID: clusterId, TIGERBEETLE_REPLICA_ADDRESSES: addresses } = settings()
      const { LEDGER: _ours, ...environment } = TEST_ENVIRONMENT
      const config = loadBackendConfig({
        ...environment,
        DATABASE_URL: test.databaseUrl,
        USE_TIGERBEETLE: 'true',
        TIGERBEETLE_CLUSTER_ID: clusterId.toString(),
        TIGERBEETLE_REPLICA_ADDRESSES: addresses.join(','),
        ADMIN_PORT: '0',
        OPEN_PAYMENTS_PORT: '0',
        CONNECTOR_PORT: '0'
      })
      const backend = createBackend(config, test.runtime)
      await backend.start()
      undo.push(() => backend.stop())
      const { port } = backend.addresses!.admin
      const mutate = async (query: string, input: object) => {
        const body = { query, variables: { input } }
        const signature = signAdminRequest({ body, secret: 'secret', version: 1, timestampMs: Date.now() })
        const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'tenant-id': OPERATOR_ID, signature },
          body: JSON.stringify(body)
        })
        const { data, errors } = (await response.json()) as { data: unknown; errors?: unknown }
        expect(errors).toBeUndefined()
        return data
      }
      const created = (await mutate(
        'mutation ($input: CreateAssetInput!) { createAsset(input: $input) { asset { id } } }',
        { code: 'USD', scale: 2 }
      )) as { createAsset: { asset: { id: string } } }
      const assetId = created.createAsset.asset.id
      await mutate(
        'mutation ($input: DepositAssetLiquidityInput!) { depositAssetLiquidity(input: $input) { success } }',
        { id: test.random.uuid(), assetId, amount: '500', idempotencyKey: test.random.uuid() }
      )
      const { ledger, close } = openLedger(config, test.runtime)
      undo.push(close)
      expect(await ledger.lookupAccounts([uuidToId(assetId), 1n])).toMatchObject([
        {
          code: 2,
          ledger: 1,
          userData128: uuidToId(assetId),
          creditsPosted: 500n,
          flags: { linked: true, history: true }
        },
        { code: 101, ledger: 1, userData128: uuidToId(assetId), debitsPosted: 500n, flags: { history: true } }
      ])
    }

    it('is not replaced by an empty cluster', async () => {
      const test = await setUp()
      const { ledger, close } = openLedger({ ...test.config, LEDGER: 'memory' }, test.runtime)
      undo.push(close)
      // An empty ledger stands for the fresh cluster: what is asked of it is the same.
      await start(test, settings(), ledger)
      expect(await test.database.knex('ledgerOwner').first('isMarked')).toEqual({ isMarked: true })
      await start(test, settings(), ledger)
      const fresh = openLedger({ ...test.config, LEDGER: 'memory' }, test.runtime)
      await expect(start(test, settings(), fresh.ledger)).rejects.toThrow(
        /is not the one that holds this database's books \(it is empty, or another\)/
      )
    })
  })
})
