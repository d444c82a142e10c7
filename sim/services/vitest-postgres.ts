import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from './embedded-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** An administrator's URL: tests create databases of their own (node/runtime/testing.ts). */
    postgresUrl: string
  }
}

/** One PostgreSQL for all tests of a run. Its durability is off: nobody will miss the data. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const postgres = await startEmbeddedPostgres({ durable: false })
  project.provide('postgresUrl', postgres.url('postgres'))
  return () => postgres.stop()
}
