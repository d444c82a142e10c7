import { describe, expect, it } from 'vitest'
import { pageRequest, serializePage } from './pages.ts'

describe('the page that a query asks for', () => {
  it.each([
    [{}, { sortOrder: 'DESC' }],
    [{ first: 5 }, { first: 5, sortOrder: 'DESC' }],
    [
      { first: 5, cursor: 'c' },
      { first: 5, after: 'c', sortOrder: 'DESC' }
    ],
    [{ cursor: 'c' }, { after: 'c', sortOrder: 'DESC' }],
    [
      { last: 5, cursor: 'c' },
      { last: 5, before: 'c', sortOrder: 'DESC' }
    ]
  ])('%j', (query, asked) => {
    expect(pageRequest(query)).toEqual(asked)
  })

  it.each([
    [{ first: 1, last: 1 }, 'first and last are mutually exclusive'],
    [{ last: 1 }, 'last requires cursor']
  ])('%j is refused', (query, description) => {
    expect(pageRequest(query)).toEqual({ refusal: { status: 400, description } })
  })
})

describe('the body of a page', () => {
  it('has the ids of its ends as cursors', () => {
    const rows = [{ id: 'a' }, { id: 'b' }, { id: 'c' }]
    const page = { rows, hasNextPage: true, hasPreviousPage: false }
    expect(serializePage(page, ({ id }, index) => `${id}${index}`)).toEqual({
      pagination: { startCursor: 'a', endCursor: 'c', hasNextPage: true, hasPreviousPage: false },
      result: ['a0', 'b1', 'c2']
    })
  })

  it('has no cursors when it is empty', () => {
    const page = { rows: [], hasNextPage: false, hasPreviousPage: false }
    expect(serializePage(page, () => 0)).toEqual({
      pagination: { hasNextPage: false, hasPreviousPage: false },
      result: []
    })
  })
})
