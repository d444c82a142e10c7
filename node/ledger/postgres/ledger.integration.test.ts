import { afterAll, beforeAll, inject } from 'vitest'
import { describeLedgerContract } from '../contract.ts'
import { createLedgerDatabase } from './testing.ts'
import type { LedgerDatabase } from './testing.ts'

let server: LedgerDatabase

beforeAll(async () => {
  server = await createLedgerDatabase(inject('postgresUrl'))
})
afterAll(() => server?.drop())

describeLedgerContract('postgres', () => server.emptyLedger())
