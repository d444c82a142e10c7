import fc from 'fast-check'
import { defaultFieldResolver, execute, getOperationAST, parse, validate } from 'graphql'
import { createSchema } from 'graphql-yoga'
import { describe, expect, it } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { DEFAULT_PAGE_SIZE } from '../pagination/index.ts'
import { answerTooLarge, ASSUMED_LIST_LENGTH, countsAs, measureAnswer } from './answer-size.ts'
import { DEFAULT_QUERY_LIMITS } from './query-limits.ts'

type Sizes = { first?: number | null; last?: number | null }
const page = ({ first, last }: Sizes) => ({
  edges: entries(Math.max(first ?? 0, last ?? 0) || DEFAULT_PAGE_SIZE).map((node) => ({ node, cursor: '1' })),
  pageInfo: { hasNextPage: false }
})
const entries = (length: number) => Array.from({ length }, () => ({ id: '1', text: 'text' }))

const schema = createSchema({
  typeDefs: /* GraphQL */ `
    interface Model {
      id: ID!
    }
    type Query {
      items(first: Int, last: Int): ItemConnection!
      item: Item!
      log(limit: Int): Log!
    }
    type ItemConnection {
      edges: [ItemEdge!]!
      pageInfo: PageInfo!
    }
    type ItemEdge {
      node: Item!
      cursor: String!
    }
    type PageInfo {
      hasNextPage: Boolean!
    }
    type Item implements Model {
      id: ID!
      text: String
      other: Item!
      tags: [Tag!]!
      history: [Tag!]!
      items(first: Int, last: Int): ItemConnection
    }
    type Tag implements Model {
      id: ID!
      text: String!
    }
    type Log {
      debits: [Tag!]!
      credits: [Tag!]!
    }
  `,
  resolvers: {
    Model: { __resolveType: () => 'Item' },
    Query: {
      items: (_: unknown, sizes: Sizes) => page(sizes),
      item: () => entries(1)[0],
      log: (_: unknown, { limit }: { limit?: number | null }) => {
        const side = entries(limit ?? DEFAULT_PAGE_SIZE)
        return { debits: side, credits: side }
      }
    },
    Item: {
      other: () => entries(1)[0],
      tags: () => entries(ASSUMED_LIST_LENGTH),
      history: countsAs(500, () => entries(500)),
      items: (_: unknown, sizes: Sizes) => page(sizes)
    }
  } as never
})

/** What is written of a document while its parts are made up. */
interface Draft {
  fragments: string[]
  variables: string[]
  values: Record<string, unknown>
  /** Selections so far: each gets a name of its own, so that none are merged. */
  drawn: number
  /** A directive left something out. */
  isCut: boolean
}
type Write = (draft: Draft) => string

const number = fc.integer({ min: 1, max: 3 })

/** A size as an argument's value: written, of a variable, of its default, or of none. */
const arbitrarySize: fc.Arbitrary<Write> = fc.oneof(
  number.map((size) => () => String(size)),
  fc.constantFrom('null', '0').map((nothing) => () => nothing),
  fc
    .record({ given: fc.option(number), otherwise: fc.option(number), isGiven: fc.boolean() })
    .map(({ given, otherwise, isGiven }) => (draft: Draft) => {
      const name = `v${draft.variables.length}`
      draft.variables.push(`$${name}: Int${otherwise === null ? '' : ` = ${otherwise}`}`)
      if (isGiven) draft.values[name] = given
      return `$${name}`
    })
)

const arbitrarySizes: fc.Arbitrary<Write> = fc
  .array(fc.tuple(fc.constantFrom('first', 'last'), arbitrarySize), { minLength: 0, maxLength: 2 })
  .map((sizes) => (draft) => {
    const given = [...new Map(sizes)].map(([name, write]) => `${name}: ${write(draft)}`)
    return given.length === 0 ? '' : `(${given.join()})`
  })

