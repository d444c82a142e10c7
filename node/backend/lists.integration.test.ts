import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { CREATE_PEER, SET_FEE } from './admin/operations.test-support.ts'
import { usd, useOpenPayments } from './open-payments/open-payments.test-support.ts'
import { OPERATOR_ID } from './testing.ts'

type Tables = Record<string, Record<string, unknown>>

/** A list that an API pages through, and what it is in the database. */
interface List {
  /** The page of this list: its ids, and whether there are more on either side. */
  page(request: { after?: string; before?: string; size: number; sortOrder: 'ASC' | 'DESC' }): Promise<Page>
  /** All ids, oldest first, by plain SQL. */
  ids: string
  /** Rows that one entry consists of, in the order in which they are written: what differs from the first entry's. */
  entry(id: string, createdAt: string): Tables
  /** Whether the API has this order only. */
  only?: 'DESC'
}
interface Page {
  ids: string[]
  hasNextPage: boolean
  hasPreviousPage: boolean
}

const uuid = (number: number) => `0a000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
const NAMES = [
  ...['assets', 'peers', 'walletAddresses', 'incomingPayments', 'outgoingPayments'],
  ...['payments', 'webhookEvents', 'tenants'],
  ...['asset.fees', 'walletAddress.incomingPayments', 'walletAddress.quotes'],
  ...['walletAddress.outgoingPayments', 'walletAddress.walletAddressKeys'],
  ...['Open Payments: incoming payments', 'Open Payments: outgoing payments']
]

/** Entries of which many are of one instant: their number decides. */
const arbitraryEntries = (maxLength: number) =>
  fc.uniqueArray(fc.record({ number: fc.nat({ max: 2 ** 40 }), second: fc.integer({ min: 0, max: 3 }) }), {
    maxLength,
    selector: ({ number }) => number
  })
const history = fc.record({
  entries: arbitraryEntries(10),
  /** What is inserted between the pages. */
  inserted: fc.array(arbitraryEntries(3), { maxLength: 4 }),
  size: fc.integer({ min: 1, max: 4 }),
  sortOrder: fc.constantFrom('ASC' as const, 'DESC' as const),
  backwards: fc.boolean()
})

describe('every list, through its API, while rows are inserted', () => {
  const { desk, tokenFor, consentedToken } = useOpenPayments()
  const lists: Record<string, List> = {}
  /** By table, the row of which others are copies. */
  const first: Record<string, string> = {}

  beforeAll(async () => {
    const { node, alice, shop, assetId, resources } = desk
    const ok = async <Result>(operation: string, input: object): Promise<Result> => {
      const { data, errors } = await node.admin<Record<string, Result>>(operation, { input })
      if (!data || errors) throw new Error(JSON.stringify(errors))
      return Object.values(data)[0]!
    }
    const { fee } = await ok<{ fee: { id: string } }>(SET_FEE, {
      assetId,
      type: 'SENDING',
      fee: { fixed: '0', basisPoints: 0 }
    })
    const { peer } = await ok<{ peer: { id: string } }>(CREATE_PEER, {
      assetId,
      staticIlpAddress: 'test.peer',
      http: { outgoing: { endpoint: 'http://127.0.0.1:1/', authToken: 'x' } }
    })
    const ofShop = await tokenFor(shop, 'incoming-payment', ['create', 'list'])
    const incoming = await shop.client.incomingPayment.create(
      { url: resources, accessToken: ofShop },
      { walletAddress: alice.url }
    )
    const paying = await consentedToken(shop, {
      type: 'outgoing-payment',
      actions: ['create', 'list'],
      identifier: alice.url
    })
    const outgoing = await shop.client.outgoingPayment.create(
      { url: resources, accessToken: paying },
      { walletAddress: alice.url, incomingPayment: incoming.id, debitAmount: usd('7') }
    )
    const { knex } = node.database
    const [key] = await knex('walletAddressKeys').where({ walletAddressId: alice.id }).select('id')
    const event = '0a000000-0000-4000-8000-fffffffffff0'
    await knex('webhookEvents').insert({
      id: event,
      type: 'wallet_address.web_monetization',
      tenantId: OPERATOR_ID,
      walletAddressId: alice.id,
      data: {},
      resourceKey: `walletAddress:${alice.id}`,
      createdAt: new Date(1_700_000_000_000)
    })
    Object.assign(first, {
      assets: assetId,
      peers: peer.id,
      walletAddresses: alice.id,
      walletAddressKeys: (key as { id: string }).id,
      fees: fee.id,
      incomingPayments: incoming.id.slice(-36),
      quotes: outgoing.id.slice(-36),
      outgoingPayments: outgoing.id.slice(-36),
      webhookEvents: event,
      tenants: OPERATOR_ID
    })
    const admin =
      (name: string, owner?: readonly [field: string, id: string]): List['page'] =>
      async ({ size, sortOrder, after, before }) => {
        const list = `${name}(first: $first, last: $last, after: $after, before: $before, sortOrder: $sortOrder) {
          edges { cursor node { id } } pageInfo { startCursor endCursor hasNextPage hasPreviousPage } }`
        const { data, errors } = await node.admin<Record<string, Record<string, unknown>>>(
          `query ($first: Int, $last: Int, $after: String, $before: String, $sortOrder: SortOrder) {
             ${owner ? `owner: ${owner[0]}(id: "${owner[1]}") { ${list} }` : list} }`,
          { ...(before === undefined ? { first: size, after } : { last: size, before }), sortOrder }
        )
        if (!data || errors) throw new Error(JSON.stringify(errors))
        const { edges, pageInfo } = (owner ? data.owner![name] : data[name]) as {
          edges: { cursor: string; node: { id: string } }[]
          pageInfo: { startCursor: string; endCursor: string } & Page
        }
        const ids = edges.map(({ cursor }) => cursor)
        expect(edges.map(({ node }) => node.id)).toEqual(ids)
        expect([pageInfo.startCursor, pageInfo.endCursor]).toEqual([ids[0] ?? null, ids.at(-1) ?? null])
        return { ids, hasNextPage: pageInfo.hasNextPage, hasPreviousPage: pageInfo.hasPreviousPage }
      }
    const openPayments =
      (noun: 'incomingPayment' | 'outgoingPayment', accessToken: string): List['page'] =>
      async ({ size, after, before }) => {
        const { result, pagination } = await shop.client[noun].list(
          { url: resources, accessToken, walletAddress: alice.url },
          (before === undefined
            ? { first: size, ...(after !== undefined && { cursor: after }) }
            : { last: size, cursor: before }) as never
        )
        const ids = result.map(({ id }) => id.slice(-36))
        expect([pagination.startCursor, pagination.endCursor]).toEqual([ids[0], ids.at(-1)])
        return { ids, hasNextPage: pagination.hasNextPage, hasPreviousPage: pagination.hasPreviousPage }
      }
    const oldest = (from: string) => `SELECT id FROM ${from} ORDER BY "createdAt", id`
    const ofAlice = (table: string) => oldest(`"${table}" WHERE "walletAddressId" = '${alice.id}'`)
    const plain =
      (table: string, differs: (id: string) => object = () => ({})): List['entry'] =>
      (id, createdAt) => ({ [table]: { id, createdAt, ...differs(id) } })
    // Of a local payment: it has no details of ILP.
    const quote = plain('quotes')
    // SENDING, whose sent amounts are the ledger's; no worker has to do with them.
    const payment: List['entry'] = (id, createdAt) => ({
      ...quote(id, createdAt),
      outgoingPayments: { id, createdAt, state: 'SENDING', leaseEpoch: 1, processAt: null }
    })
    const whole = (table: string) => oldest(`"${table}"`)
    const alices = ['walletAddress', alice.id] as const
    Object.assign(lists, {
      assets: {
        page: admin('assets'),
        ids: whole('assets'),
        entry: plain('assets', (id) => ({ code: id.slice(-12) }))
      },
      peers: {
        page: admin('peers'),
        ids: whole('peers'),
        entry: plain('peers', (id) => ({ staticIlpAddress: `test.${id}` }))
      },
      walletAddresses: {
        page: admin('walletAddresses'),
        ids: whole('walletAddresses'),
        entry: plain('walletAddresses', (id) => ({ address: `${node.openPaymentsUrl}/${id}` }))
      },
      incomingPayments: {
        page: admin('incomingPayments'),
        ids: whole('incomingPayments'),
        entry: plain('incomingPayments')
      },
      outgoingPayments: { page: admin('outgoingPayments'), ids: whole('outgoingPayments'), entry: payment },
      payments: {
        page: admin('payments'),
        ids: oldest(
          `(SELECT id, "createdAt" FROM "incomingPayments" UNION ALL SELECT id, "createdAt" FROM "outgoingPayments") AS either`
        ),
        entry: (id, createdAt) =>
          Number.parseInt(id.slice(-1), 16) % 2 === 0
            ? payment(id, createdAt)
            : plain('incomingPayments')(id, createdAt)
      },
      webhookEvents: {
        page: admin('webhookEvents'),
        ids: whole('webhookEvents'),
        entry: plain('webhookEvents')
      },
      tenants: { page: admin('tenants'), ids: whole('tenants'), entry: plain('tenants') },
      'asset.fees': {
        page: admin('fees', ['asset', assetId]),
        ids: oldest(`fees WHERE "assetId" = '${assetId}'`),
        entry: plain('fees')
      },
      'walletAddress.incomingPayments': {
        page: admin('incomingPayments', alices),
        ids: ofAlice('incomingPayments'),
        entry: plain('incomingPayments')
      },
      'walletAddress.quotes': { page: admin('quotes', alices), ids: ofAlice('quotes'), entry: quote },
      'walletAddress.outgoingPayments': {
        page: admin('outgoingPayments', alices),
        ids: ofAlice('outgoingPayments'),
        entry: payment
      },
      'walletAddress.walletAddressKeys': {
        page: admin('walletAddressKeys', alices),
        ids: ofAlice('walletAddressKeys'),
        entry: plain('walletAddressKeys', (id) => ({ kid: id }))
      },
      'Open Payments: incoming payments': {
        page: openPayments('incomingPayment', ofShop),
        ids: ofAlice('incomingPayments'),
        entry: plain('incomingPayments'),
        only: 'DESC'
      },
      'Open Payments: outgoing payments': {
        page: openPayments('outgoingPayment', paying),
        ids: ofAlice('outgoingPayments'),
        entry: payment,
        only: 'DESC'
      }
    } satisfies Record<string, List>)
    expect(Object.keys(lists)).toEqual(NAMES)
  })

  /** Writes an entry as a copy of the list's first one. */
  async function insert(list: List, number: number, second: number): Promise<Tables> {
    const { knex } = desk.node.database
    const id = uuid(number)
    const tables = list.entry(id, new Date(1_700_000_000_000 + second * 1_000).toISOString())
    for (const [table, differs] of Object.entries(tables)) {
      const { rows } = await knex.raw<{ rows: { columns: string }[] }>(
        `SELECT string_agg(quote_ident(column_name), ', ') AS columns FROM information_schema.columns
         WHERE table_name = ? AND (column_default IS NULL OR column_default NOT LIKE 'nextval%')`,
        [table]
      )
      const columns = rows[0]!.columns
      await knex.raw(
        `INSERT INTO ?? (${columns}) SELECT ${columns} FROM
         (SELECT copy.* FROM ?? AS original, jsonb_populate_record(original, ?::jsonb) AS copy WHERE original.id = ?) AS copy`,
        [table, table, JSON.stringify(differs), first[table]!]
      )
    }
    return tables
  }

  async function remove(tables: Tables): Promise<void> {
    for (const [table, { id }] of Object.entries(tables).reverse()) {
      await desk.node.database.knex(table).where({ id }).delete()
    }
  }

  it.each(NAMES)(
    'shows what was there throughout exactly once, in order, with true flags: %s',
    async (name) => {
      const list = lists[name]!
      const seen = { pages: 0, next: 0, previous: 0 }
      await fc.assert(
        fc.asyncProperty(history, async ({ entries, inserted, size, backwards, ...asked }) => {
          const sortOrder = list.only ?? asked.sortOrder
          const written: Tables[] = []
          const known = new Set<number>()
          const write = async (added: typeof entries) => {
            for (const { number, second } of added) {
              if (!known.has(number)) written.push(await insert(list, number, second))
              known.add(number)
            }
          }
          const listed = async () => {
            const { rows } = await desk.node.database.knex.raw<{ rows: { id: string }[] }>(list.ids)
            const ids = rows.map(({ id }) => id)
            return sortOrder === 'ASC' ? ids : ids.reverse()
          }
          try {
            await write(entries)
            const throughout = await listed()
            const shown: string[] = []
            let cursor = backwards ? throughout.at(-1) : undefined
            for (let step = 0; step < 100; step++) {
              const page = await list.page({
                size,
                sortOrder,
                ...(cursor !== undefined && { [backwards ? 'before' : 'after']: cursor })
              })
              const now = await listed()
              const [from, to] = [now.indexOf(page.ids[0] ?? ''), now.indexOf(page.ids.at(-1) ?? '')]
              expect(page).toEqual(
                page.ids.length === 0
                  ? { ids: [], hasNextPage: false, hasPreviousPage: false }
                  : {
                      ids: now.slice(from, to + 1),
                      hasPreviousPage: from > 0,
                      hasNextPage: to < now.length - 1
                    }
              )
              seen.pages++
              seen.next += Number(page.hasNextPage)
              seen.previous += Number(page.hasPreviousPage)
              if (backwards) shown.unshift(...page.ids)
              else shown.push(...page.ids)
              cursor = (backwards ? page.ids[0] : page.ids.at(-1)) ?? cursor
              if (!(backwards ? page.hasPreviousPage : page.hasNextPage)) break
              await write(inserted[step] ?? [])
            }
            expect(new Set(shown).size).toBe(shown.length)
            const expected = backwards ? throughout.slice(0, -1) : throughout
            expect(shown.filter((id) => expected.includes(id))).toEqual(expected)
          } finally {
            for (const tables of written) await remove(tables)
          }
        }),
        {
          numRuns: testCount('listsThroughApis'),
          // Whatever is drawn, pages with neighbours on both sides are among them.
          examples: [
            [
              {
                entries: [0, 1, 2, 3].map((number) => ({ number, second: 1 })),
                inserted: [[{ number: 4, second: 1 }]],
                size: 2,
                sortOrder: 'DESC',
                backwards: false
              }
            ]
          ]
        }
      )
      expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
    }
  )
})
