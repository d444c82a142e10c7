import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startTestNode } from '../open-payments/testing.ts'
import type { TestNode } from '../open-payments/testing.ts'
import { OPERATOR_ID } from '../testing.ts'
import { CREATE_ASSET, CREATE_PEER, CREATE_WALLET_ADDRESS, SET_FEE } from './operations.test-support.ts'

const AMOUNT = '{ value assetCode assetScale }'
const QUOTE = `{ id walletAddressId receiver debitAmount ${AMOUNT} receiveAmount ${AMOUNT} estimatedExchangeRate createdAt expiresAt }`
const ASSET = `{ id code scale liquidity withdrawalThreshold liquidityThreshold createdAt tenant { id publicName }
  sendingFee { id fixed basisPoints } receivingFee { id fixed basisPoints } }`

/** Every list with all that its entries tell, but pages of their own. */
const LISTS: Record<string, string> = {
  assets: ASSET,
  peers: `{ id name staticIlpAddress liquidity liquidityThreshold routes http { outgoing { endpoint } } asset ${ASSET} tenant { id } createdAt }`,
  walletAddresses: `{ id address publicName status liquidity asset ${ASSET} additionalProperties { key value } tenant { id } createdAt }`,
  incomingPayments: `{ id url walletAddressId client liquidity state expiresAt incomingAmount ${AMOUNT} receivedAmount ${AMOUNT}
    metadata createdAt senderWalletAddress tenant { id settings { key value } } cancellationReason cancelledAt }`,
  outgoingPayments: `{ id walletAddressId client liquidity state error stateAttempts debitAmount ${AMOUNT} receiveAmount ${AMOUNT}
    receiver metadata quote ${QUOTE} sentAmount ${AMOUNT} createdAt grantId tenant { id } }`,
  payments: `{ id type walletAddressId client state liquidity metadata createdAt tenant { id } }`,
  webhookEvents: `{ id type data createdAt tenant { id } }`,
  tenants: `{ id email publicName createdAt settings { key value } }`
}
/** Pages that each entry of a list has of its own: what `first` shows is less than there is. */
const NESTED: Record<string, Record<string, string>> = {
  assets: { fees: '{ id type fixed basisPoints createdAt }' },
  walletAddresses: {
    incomingPayments: LISTS.incomingPayments!,
    quotes: QUOTE,
    outgoingPayments: LISTS.outgoingPayments!,
    walletAddressKeys: '{ id jwk { kid x } revoked createdAt }'
  }
}

/** Entries of every list: the first assets, peers and wallet addresses are made by mutations. */
const ROWS = 100
const MADE = 20
/** Payments, quotes and keys of a wallet address, fees of an asset. */
const OWN = 3