const DIRECTIVES = [
  '',
  '',
  '',
  '@include(if: true)',
  '@skip(if: false)',
  '@skip(if: true)',
  '@include(if: false)'
]

/** Selections of a type, at most so deep: fields under names of their own, in place, or in fragments of two kinds. */
function arbitrarySelections(type: string, depth: number): fc.Arbitrary<Write> {
  const one = fc
    .record({
      write: arbitraryField(type, depth),
      place: fc.constantFrom('here', 'here', 'inline', 'inline of the type', 'fragment'),
      directive: fc.constantFrom(...DIRECTIVES)
    })
    .map(({ write, place, directive }): Write => (draft) => {
      const text = `a${(draft.drawn += 1)}: ${write(draft)}`
      if (['@skip(if: true)', '@include(if: false)'].includes(directive)) draft.isCut = true
      if (place === 'inline') return `... ${directive} { ${text} }`
      if (place === 'inline of the type') return `... on ${type} ${directive} { ${text} }`
      if (place === 'here') return directive === '' ? text : `... ${directive} { ${text} }`
      const name = `f${draft.fragments.length}`
      draft.fragments.push(`fragment ${name} on ${type} { ${text} }`)
      return `...${name} ${directive}`
    })
  return fc
    .array(one, { minLength: 1, maxLength: 3 })
    .map((writes) => (draft) => `{ ${writes.map((write) => write(draft)).join(' ')} }`)
}

function arbitraryField(type: string, depth: number): fc.Arbitrary<Write> {
  const leaf = fc.constant<Write>(() => (type === 'Query' ? '__typename' : 'id'))
  if (depth === 0 || type === 'Tag') return leaf
  const below = (of: string, field: string) =>
    fc.record({ inner: arbitrarySelections(of, depth - 1) }).map(
      ({ inner }): Write =>
        (draft) =>
          `${field} ${inner(draft)}`
    )
  const list = fc
    .record({ sizes: arbitrarySizes, inner: arbitrarySelections('Item', depth - 1), twice: fc.boolean() })
    .map(({ sizes, inner, twice }): Write => (draft) => {
      const again = twice ? 'again: edges { cursor }' : ''
      return `items${sizes(draft)} { pageInfo { hasNextPage } edges { node ${inner(draft)} } ${again} }`
    })
  if (type === 'Item') return fc.oneof(leaf, below('Item', 'other'), below('Tag', 'tags'), list)
  const log = fc.record({ limit: arbitrarySize }).map(
    ({ limit }): Write =>
      (draft) =>
        `log(limit: ${limit(draft).replace(/^0$/, '1')}) { debits { id } credits { id } }`
  )
  return fc.oneof(leaf, below('Item', 'item'), list, log)
}

/** The text of a query with its variables. */
const arbitraryQuery = arbitrarySelections('Query', 3).map((write) => {
  const draft: Draft = { fragments: [], variables: [], values: {}, drawn: 0, isCut: false }
  const body = write(draft)
  const variables = draft.variables.length === 0 ? '' : `(${draft.variables.join()})`
  return {
    text: `query ${variables} ${body} ${draft.fragments.join(' ')}`,
    variables: draft.values,
    isCut: draft.isCut
  }
})

function measure(text: string, variables: Record<string, unknown> = {}) {
  const document = parse(text)
  return measureAnswer(schema, document, getOperationAST(document)!, variables)
}

const LIMITS = { ...DEFAULT_QUERY_LIMITS, maxRows: 50_000, maxValues: 1_000_000 }
const isRefused = (text: string, variables?: Record<string, unknown>) =>
  answerTooLarge(LIMITS, measure(text, variables)) !== undefined

