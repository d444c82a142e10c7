import { describe, expect, it } from 'vitest'
import { TENANT_SETTING_KEYS } from './model.ts'
import type { TenantSettingKey } from './model.ts'
import { asStored, baseKey, basesAbove, basesOverlap, checkSettings, initialSettings } from './settings.ts'

const URLS = ['https://a.test', 'http://a.test:1/b']
const NO_URLS = ['', 'a.test', 'ftp://a.test', 'javascript:alert(1)', `https://a.test/${'x'.repeat(2_048)}`]
const VALUES: Record<TenantSettingKey, { good: string[]; bad: string[] }> = {
  EXCHANGE_RATES_URL: { good: URLS, bad: NO_URLS },
  WEBHOOK_URL: { good: URLS, bad: NO_URLS },
  WALLET_ADDRESS_URL: {
    good: URLS,
    bad: [...NO_URLS, 'https://a.test?b', 'https://a.test#b', 'https://u@a.test', 'https://u:p@a.test/']
  },
  WEBHOOK_TIMEOUT: { good: ['1', '2000', '300000'], bad: ['0', '-1', '1.5', '', 'x', '1e3', '300001'] },
  WEBHOOK_MAX_RETRY: { good: ['0', '10', '1000'], bad: ['-1', '1.5', '', 'x', '1001'] },
  ILP_ADDRESS: { good: ['test.a', 'g.a.b~c'], bad: ['', 'a', 'test', 'test..a', 'test.a b'] }
}

describe('settings of tenants', () => {
  it.each(TENANT_SETTING_KEYS)('%s', (key) => {
    for (const value of VALUES[key].good) expect(checkSettings([{ key, value }])).toBeUndefined()
    for (const value of VALUES[key].bad) {
      expect(checkSettings([{ key, value }])).toMatchObject({ failure: 'InvalidSetting' })
    }
  })

  it('name each key once', () => {
    const setting = { key: 'WEBHOOK_TIMEOUT' as const, value: '1' }
    expect(checkSettings([setting, setting])).toMatchObject({
      failure: 'InvalidSetting',
      message: 'WEBHOOK_TIMEOUT is named twice'
    })
  })

  it('of a new tenant are the defaults, with the given ones over them', () => {
    expect(
      initialSettings({ ILP_ADDRESS: 'test.acacia' }, 'id', [
        { key: 'WEBHOOK_TIMEOUT', value: '5' },
        { key: 'WEBHOOK_URL', value: 'https://a.test' }
      ])
    ).toEqual([
      { key: 'WEBHOOK_TIMEOUT', value: '5' },
      { key: 'WEBHOOK_MAX_RETRY', value: '10' },
      { key: 'ILP_ADDRESS', value: 'test.acacia.id' },
      { key: 'WEBHOOK_URL', value: 'https://a.test' }
    ])
  })

  it('of a base are above it: itself and its parents, in each spelling that may be stored', () => {
    const above = basesAbove('https://a.test/x/y')
    expect(above).toEqual(
      expect.arrayContaining(['https://a.test', 'https://a.test/x', 'https://a.test/x/y'])
    )
    for (const origin of ['https://a.test:443', 'https://a.test.', 'http://a.test', 'http://a.test.:80']) {
      expect(above).toEqual(expect.arrayContaining([origin, `${origin}/x`, `${origin}/x/y`]))
    }
    expect(above).toHaveLength(8 * 3)
    expect(basesAbove('https://a.test:1')).toEqual([
      'https://a.test:1',
      'https://a.test.:1',
      'http://a.test:1',
      'http://a.test.:1'
    ])
  })

  it('with a base keep its spelling, unless no other base could be compared with it', () => {
    const stored = (value: string) => asStored({ key: 'WALLET_ADDRESS_URL', value }).value
    for (const kept of ['https://a.test', 'https://A.test:443/B/', 'http://a.test/b']) {
      expect(stored(kept)).toBe(kept)
    }
    expect(stored('https://bücher.test/A')).toBe('https://xn--bcher-kva.test/a')
    expect(stored('https://a.test/x/../y')).toBe('https://a.test/y')
    expect(stored('https:a.test')).toBe('https://a.test')
    expect(asStored({ key: 'WEBHOOK_URL', value: 'https:a.test' }).value).toBe('https:a.test')
  })

  it.each([
    ['https://a.test', 'https://A.test/', true],
    ['https://a.test/x', 'https://a.test/x/y', true],
    ['https://a.test/x', 'https://a.test/xy', false],
    ['https://a.test', 'https://a.test.evil', false],
    ['https://a.test', 'https://a.test./x', true],
    ['https://a.test:443/x', 'http://a.test/x', true],
    ['https://bücher.test', 'https://xn--bcher-kva.test/x', true],
    ['https://a.test:1', 'http://a.test:2', false],
    ['https://a.test/x', 'https://a.test/y', false]
  ])('bases %s and %s overlap: %s', (one, other, overlap) => {
    expect(basesOverlap(baseKey(one), baseKey(other))).toBe(overlap)
    expect(basesOverlap(baseKey(other), baseKey(one))).toBe(overlap)
  })
})