describe('lists of the Admin API', () => {
  let node: TestNode

  beforeAll(async () => {
    node = await startTestNode(inject('postgresUrl'), { backend: { LEDGER: 'postgres' } })
    const uuid = () => node.runtime.random.uuid()
    const ok = async <Result>(mutation: string, input: object): Promise<Result> => {
      const { data, errors } = await node.admin<Record<string, Result>>(mutation, { input })
      if (!data || errors) throw new Error(JSON.stringify(errors))
      return Object.values(data)[0]!
    }
    const walletAddressIds: string[] = []
    const assetIds: string[] = []
    for (let row = 0; row < MADE; row++) {
      const code = `A${row}`
      const { asset } = await ok<{ asset: { id: string } }>(CREATE_ASSET, { code, scale: 2 })
      await ok(SET_FEE, { assetId: asset.id, type: 'SENDING', fee: { fixed: '1', basisPoints: 1 } })
      await ok(CREATE_PEER, {
        assetId: asset.id,
        staticIlpAddress: `test.peer${row}`,
        http: { outgoing: { endpoint: 'http://127.0.0.1:1/', authToken: 'x' } },
        initialLiquidity: '7'
      })
      const { walletAddress } = await ok<{ walletAddress: { id: string } }>(CREATE_WALLET_ADDRESS, {
        assetId: asset.id,
        address: `${node.openPaymentsUrl}/w${row}`,
        additionalProperties: [{ key: 'k', value: 'v', visibleInOpenPayments: true }]
      })
      walletAddressIds.push(walletAddress.id)
      assetIds.push(asset.id)
    }
    const { knex } = node.database
    const made = { tenantId: OPERATOR_ID, createdAt: new Date(), updatedAt: new Date() }
    for (let row = MADE; row < ROWS; row++) {
      assetIds.push(uuid())
      walletAddressIds.push(uuid())
    }
    await knex('assets').insert(
      assetIds.slice(MADE).map((id, row) => ({ ...made, id, code: `B${row}`, scale: 2 }))
    )
    await knex('peers').insert(
      assetIds.slice(MADE).map((assetId, row) => ({
        ...made,
        id: uuid(),
        assetId,
        staticIlpAddress: `test.more${row}`,
        routes: [],
        outgoingToken: 'x',
        outgoingEndpoint: 'http://127.0.0.1:1/'
      }))
    )
    await knex('walletAddresses').insert(
      walletAddressIds.slice(MADE).map((id, row) => ({
        ...made,
        id,
        address: `${node.openPaymentsUrl}/b${row}`,
        assetId: assetIds[row % MADE]
      }))
    )
    const rows = Array.from({ length: ROWS * OWN }, (_, row) => {
      const createdAt = new Date(1_700_000_000_000 + row)
      return { id: uuid(), walletAddressId: walletAddressIds[row % ROWS]!, tenantId: OPERATOR_ID, createdAt }
    })
    const far = new Date('2100-01-01T00:00:00Z')
    await knex('incomingPayments').insert(
      rows.map((row, index) => ({
        ...row,
        id: uuid(),
        assetId: assetIds[index % MADE],
        state: 'PENDING',
        expiresAt: far,
        initiatedBy: 'ADMIN',
        updatedAt: row.createdAt
      }))
    )
    const receiver = `${node.openPaymentsUrl}/x/incoming-payments/${uuid()}`
    await knex('quotes').insert(
      rows.map((row, index) => ({
        ...row,
        assetId: assetIds[index % MADE],
        receiver,
        method: 'ILP',
        debitAmountValue: '10',
        debitAmountMinusFees: '9',
        receiveAmountValue: '9',
        receiveAmountAssetCode: 'EUR',
        receiveAmountAssetScale: 2,
        expiresAt: far
      }))
    )
    await knex('ilpQuoteDetails').insert(
      rows.map(({ id }) => ({
        quoteId: id,
        minRateNumerator: 1,
        minRateDenominator: 1,
        lowRateNumerator: 1,
        lowRateDenominator: 1,
        highRateNumerator: 1,
        highRateDenominator: 1
      }))
    )
    // SENDING, whose sent amounts are the ledger's; no worker has to do with them.
    await knex('outgoingPayments').insert(
      rows.map((row) => ({
        ...row,
        receiver,
        state: 'SENDING',
        leaseEpoch: 1,
        initiatedBy: 'ADMIN',
        updatedAt: row.createdAt
      }))
    )
    await knex('webhookEvents').insert(
      rows.map((row) => ({
        id: uuid(),
        type: 'wallet_address.web_monetization',
        tenantId: OPERATOR_ID,
        walletAddressId: row.walletAddressId,
        data: {},
        resourceKey: `walletAddress:${row.walletAddressId}`,
        createdAt: row.createdAt
      }))
    )
    await knex('walletAddressKeys').insert(
      rows.map(({ id, walletAddressId, createdAt }) => ({
        id,
        walletAddressId,
        kid: id,
        x: 'x',
        createdAt,
        updatedAt: createdAt
      }))
    )
    await knex('fees').insert(
      rows.map(({ id, createdAt }, index) => ({
        id,
        assetId: assetIds[index % ROWS],
        type: 'RECEIVING',
        fixedFee: '1',
        basisPointFee: 1,
        createdAt
      }))
    )
    await knex('tenants').insert(
      rows.slice(0, ROWS).map(({ createdAt }) => ({
        id: uuid(),
        apiSecret: 's',
        state: 'ACTIVE',
        createdAt,
        updatedAt: createdAt
      }))
    )
  })
  afterAll(() => node.stop())

  /**
   * Statements of one request for a list, or for pages that its entries have of their own: the least of several, for
   * sweeps fall into some.
   */
  async function statementsOf(list: string, first: number, nested: readonly string[] = []): Promise<number> {
    const pages = nested.map(
      (name) =>
        `${name}(first: ${OWN - 1}) { edges { node ${NESTED[list]![name]} } pageInfo { hasNextPage } }`
    )
    const entry = nested.length === 0 ? LISTS[list]! : `{ id ${pages.join(' ')} }`
    const query = `query ($first: Int) { ${list}(first: $first) { edges { cursor node ${entry} } pageInfo { hasNextPage } } }`
    const counts: number[] = []
    for (let time = 0; time < 4; time++) {
      const before = node.statementCount()
      const { data, errors } = await node.admin<Record<string, { edges: { node: object }[] }>>(query, {
        first
      })
      counts.push(node.statementCount() - before)
      expect(errors).toBeUndefined()
      expect(data?.[list]?.edges).toHaveLength(first)
      const page = { edges: { length: OWN - 1 }, pageInfo: { hasNextPage: true } }
      for (const { node: shown } of data![list]!.edges) {
        expect(shown).toMatchObject(Object.fromEntries(nested.map((name) => [name, page])))
      }
    }
    return Math.min(...counts)
  }

  it('cost as many statements for 100 entries as for 10, ledger included', async () => {
    const counts: Record<string, [number, number]> = {}
    for (const list of Object.keys(LISTS)) {
      counts[list] = [await statementsOf(list, 10), await statementsOf(list, ROWS)]
    }
    // The page, what its entries share (fees, properties, quotes, settings), and one read of the ledger.
    expect(counts).toEqual({
      assets: [3, 3],
      peers: [3, 3],
      walletAddresses: [4, 4],
      incomingPayments: [3, 3],
      outgoingPayments: [5, 5],
      payments: [2, 2],
      webhookEvents: [1, 1],
      tenants: [2, 2]
    })
  })

  it('with pages that each entry has of its own cost as many statements for 100 entries as for 10', async () => {
    const counts: Record<string, Record<string, [number, number]>> = {}
    for (const [list, nested] of Object.entries(NESTED)) {
      counts[list] = {}
      for (const name of Object.keys(nested)) {
        counts[list][name] = [await statementsOf(list, 10, [name]), await statementsOf(list, ROWS, [name])]
      }
    }
    // The list, one statement for all pages in it, and what the pages' entries share.
    expect(counts).toEqual({
      assets: { fees: [2, 2] },
      walletAddresses: {
        incomingPayments: [4, 4],
        quotes: [3, 3],
        outgoingPayments: [6, 6],
        walletAddressKeys: [2, 2]
      }
    })
  })

  it('with all of these pages at once cost no more than with one after the other', async () => {
    const all = Object.keys(NESTED.walletAddresses!)
    // The list, and 3 + 2 + 5 + 1 for its pages; fewer where two of them happen to read the ledger together.
    for (const first of [10, ROWS])
      expect(await statementsOf('walletAddresses', first, all)).toBeLessThanOrEqual(12)
  })

  it('of 100 entries may hold a list of 100 each with all that it tells; many of these are refused before any is read', async () => {
    const nested = Object.entries(NESTED.walletAddresses!).map(
      ([name, fields]) =>
        `walletAddresses(first: 100) { edges { node { ${name}(first: $n) { edges { node ${fields} } } } } }`
    )
    const ask = async (selection: string, n: number) => {
      const before = node.statementCount()
      const { data, errors } = await node.admin(`query ($n: Int) { ${selection} }`, { n })
      return {
        isAnswered: data !== undefined,
        isCheap: node.statementCount() - before < 10,
        error: errors?.[0]
      }
    }
    for (const list of nested) expect(await ask(list, 100)).toMatchObject({ isAnswered: true })
    const refused = {
      isAnswered: false,
      // What falls into it is a sweep's.
      isCheap: true,
      error: { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }
    }
    const aliases = (one: string) => Array.from({ length: 40 }, (_, n) => `a${n}: ${one}`).join(' ')
    const keys = aliases(`walletAddresses(first: 100) { edges { node { walletAddressKeys(first: $n) {
      pageInfo { hasNextPage } } } } }`)
    expect(await ask(keys, 100)).toMatchObject({
      ...refused,
      error: {
        message: 'The operation asks for up to 404000 rows; at most 50000 are allowed: ask for smaller pages'
      }
    })
    // A document that passed with small pages is no better known for that.
    expect(await ask(keys, 1)).toMatchObject({ isAnswered: true })
    expect(await ask(keys, 1)).toMatchObject({ isAnswered: true })
    expect(await ask(keys, 100)).toMatchObject(refused)
    // Fields of many rows: what they tell is counted too.
    const fields = Array.from({ length: 120 }, (_, n) => `a${n}: revoked`).join(' ')
    const wide = `walletAddresses(first: 100) { edges { node { walletAddressKeys(first: $n) { edges { node { ${fields} } } } } } }`
    expect(await ask(wide, 100)).toMatchObject({
      ...refused,
      error: { message: expect.stringContaining('values; at most 1000000 are allowed') as string }
    })
  })

  it.each(Object.keys(LISTS))(
    'page both ways in both orders, with true flags, and over no cursor of another list: %s',
    async (list) => {
      type Page = { edges: { cursor: string; node: { id: string } }[]; pageInfo: Record<string, unknown> }
      const page = async (variables: object): Promise<Page> => {
        const { data, errors } = await node.admin<Record<string, Page>>(
          `query ($first: Int, $last: Int, $after: String, $before: String, $sortOrder: SortOrder) {
          ${list}(first: $first, last: $last, after: $after, before: $before, sortOrder: $sortOrder) {
            edges { cursor node { id } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } } }`,
          variables
        )
        if (!data) throw new Error(JSON.stringify(errors))
        return data[list]!
      }
      /** The page from one place of the list to before another. */
      const expected = (ids: string[], from: number, to: number, total: number) => ({
        edges: ids.slice(from, to).map((id) => ({ cursor: id, node: { id } })),
        pageInfo: {
          startCursor: ids[from],
          endCursor: ids[to - 1],
          hasPreviousPage: from > 0,
          hasNextPage: to < total
        }
      })
      const orders = { ASC: [] as string[], DESC: [] as string[] }
      for (const sortOrder of ['ASC', 'DESC'] as const) {
        const all = (await page({ first: 100, sortOrder })).edges.map(({ cursor }) => cursor)
        orders[sortOrder] = all
        const total = all.length + 1
        const seven = all.slice(0, 7)
        expect(new Set(seven).size).toBe(7)
        for (const from of [0, 3]) {
          const after = from === 0 ? {} : { after: seven[from - 1] }
          expect(await page({ first: 3, ...after, sortOrder })).toEqual(
            expected(seven, from, from + 3, total)
          )
        }
        expect(await page({ last: 3, before: seven[6], sortOrder })).toEqual(expected(seven, 3, 6, total))
        expect(await page({ last: 3, before: seven[3], sortOrder })).toEqual(expected(seven, 0, 3, total))
        const foreign = { first: 3, after: node.runtime.random.uuid(), sortOrder }
        expect(await page(foreign)).toEqual({
          edges: [],
          pageInfo: { startCursor: null, endCursor: null, hasNextPage: false, hasPreviousPage: false }
        })
        for (const other of Object.keys(LISTS)) {
          if (other === list || [list, other].some((name) => name === 'payments')) continue
          const { data } = await node.admin<Record<string, Page>>(
            `{ ${other}(first: 1) { edges { cursor node { id } } } }`
          )
          expect((await page({ first: 3, after: data![other]!.edges[0]!.cursor, sortOrder })).edges).toEqual(
            []
          )
        }
      }
      if (orders.ASC.length < 100) expect([...orders.ASC].reverse()).toEqual(orders.DESC)
    }
  )
})
