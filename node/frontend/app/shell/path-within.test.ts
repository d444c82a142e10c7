import { describe, expect, it } from 'vitest'
import { pathWithin } from './path-within.ts'

describe('where to go next', () => {
  it.each([
    ['/assets?after=1', '/assets?after=1'],
    ['/', '/'],
    ['//evil.example/x', '/'],
    ['/\\evil.example', '/'],
    ['/\t/evil.example', '/'],
    ['https://evil.example', '/'],
    ['javascript:alert(1)', '/'],
    ['', '/'],
    [null, '/'],
    [undefined, '/']
  ])('%s leads to %s', (value, path) => {
    expect(pathWithin(value)).toBe(path)
  })
})
