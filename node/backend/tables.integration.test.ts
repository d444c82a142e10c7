import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { postgresLedgerMigrations } from '../ledger/index.ts'
import { createTestBackend } from './testing.ts'
import type { TestBackend } from './testing.ts'

/** Tables of the contract (facts 1.10) with the columns that operators query. */
const TABLES: Record<string, string> = {
  tenants: 'id email apiSecret idpConsentUrl idpSecret publicName createdAt updatedAt deletedAt',
  tenantSettings: 'id key value tenantId deletedAt',
  assets: 'id ledger code scale withdrawalThreshold liquidityThreshold tenantId deletedAt',
  fees: 'id assetId type fixedFee basisPointFee createdAt',
  peers:
    'id assetId maxPacketAmount staticIlpAddress outgoingToken outgoingEndpoint name liquidityThreshold routes tenantId',
  httpTokens: 'id token peerId',
  walletAddresses: 'id address assetId publicName totalEventsAmount processAt deactivatedAt tenantId',
  walletAddressKeys: 'id walletAddressId kid x revoked',
  walletAddressAdditionalProperties: 'id fieldKey fieldValue visibleInOpenPayments walletAddressId',
  incomingPayments:
    'id walletAddressId assetId expiresAt incomingAmountValue state client metadata processAt approvedAt cancelledAt cancellationReason deletedAt initiatedBy senderWalletAddress tenantId',
  quotes:
    'id receiver debitAmountValue receiveAmountValue receiveAmountAssetCode receiveAmountAssetScale debitAmountMinusFees estimatedExchangeRate expiresAt walletAddressId assetId feeId client tenantId',
  ilpQuoteDetails: 'quoteId maxPacketAmount',
  outgoingPayments:
    'id state error stateAttempts client grantId walletAddressId metadata tenantId initiatedBy dataToTransmit',
  outgoingPaymentGrants: 'id',
  outgoingPaymentGrantSpentAmounts: 'grantId intervalStart createdAt',
  webhookEvents:
    'id type data withdrawalAccountId withdrawalAssetId withdrawalAmount outgoingPaymentId incomingPaymentId walletAddressId peerId assetId tenantId',
  webhooks: 'id eventId recipientTenantId attempts statusCode processAt',
  ledgerAccounts: 'id ledger',
  ledgerTransfers: 'id debitAccountId creditAccountId amount ledger'
}

/** What is kept elsewhere here: no API shows where. */
const ELSEWHERE: Record<string, string> = {
  outgoingPaymentCardDetails: 'outgoingPayments.cardDetails',
  combinedPaymentsView: 'a union in the statement of `payments`',
  authServers: 'tokens are kept in the process (docs/compatibility.md)',
  grants: 'tokens are kept in the process (docs/compatibility.md)'
}

/** Columns that are unique together, and columns that a row of another table takes along. */
const UNIQUE: [table: string, columns: string][] = [
  ['tenantSettings', 'tenantId key'],
  ['assets', 'code scale tenantId'],
  ['assets', 'ledger'],
  ['peers', 'assetId staticIlpAddress'],
  ['httpTokens', 'token'],
  ['walletAddresses', 'address'],
  ['walletAddressKeys', 'walletAddressId kid'],
  ['ilpQuoteDetails', 'quoteId']
]
const CASCADES: [table: string, column: string][] = [
  ['tenantSettings', 'tenantId'],
  ['httpTokens', 'peerId'],
  ['walletAddressAdditionalProperties', 'walletAddressId'],
  ['webhooks', 'eventId']
]

describe('the tables of the contract', () => {
  let backend: TestBackend

  beforeAll(async () => {
    backend = await createTestBackend(inject('postgresUrl'))
    await backend.database.migrate('ledger', postgresLedgerMigrations)
  })
  afterAll(() => backend.close())

  async function column(sql: string, ...bindings: string[]): Promise<string[]> {
    const { rows } = await backend.database.knex.raw<{ rows: { value: string }[] }>(sql, bindings)
    return rows.map(({ value }) => value)
  }

  it.each(Object.entries(TABLES))('are there with their columns: %s', async (table, columns) => {
    const found = await column(
      'SELECT column_name AS value FROM information_schema.columns WHERE table_name = ?',
      table
    )
    expect(found).toEqual(expect.arrayContaining(columns.split(' ')))
  })

  it('are kept elsewhere where they are not, as is said', async () => {
    const tables = await column(
      `SELECT table_name AS value FROM information_schema.tables WHERE table_schema = 'public'`
    )
    for (const table of Object.keys(ELSEWHERE)) expect(tables).not.toContain(table)
    expect(
      await column(
        `SELECT column_name AS value FROM information_schema.columns WHERE table_name = 'outgoingPayments'`
      )
    ).toContain('cardDetails')
  })

  it('are unique in what the contract says, and go with what they belong to', async () => {
    const indexes = await column(
      `SELECT c.relname || ' ' || string_agg(a.attname, ' ' ORDER BY array_position(i.indkey::int2[], a.attnum)) AS value
       FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])
       WHERE i.indisunique GROUP BY i.indexrelid, c.relname`
    )
    const sorted = (words: string) => words.split(' ').sort().join(' ')
    const unique = indexes.map((index) => {
      const [table, ...columns] = index.split(' ')
      return `${table}: ${sorted(columns.join(' '))}`
    })
    for (const [table, columns] of UNIQUE) expect(unique).toContain(`${table}: ${sorted(columns)}`)
    const cascades = await column(
      `SELECT conrelid::regclass::text || ' ' || a.attname AS value FROM pg_constraint
       JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1]
       WHERE contype = 'f' AND confdeltype = 'c'`
    )
    for (const [table, name] of CASCADES)
      expect(cascades).toContain(`"${table}" ${name}`.replace(/^"webhooks"/, 'webhooks'))
  })
})
