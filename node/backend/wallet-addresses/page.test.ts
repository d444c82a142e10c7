import { describe, expect, it } from 'vitest'
import { isPageTemplate, pageOf } from './page.ts'

describe('WALLET_ADDRESS_REDIRECT_HTML_PAGE', () => {
  it.each([
    ['https://x.example/%ewa', 'https://x.example/https%3A%2F%2Fw.example%2F%25wp'],
    ['https://x.example/%wp', 'https://x.example/w.example/%wp'],
    ['https://x.example/?a=%ewp&b=%ewp', 'https://x.example/?a=w.example%2F%25wp&b=%ewp'],
    ['https://x.example/?a=%wa', 'https://x.example/?a=https://w.example/%wp'],
    ['https://x.example/', 'https://x.example/']
  ])('%s: the first of each placeholder is filled in, and what is filled in is none', (template, page) => {
    expect(pageOf(template, 'https://w.example/%wp')).toBe(page)
  })

  it('must make URLs of the web', () => {
    expect(isPageTemplate('https://%wp')).toBe(true)
    expect(isPageTemplate('/account/%ewa')).toBe(false)
    expect(isPageTemplate('javascript:alert("%wa")')).toBe(false)
  })
})
