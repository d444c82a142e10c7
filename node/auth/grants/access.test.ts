import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checkAccess, coversAccess, needsInteraction, readAccess } from './access.ts'
import type { AccessItem } from './model.ts'

const action = fc.constantFrom('create', 'complete', 'read', 'read-all', 'list', 'list-all')
const amount = fc.record({
  value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
  assetCode: fc.constant('USD'),
  assetScale: fc.integer({ min: 0, max: 255 })
})
const item = fc.record(
  {
    type: fc.constantFrom('incoming-payment', 'outgoing-payment', 'quote'),
    actions: fc.uniqueArray(action, { minLength: 1 }),
    identifier: fc.constantFrom('https://a.example/x', 'https://a.example/y'),
    limits: fc.record({ debitAmount: amount })
  },
  { requiredKeys: ['type', 'actions'] }
) as fc.Arbitrary<AccessItem>

describe('coversAccess', () => {
  it('covers itself, and every part of itself', () => {
    fc.assert(
      fc.property(item, fc.nat(), (granted, at) => {
        expect(coversAccess(granted, granted)).toBe(true)
        const part = { ...granted, actions: [granted.actions[at % granted.actions.length]!] }
        delete part.limits
        expect(coversAccess(granted, part)).toBe(true)
      })
    )
  })

  it('never covers an action that was not granted', () => {
    fc.assert(
      fc.property(item, action, (granted, wanted) => {
        const implied = wanted === 'read' ? 'read-all' : wanted === 'list' ? 'list-all' : wanted
        const allowed =
          granted.actions.includes(wanted as never) || granted.actions.includes(implied as never)
        expect(coversAccess(granted, { type: granted.type, actions: [wanted as never] })).toBe(allowed)
      })
    )
  })

  it('needs limits and identifiers to agree', () => {
    const granted: AccessItem = {
      type: 'outgoing-payment',
      actions: ['create'],
      identifier: 'https://a.example/x',
      limits: { debitAmount: { value: '5', assetCode: 'USD', assetScale: 2 } }
    }
    const { debitAmount } = granted.limits!
    const reordered = { assetScale: 2, assetCode: 'USD', value: debitAmount!.value }
    expect(coversAccess(granted, { ...granted, limits: { debitAmount: reordered } })).toBe(true)
    expect(coversAccess(granted, { ...granted, limits: { debitAmount: { ...reordered, value: '6' } } })).toBe(
      false
    )
    expect(coversAccess(granted, { ...granted, identifier: 'https://a.example/y' })).toBe(false)
    expect(coversAccess({ ...granted, identifier: undefined }, granted)).toBe(true)
  })
})

describe('needsInteraction', () => {
  const rules = {
    INCOMING_PAYMENT_INTERACTION: false,
    QUOTE_INTERACTION: false,
    LIST_ALL_ACCESS_INTERACTION: true
  }
  const read = (type: AccessItem['type'], ...actions: AccessItem['actions']): AccessItem => ({
    type,
    actions
  })

  it.each<[AccessItem, Partial<typeof rules>, boolean]>([
    [read('incoming-payment', 'create'), {}, false],
    [read('incoming-payment', 'create'), { INCOMING_PAYMENT_INTERACTION: true }, true],
    [read('quote', 'create'), {}, false],
    [read('quote', 'create'), { QUOTE_INTERACTION: true }, true],
    [read('outgoing-payment', 'read'), {}, true],
    [read('outgoing-payment', 'list-all'), { LIST_ALL_ACCESS_INTERACTION: false }, true],
    [read('incoming-payment', 'read', 'list-all'), {}, true],
    [read('incoming-payment', 'read', 'list-all'), { LIST_ALL_ACCESS_INTERACTION: false }, false]
  ])('for %j with %j: %s', (access, changed, expected) => {
    expect(needsInteraction(access, { ...rules, ...changed })).toBe(expected)
  })
})

describe('readAccess and checkAccess', () => {
  it('keep what the document names and drop the rest', () => {
    const sent = [
      { type: 'quote', actions: ['read'], identifier: 'https://a.example/x', limits: {} },
      { type: 'incoming-payment', actions: ['read'], limits: { maximum: 1 }, extra: true }
    ] as unknown as AccessItem[]
    expect(readAccess(sent)).toEqual([
      { type: 'quote', actions: ['read'] },
      { type: 'incoming-payment', actions: ['read'] }
    ])
  })

  it.each(['', '-1', '0x10', '1.5', ' 1', '18446744073709551616'])('refuse the amount %j', (value) => {
    const limits = { debitAmount: { value, assetCode: 'USD', assetScale: 2 } }
    expect(checkAccess([{ type: 'outgoing-payment', actions: ['create'], limits }])).toMatch(
      /unsigned 64-bit/
    )
  })
})

describe('intervals of limits, as the resource server counts them', () => {
  const wrongWith = (interval: string) =>
    checkAccess([{ type: 'outgoing-payment', actions: ['create'], limits: { interval } }])

  it.each([
    'R11/2022-08-24T14:15:22Z/P1M',
    'R/2017-03-01T13:00:00Z/2018-05-11T15:30:00Z',
    'R-1/P1Y2M10DT2H30M/2022-05-11T15:30:00Z',
    'R0/2022-08-24T14:15:22.123+02:00/PT1S',
    'R/2022-08-24T14:15:22Z/P2W',
    'R1/2022-08-24/P1M'
  ])('takes %s', (text) => {
    expect(wrongWith(text)).toBeUndefined()
  })

  it.each([
    '',
    'R',
    'P1M',
    'R1/P1M',
    'R1/P1M/P1M',
    'R1/2022-08-24T14:15:22Z/P',
    'R1/2022-08-24T14:15:22Z/PT',
    'R1/2022-08-24T14:15:22Z/P1M/P1M',
    'R-2/2022-08-24T14:15:22Z/P1M',
    'R1/2022-13-24T14:15:22Z/P1M',
    'R/2022-08-24T14:15:22Z/P0D',
    'R999999999/2022-08-24T14:15:22Z/P1M',
    'R/2024-02-30T00:00:00Z/P1M',
    'R/2022-08-24T14:15:22Z/P99999999D',
    'R/2022-08-24T14:15:22Z/PT0.0001S',
    'R/2018-05-11T15:30:00Z/2017-03-01T13:00:00Z'
  ])('refuses %j', (text) => {
    expect(wrongWith(text)).toMatch(/repeating interval/)
  })
})
