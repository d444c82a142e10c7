import { describe, expect, it } from 'vitest'
import { ownReceiver } from './receiver.ts'

describe('a receiver', () => {
  it.each([
    ['https://acacia.example/t1/incoming-payments/p1', { tenantId: 't1', id: 'p1' }],
    ['https://acacia.example.evil/t1/incoming-payments/p1', undefined],
    ['https://baobab.example/t1/incoming-payments/p1', undefined],
    ['https://acacia.example/t1/quotes/p1', undefined],
    ['https://acacia.example/t1/incoming-payments/p1/more', undefined]
  ])('%s is %o', (url, own) => {
    expect(ownReceiver(url, 'https://acacia.example')).toEqual(own)
  })
})