describe('measureAnswer', () => {
  it('counts all that a query of any shape answers: aliases, fragments, directives, variables, default sizes', () => {
    fc.assert(
      fc.property(arbitraryQuery, ({ text, variables, isCut }) => {
        const document = parse(text)
        expect(validate(schema, document)).toEqual([])
        const answered = { rows: 0, values: 0 }
        const result = execute({
          schema,
          document,
          variableValues: variables,
          fieldResolver: defaultFieldResolver,
          contextValue: {}
        })
        expect(result).not.toHaveProperty('errors')
        count((result as { data: object }).data, answered)
        const measured = measureAnswer(schema, document, getOperationAST(document)!, variables)
        if (isCut) {
          expect(measured.rows).toBeGreaterThanOrEqual(answered.rows)
          expect(measured.values).toBeGreaterThanOrEqual(answered.values)
        } else expect(measured).toEqual(answered)
      }),
      { numRuns: testCount('queryShapes') }
    )
  })

  it('lets a list of 100 with a list of 100 for each pass, and 40 aliases of it not', () => {
    const nested = 'items(first: 100) { edges { node { items(first: $n) { edges { node { id text } } } } } }'
    expect(measure(`query ($n: Int) { ${nested} }`, { n: 100 })).toEqual({ rows: 10_100, values: 30_302 })
    expect(isRefused(`query ($n: Int) { ${nested} }`, { n: 100 })).toBe(false)
    const aliases = Array.from({ length: 40 }, (_, n) => `a${n}: ${nested}`).join(' ')
    expect(isRefused(`query ($n: Int) { ${aliases} }`, { n: 100 })).toBe(true)
    expect(isRefused(`query ($n: Int = 100) { ${aliases} }`)).toBe(true)
    // Each of them is small where the variable says so.
    expect(isRefused(`query ($n: Int) { ${aliases} }`, { n: 1 })).toBe(false)
    const fragment = `fragment f on Query { ${nested} }`
    expect(isRefused(`query ($n: Int) { ${'...f '.repeat(40)} } ${fragment}`, { n: 100 })).toBe(true)
  })

  it('counts pages whose entries are not asked for, and entries of pages that are asked for in part', () => {
    expect(measure('{ items(first: 100) { pageInfo { hasNextPage } } }').rows).toBe(100)
    expect(measure('{ log(limit: 1000) { debits { id } credits { id } } }').rows).toBe(2_000)
  })

  it('counts a list that no argument bounds as the schema says', () => {
    expect(measure('{ item { history { id text } } }')).toEqual({ rows: 500, values: 1_002 })
    expect(isRefused('{ items(first: 90) { edges { node { history { id } } } } }')).toBe(false)
    expect(isRefused('{ items(first: 100) { edges { node { history { id } } } } }')).toBe(true)
  })

  it('counts the same field of many rows, however often it is named', () => {
    const fields = Array.from({ length: 200 }, (_, n) => `a${n}: text`).join(' ')
    const text = `{ items(first: 100) { edges { node { items(first: 100) { edges { node { ${fields} } } } } } } }`
    expect(measure(text).values).toBeGreaterThan(2_000_000)
    expect(isRefused(text)).toBe(true)
  })

  it('takes nothing for a small page: no number, no variable', () => {
    // Such requests are refused elsewhere; nothing runs.
    expect(
      measure('query ($n: Int) { items(first: $n) { pageInfo { hasNextPage } } }', { n: '5' }).rows
    ).toBe(100)
    expect(measure('{ items(first: -3) { pageInfo { hasNextPage } } }').rows).toBe(20)
  })
})

/** Rows and values of an answer: entries of `edges`, `debits` and `credits`, and members of objects. */
function count(value: unknown, total: { rows: number; values: number }): void {
  if (Array.isArray(value)) for (const entry of value) count(entry, total)
  else if (typeof value === 'object' && value !== null) {
    for (const [name, member] of Object.entries(value)) {
      total.values += 1
      if (['edges', 'again', 'debits', 'credits'].includes(name)) total.rows += (member as unknown[]).length
      count(member, total)
    }
  }
}
