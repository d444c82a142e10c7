import { describe, expect, it } from 'vitest'
import { parseBtpUri } from './uri.ts'

describe('BTP URIs', () => {
  it.each([
    ['btp+ws://localhost:3002', false, 'localhost', 3002, '/', '', undefined],
    ['btp+wss://Acacia.example/ilp?x=1', true, 'acacia.example', 443, '/ilp?x=1', '', undefined],
    ['btp+ws://:secret@acacia', false, 'acacia', 80, '/', '', 'secret'],
    ['btp+wss://alice:p%40ss@acacia:99/', true, 'acacia', 99, '/', 'alice', 'p@ss'],
    ['btp+ws://[::1]:5/', false, '[::1]', 5, '/', '', undefined]
  ])('%s', (text, isSecure, host, port, path, account, token) => {
    expect(parseBtpUri(text)).toEqual({ isSecure, host, port, path, account, token })
  })

  it.each([
    '',
    'nonsense',
    'ws://acacia',
    'http://acacia',
    'btp+ws:acacia',
    'btp+ws://',
    'btp+ws://acacia:99999',
    'btp+ws://a b/',
    'btp+ws://:%@acacia',
    'btp+ws://acacia/#fragment'
  ])('%s is none', (text) => {
    expect(parseBtpUri(text)).toBeUndefined()
  })
})
