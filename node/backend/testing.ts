import { createSystemRuntime } from '../runtime/index.ts'
import type { Clock, Database, Logger, Random, Runtime } from '../runtime/index.ts'
import { createTestDatabase } from '../runtime/testing.ts'
import { loadBackendConfig } from './config.ts'
import type { BackendConfig } from './config.ts'
import { backendMigrations } from './migrations.ts'
import { checkWrittenEvents } from './webhooks/payloads.test-support.ts'

/** A database of a test's own with the backend's tables, on the real clock. For tests only. */
export interface TestBackend {
  runtime: Runtime
  clock: Clock
  random: Random
  logger: Logger
  database: Database
  databaseUrl: string
  config: BackendConfig
  /** A further connection pool on the same database, as another process would have. */
  openDatabase(): Database
  /** @throws when a webhook event that was written is not as the contract says */
  close(): Promise<void>
}

export const OPERATOR_ID = '01900000-0000-7000-8000-000000000001'

/** The least environment that a backend starts with; everything else has its default. */
export const TEST_ENVIRONMENT = {
  NODE_ENV: 'development',
  INSTANCE_NAME: 'test',
  OPEN_PAYMENTS_URL: 'https://localhost:3003',
  ILP_ADDRESS: 'test.acacia',
  ILP_CONNECTOR_URL: 'http://localhost:3002',
  STREAM_SECRET: Buffer.alloc(32, 1).toString('base64'),
  KEY_ID: 'key',
  OPERATOR_TENANT_ID: OPERATOR_ID,
  ADMIN_API_SECRET: 'secret',
  AUTH_SERVER_GRANT_URL: 'http://localhost:3006',
  AUTH_SERVER_INTROSPECTION_URL: 'http://localhost:3007',
  AUTH_SERVICE_API_URL: 'http://localhost:3011',
  WEBHOOK_URL: 'http://localhost:1/webhooks',
  LEDGER: 'postgres',
  CACHE: 'memory',
  BIND_HOST: '127.0.0.1'
}

export async function createTestBackend(
  adminUrl: string,
  environment: Record<string, string> = {}
): Promise<TestBackend> {
  const test = await createTestDatabase(adminUrl)
  const runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
  const database = runtime.openDatabase({ url: test.url })
  await database.migrate('backend', backendMigrations)
  const others: Database[] = []
  return {
    runtime,
    clock: runtime.clock,
    random: runtime.random,
    logger: runtime.logger,
    database,
    databaseUrl: test.url,
    config: loadBackendConfig({ ...TEST_ENVIRONMENT, ...environment, DATABASE_URL: test.url }),
    openDatabase() {
      const other = runtime.openDatabase({ url: test.url })
      others.push(other)
      return other
    },
    async close() {
      for (const other of others) await other.close()
      const checked = await Promise.allSettled([checkWrittenEvents(database)])
      await database.close()
      await test.drop()
      runtime.kill()
      for (const check of checked) if (check.status === 'rejected') throw check.reason
    }
  }
}

/** Resolves when `condition` holds; it is asked again whenever the event loop has turned. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
}
