import fc from 'fast-check'
import { GraphQLError, parse } from 'graphql'
import { createSchema } from 'graphql-yoga'
import { describe, expect, it } from 'vitest'
import { testCount } from '../../test-counts.ts'
import { createKnownDocuments, DEFAULT_KNOWN_DOCUMENTS_LIMITS } from './known-documents.ts'
import type { KnownDocumentsLimits, Refuse } from './known-documents.ts'

const schema = createSchema<object>({
  typeDefs: 'type Query { ok: Boolean! items(first: Int): Int! }',
  resolvers: {
    Query: { ok: () => true, items: (_: unknown, { first }: { first: number }) => first }
  } as never
})

const refuse: Refuse = (_, __, { first }) => (Number(first) > 100 ? new GraphQLError('too much') : undefined)

function known(limits?: Partial<KnownDocumentsLimits>) {
  return createKnownDocuments({
    schema,
    maskError: (error) => error as GraphQLError,
    limits: { ...DEFAULT_KNOWN_DOCUMENTS_LIMITS, ...limits }
  })
}

describe('createKnownDocuments', () => {
  it('runs what it was told, and nothing else', async () => {
    const documents = known()
    documents.add(parse('{ ok }'))
    expect(await documents.run({ query: '{ ok }' }, {}, refuse)).toBe('{"data":{"ok":true}}')
    expect(await documents.run({ query: '{  ok }' }, {}, refuse)).toBeUndefined()
  })

  it('does not run a document that it knows with variables that are refused', async () => {
    const documents = known()
    const query = 'query q($first: Int) { items(first: $first) }'
    documents.add(parse(query))
    expect(await documents.run({ query, variables: { first: 100 } }, {}, refuse)).toBe(
      '{"data":{"items":100}}'
    )
    expect(await documents.run({ query, variables: { first: 101 } }, {}, refuse)).toBeUndefined()
  })

  it.each([
    ['many tokens', `{ ${'ok '.repeat(2_000)}}`],
    ['many tokens that are comments', `{ ok }${'\n#'.repeat(2_000)}`],
    ['a long comment', `{ ok } # ${'x'.repeat(20_000)}`]
  ])('does not remember a document of %s', (_, text) => {
    const documents = known()
    documents.add(parse(text))
    expect(documents.held()).toEqual({ documents: 0, tokens: 0, characters: 0 })
  })

  it('holds no more than its limits, and what it was told last', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ name: fc.nat(9), fields: fc.integer({ min: 1, max: 12 }) }), { maxLength: 40 }),
        fc.record({
          maxDocuments: fc.integer({ min: 1, max: 6 }),
          maxTokens: fc.integer({ min: 20, max: 60 }),
          maxCharacters: fc.integer({ min: 60, max: 200 })
        }),
        async (told, limits) => {
          const documents = known(limits)
          const remembered: string[] = []
          for (const { name, fields } of told) {
            const query = `query q${name} { ${'ok '.repeat(fields)}}`
            documents.add(parse(query))
            remembered.push(...remembered.splice(0).filter((text) => text !== query), query)
            expect(await documents.run({ query }, {}, refuse)).toBeDefined()
            const held = documents.held()
            expect(held.documents).toBeLessThanOrEqual(limits.maxDocuments)
            expect(held.tokens).toBeLessThanOrEqual(limits.maxTokens)
            expect(held.characters).toBeLessThanOrEqual(limits.maxCharacters)
            // Those that are held are the last ones, and its counts are theirs.
            const last = remembered.slice(-held.documents)
            for (const text of last) expect(await documents.run({ query: text }, {}, refuse)).toBeDefined()
            expect(held.characters).toBe(last.join('').length)
            // query, name, two braces, the end.
            expect(held.tokens).toBe(last.join('').split('ok ').length - 1 + 5 * last.length)
          }
        }
      ),
      { numRuns: testCount('knownDocuments') }
    )
  })
})
