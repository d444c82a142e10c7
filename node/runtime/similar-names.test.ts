import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findSimilarNames } from './similar-names.ts'

const known = ['WEBHOOK_URL', 'WEBHOOK_TIMEOUT', 'QUOTE_LIFESPAN', 'ADMIN_PORT', 'STREAM_SECRET', 'SLIPPAGE']

describe('names of variables that are probably slips', () => {
  it('are named with what was meant', () => {
    const set = ['WEBHOOK_URLS', 'QUOTE_LIFESPAN_MS', 'ADMIN_PROT', 'STREAM_SECERTS', 'webhook_url']
    expect(findSimilarNames(set, known)).toEqual([
      { name: 'ADMIN_PROT', meant: 'ADMIN_PORT' },
      { name: 'QUOTE_LIFESPAN_MS', meant: 'QUOTE_LIFESPAN' },
      { name: 'STREAM_SECERTS', meant: 'STREAM_SECRET' },
      { name: 'WEBHOOK_URLS', meant: 'WEBHOOK_URL' },
      { name: 'webhook_url', meant: 'WEBHOOK_URL' }
    ])
  })

  it('are none of the known, and no quite other ones', () => {
    const set = [...known, 'HOME', 'PATH', 'KUBERNETES_SERVICE_HOST', 'PGPASSWORD']
    expect(findSimilarNames(set, known)).toEqual([])
  })

  it('one letter that is wrong, missing or too many is found in every known name', () => {
    const letter = fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZ_')
    fc.assert(
      fc.property(fc.constantFrom(...known), fc.nat(), letter, fc.nat(2), (name, at, letter, removed) => {
        const index = at % name.length
        const slip =
          name.slice(0, index) + (removed === 1 ? '' : letter) + name.slice(index + (removed === 0 ? 0 : 1))
        fc.pre(slip !== name && slip.length >= 8)
        expect(findSimilarNames([slip], known)).toEqual([{ name: slip, meant: name }])
      })
    )
  })
})
