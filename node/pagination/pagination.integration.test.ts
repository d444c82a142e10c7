import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { createSystemRuntime } from '../runtime/index.ts'
import type { Database, Runtime } from '../runtime/index.ts'
import { createTestDatabase } from '../runtime/testing.ts'
import { PageRequestError, pageRequestProblem, selectPage, selectPages } from './index.ts'
import type { PageRequest } from './index.ts'

interface Row {
  id: string
  createdAt: Date
  owner: string
  shown: boolean
}

const uuid = (number: number) => `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`
const [OURS, THEIRS] = [uuid(1), uuid(2)]

/** A row whose time is often another's too. */
const arbitraryRow = fc.record({
  createdAt: fc.integer({ min: 0, max: 3 }).map((second) => new Date(second * 1_000)),
  owner: fc.constantFrom(OURS, OURS, THEIRS),
  shown: fc.constantFrom(true, true, false),
  number: fc.integer({ min: 16, max: 2 ** 40 }),
  /** Which table of a list that is made of two. */
  second: fc.boolean()
})
type NewRow = typeof arbitraryRow extends fc.Arbitrary<infer Value> ? Value : never

const history = fc.record({
  rows: fc.uniqueArray(arbitraryRow, { maxLength: 14, selector: ({ number }) => number }),
  /** What is inserted between the pages. */
  inserted: fc.array(fc.uniqueArray(arbitraryRow, { maxLength: 3, selector: ({ number }) => number }), {
    maxLength: 5
  }),
  size: fc.integer({ min: 1, max: 5 }),
  sortOrder: fc.constantFrom('ASC' as const, 'DESC' as const),
  backwards: fc.boolean()
})

/** A request for a page, with or without a row as its cursor: that row's number among all, or one past the last. */
const arbitraryRequest = fc.record({
  size: fc.option(fc.integer({ min: 0, max: 4 })),
  sortOrder: fc.constantFrom('ASC' as const, 'DESC' as const),
  cursor: fc.option(
    fc.record({ row: fc.nat({ max: 20 }), backwards: fc.boolean(), isBroken: fc.integer({ min: 0, max: 9 }) })
  )
})

/** Four rows of ours and the page of the third: with a row on either side. */
const WITH_NEIGHBOURS: [
  NewRow[],
  string[],
  typeof arbitraryRequest extends fc.Arbitrary<infer Value> ? Value : never
] = [
  [0, 1, 2, 3].map((second) => ({
    createdAt: new Date(second * 1_000),
    owner: OURS,
    shown: true,
    number: 16 + second,
    second: false
  })),
  [THEIRS, OURS],
  { size: 1, sortOrder: 'ASC', cursor: { row: 1, backwards: false, isBroken: 1 } }
]

