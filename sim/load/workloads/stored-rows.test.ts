import { describe, expect, it } from 'vitest'
import { reconcileRows } from './stored-rows.ts'

describe('what was made and what is stored', () => {
  it('is the same', () => {
    expect(reconcileRows([{ what: 'grants', made: 7, stored: 7 }], {})).toEqual({
      ok: true,
      counts: [
        { what: 'generator: grants', count: 7 },
        { what: 'stored: grants', count: 7 }
      ],
      orphans: [],
      problems: []
    })
  })

  it('may be more where an answer was lost, and that is listed', () => {
    const { ok, orphans } = reconcileRows([{ what: 'grants', made: 7, stored: 9 }], { 'HTTP 503': 2 })
    expect(ok).toBe(true)
    expect(orphans).toEqual([
      { where: 'grants', count: 2, amount: '0', cause: 'stored, though the generator was told HTTP 503 (2)' }
    ])
  })

  it.each([
    [6, {}, 'grants: 7 were made, 6 are stored'],
    [6, { 'HTTP 503': 5 }, 'grants: 7 were made, 6 are stored'],
    [8, {}, 'grants: 8 are stored, 7 were made'],
    [10, { 'HTTP 503': 2 }, 'grants: 10 are stored, 7 were made']
  ])('is a fault with %i stored and failures %j', (stored, failures, problem) => {
    expect(reconcileRows([{ what: 'grants', made: 7, stored }], failures)).toMatchObject({
      ok: false,
      problems: [problem]
    })
  })
})
