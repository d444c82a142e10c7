import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isInnerList, parseDictionary, serializeInnerList } from './structured-fields.ts'
import type { BareItem, InnerList } from './structured-fields.ts'

const key = fc.stringMatching(/^[a-z*][a-z0-9_\-.*]{0,8}$/)
const bareItem: fc.Arbitrary<BareItem> = fc.oneof(
  fc.stringMatching(/^[\x20-\x7e]{0,12}$/),
  fc.bigInt({ min: -(10n ** 15n) + 1n, max: 10n ** 15n - 1n }),
  fc.boolean(),
  fc.stringMatching(/^[A-Za-z*][A-Za-z0-9!#$%&'*+\-.^_`|~:/]{0,8}$/).map((token) => ({ token })),
  fc.uint8Array({ maxLength: 12 }).map((bytes) => ({ bytes: Buffer.from(bytes) }))
)
const parameters = fc.array(fc.tuple(key, bareItem), { maxLength: 4 }).map((entries) => new Map(entries))
const innerList: fc.Arbitrary<InnerList> = fc.record({
  items: fc.array(fc.record({ value: bareItem, parameters }), { maxLength: 5 }),
  parameters
})

describe('structured fields', () => {
  it('reads back what it writes, parameters in their order', () => {
    fc.assert(
      fc.property(innerList, (list) => {
        const member = parseDictionary(`label=${serializeInnerList(list)}`)?.get('label')
        if (member === undefined || !isInnerList(member)) throw new Error('no inner list came back')
        expect(member).toEqual(list)
        expect(serializeInnerList(member)).toBe(serializeInnerList(list))
      })
    )
  })

  it('never throws, whatever the text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
        const parsed = parseDictionary(text)
        expect(parsed === undefined || parsed instanceof Map).toBe(true)
      })
    )
  })

  it('reads several members, white space around them and flags', () => {
    const members = parseDictionary('  a=("x" "y");n=1 ,\tb=:AQID: ,c;p, d=1.50')!
    expect([...members.keys()]).toEqual(['a', 'b', 'c', 'd'])
    expect(members.get('b')).toEqual({ value: { bytes: Buffer.from([1, 2, 3]) }, parameters: new Map() })
    expect(members.get('c')).toEqual({ value: true, parameters: new Map([['p', true]]) })
    expect(members.get('d')).toEqual({ value: { decimal: '1.5' }, parameters: new Map() })
  })

  it('lets a repeated key win', () => {
    expect(parseDictionary('a=1, a=2')).toEqual(new Map([['a', { value: 2n, parameters: new Map() }]]))
  })

  it.each([
    ['a trailing comma', 'a=1,'],
    ['a key in upper case', 'A=1'],
    ['an open inner list', 'a=("x"'],
    ['items without a space', 'a=("x""y")'],
    ['an open string', 'a="x'],
    ['a bad escape', 'a="\\n"'],
    ['a byte sequence with other characters', 'a=:A-_D:'],
    ['a byte sequence with stray bits', 'a=:AB==:'],
    ['a number that is too long', 'a=1234567890123456'],
    ['two dots', 'a=1.2.3'],
    ['a line break', 'a=1\n'],
    ['text after an item', 'a=1 b=2'],
    ['more members than allowed', Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(',')]
  ])('refuses %s', (_, text) => {
    expect(parseDictionary(text)).toBeUndefined()
  })
})