describe('selectPage', () => {
  let runtime: Runtime
  let database: Database
  let drop: () => Promise<void>

  beforeAll(async () => {
    const test = await createTestDatabase(inject('postgresUrl'))
    drop = () => test.drop()
    runtime = createSystemRuntime({ name: 'test', logLevel: 'silent' })
    database = runtime.openDatabase({ url: test.url, maxConnections: 2 })
    for (const table of ['first', 'second']) {
      await database.knex.raw(
        'CREATE TABLE ?? (id uuid PRIMARY KEY, "createdAt" timestamptz NOT NULL, owner uuid NOT NULL, shown boolean NOT NULL)',
        [table]
      )
    }
  })
  afterAll(async () => {
    await database.close()
    await drop()
    runtime.kill()
  })

  /** Our rows that are shown, of one table or of both together. */
  const lists = {
    'of a table': (request: PageRequest) =>
      selectPage<Row>('first', () => database.knex('first').where({ owner: OURS, shown: true }), request, {
        owner: OURS
      }),
    'of two tables': (request: PageRequest) =>
      selectPage<Row>(
        'both',
        (nearest) => {
          const parts = ['first', 'second'].map((table) =>
            nearest(database.knex(table).where({ owner: OURS, shown: true }), table)
          )
          return database.knex.from(database.knex.unionAll(parts as never, true).as('both'))
        },
        request,
        { owner: OURS },
        ['first', 'second']
      )
  }

  it.each(Object.keys(lists) as (keyof typeof lists)[])(
    'shows every row that was there throughout exactly once, in order, with true flags, while rows are inserted: a list %s',
    async (name) => {
      const list = lists[name]
      await fc.assert(
        fc.asyncProperty(history, async ({ rows, inserted, size, sortOrder, backwards }) => {
          await database.knex.raw('TRUNCATE first, second')
          const there: Row[] = []
          const seen = new Set<number>()
          const insert = async (added: readonly NewRow[]) => {
            for (const { number, second, ...row } of added) {
              if (seen.has(number)) continue
              seen.add(number)
              const isSecond = second && name === 'of two tables'
              await database.knex(isSecond ? 'second' : 'first').insert({ ...row, id: uuid(number) })
              there.push({ ...row, id: uuid(number) })
            }
          }
          /** What the list is now. */
          const listed = () =>
            there
              .filter(({ owner, shown }) => owner === OURS && shown)
              .map(({ id, createdAt }) => `${createdAt.toISOString()} ${id}`)
              .sort((a, b) => (a < b ? -1 : 1) * (sortOrder === 'ASC' ? 1 : -1))
              .map((key) => key.split(' ')[1]!)

          await insert(rows)
          const throughout = listed()
          const shown: string[] = []
          let cursor = backwards ? throughout.at(-1) : undefined
          if (backwards && cursor === undefined) return
          for (let step = 0; step < 100; step++) {
            const place = cursor === undefined ? {} : backwards ? { before: cursor } : { after: cursor }
            const page = await list({ ...place, [backwards ? 'last' : 'first']: size, sortOrder })
            const ids = page.rows.map(({ id }) => id)
            const now = listed()
            const [from, to] = [now.indexOf(ids[0] ?? ''), now.indexOf(ids.at(-1) ?? '')]
            expect(ids).toEqual(ids.length === 0 ? [] : now.slice(from, to + 1))
            expect([page.hasPreviousPage, page.hasNextPage]).toEqual(
              ids.length === 0 ? [false, false] : [from > 0, to < now.length - 1]
            )
            if (backwards) shown.unshift(...ids)
            else shown.push(...ids)
            cursor = (backwards ? ids[0] : ids.at(-1)) ?? cursor
            if (!(backwards ? page.hasPreviousPage : page.hasNextPage)) break
            await insert(inserted[step] ?? [])
          }
          expect(new Set(shown).size).toBe(shown.length)
          const expected = backwards ? throughout.slice(0, -1) : throughout
          expect(shown.filter((id) => expected.includes(id))).toEqual(expected)
        }),
        { numRuns: testCount('pagedLists') }
      )
    }
  )

  it('goes on from a row that has left the list, and from no row of another list', async () => {
    await database.knex.raw('TRUNCATE first, second')
    const at = (second: number) => new Date(second * 1_000)
    await database.knex('first').insert([
      { id: uuid(20), createdAt: at(1), owner: OURS, shown: true },
      { id: uuid(21), createdAt: at(2), owner: OURS, shown: false },
      { id: uuid(22), createdAt: at(3), owner: THEIRS, shown: true },
      { id: uuid(23), createdAt: at(4), owner: OURS, shown: true }
    ])
    const list = lists['of a table']
    const page = await list({ after: uuid(21), sortOrder: 'ASC' })
    expect(page.rows.map(({ id }) => id)).toEqual([uuid(23)])
    for (const after of [uuid(22), uuid(99), 'x', "'; DROP TABLE first; --"]) {
      expect(await list({ after })).toEqual({ rows: [], hasNextPage: false, hasPreviousPage: false })
    }
  })

  it.each<[PageRequest, string]>([
    [{ first: -1 }, 'Pagination index error'],
    [{ first: 101 }, 'Pagination index error'],
    [{ last: 101, before: uuid(1) }, 'Pagination index error'],
    [{ first: 1.5 }, 'Pagination index error'],
    [{ last: 1 }, "Can't paginate backwards from the start."]
  ])('refuses %j', async (request, message) => {
    expect(pageRequestProblem(request)).toBe(message)
    await expect(lists['of a table'](request)).rejects.toThrow(PageRequestError)
  })

  it('gives each of several owners, by one or two statements for all, the page that it gives one', async () => {
    const seen = { pages: 0, rows: 0, previous: 0, next: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(arbitraryRow, { maxLength: 20, selector: ({ number }) => number }),
        fc.array(fc.constantFrom(OURS, THEIRS, uuid(3)), { maxLength: 5 }),
        arbitraryRequest,
        async (rows, owners, { size, sortOrder, cursor }) => {
          await database.knex.raw('TRUNCATE first')
          const there = rows.map(({ number, second: _, ...row }) => ({ ...row, id: uuid(number) }))
          if (there.length > 0) await database.knex('first').insert(there)
          const id = cursor?.isBroken === 0 ? 'x' : (there[cursor?.row ?? 0]?.id ?? uuid(9))
          const request: PageRequest = {
            sortOrder,
            ...(cursor && { [cursor.backwards ? 'before' : 'after']: id }),
            ...(size !== null && { [cursor?.backwards ? 'last' : 'first']: size })
          }
          const select = () => database.knex('first').where({ shown: true })
          const before = database.statementCount()
          const pages = await selectPages<Row>(
            database.knex,
            { table: 'first', ownerColumn: 'owner', select },
            owners,
            request
          )
          expect(database.statementCount() - before).toBeLessThanOrEqual(cursor ? 2 : 1)
          const expected = owners.map((owner) =>
            selectPage<Row>('first', () => select().where({ owner }), request, { owner })
          )
          expect(pages).toEqual(await Promise.all(expected))
          for (const page of pages) {
            seen.pages++
            seen.rows += page.rows.length
            seen.previous += Number(page.hasPreviousPage)
            seen.next += Number(page.hasNextPage)
          }
        }
      ),
      { numRuns: testCount('pagesOfOwners'), examples: [WITH_NEIGHBOURS] }
    )
    // Nothing above holds for want of rows or of neighbours.
    expect(Math.min(...Object.values(seen))).toBeGreaterThan(0)
    const lists = { table: 'first', ownerColumn: 'owner', select: () => database.knex('first') }
    await expect(selectPages(database.knex, lists, [OURS], { first: 101 })).rejects.toThrow(PageRequestError)
  })

  it('shows 20 rows where no size is given or it is 0, and 100 at most', async () => {
    await database.knex.raw('TRUNCATE first, second')
    const rows = Array.from({ length: 102 }, (_, number) => ({
      id: uuid(100 + number),
      createdAt: new Date(number),
      owner: OURS,
      shown: true
    }))
    await database.knex('first').insert(rows)
    const list = lists['of a table']
    for (const request of [{}, { first: 0 }, { last: 0, before: uuid(100) }]) {
      expect((await list(request)).rows).toHaveLength(20)
    }
    const page = await list({ first: 100 })
    expect(page.rows.map(({ id }) => id)).toEqual(
      rows
        .map(({ id }) => id)
        .reverse()
        .slice(0, 100)
    )
    expect(page.hasNextPage).toBe(true)
  })
})
