import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createManualClock } from './clock.ts'
import { createHttpClient, isPrivateAddress } from './http-client.ts'
import type { Network } from './network.ts'

const refuse = (): never => {
  throw new Error('nothing connects here')
}
const networkOf = (addresses: Record<string, string[]>): Network => ({
  speaksTls: true,
  listen: refuse,
  connect: refuse,
  socket: refuse,
  resolve: async (host) => addresses[host] ?? []
})

describe('private addresses', () => {
  test('are known in both families, and written as IPv4 in IPv6', () => {
    const refused = [
      ...[
        '0.0.0.0',
        '10.1.2.3',
        '127.0.0.1',
        '169.254.169.254',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.1.1'
      ],
      ...['100.64.0.1', '100.127.255.255', '192.0.0.1', '198.18.0.1', '224.0.0.1', '255.255.255.255'],
      ...['::', '::1', 'fc00::1', 'fd12::1', 'fe80::1', 'ff02::1', '::ffff:10.0.0.1', '64:ff9b::a00:1']
    ]
    const allowed = [
      '1.1.1.1',
      '172.15.0.1',
      '172.32.0.1',
      '192.169.0.1',
      '100.63.0.1',
      '100.128.0.1',
      '2606:4700::1111'
    ]
    expect(refused.filter((address) => !isPrivateAddress(address))).toEqual([])
    expect(allowed.filter(isPrivateAddress)).toEqual([])
    expect(isPrivateAddress('::ffff:8.8.8.8')).toBe(false)
  })

  test('of each private block are refused, whatever the last numbers', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('10', '127', '0'),
        fc.nat(255),
        fc.nat(255),
        fc.nat(255),
        (first, b, c, d) => {
          expect(isPrivateAddress(`${first}.${b}.${c}.${d}`)).toBe(true)
        }
      )
    )
  })

  const bytes = fc.array(fc.nat(255), { minLength: 4, maxLength: 4 })
  const privateIpv4 = bytes.map(([, b, c, d]) => [10, b!, c!, d!])
  const group = (high: number, low: number) => ((high << 8) | low).toString(16)
  const groupsOf = ([a, b, c, d]: number[]) => `${group(a!, b!)}:${group(c!, d!)}`

  test('written as IPv6 in whatever way are as private as the IPv4 address is', () => {
    fc.assert(
      fc.property(fc.oneof(bytes, privateIpv4), (ipv4) => {
        const dotted = ipv4.join('.')
        const expected = isPrivateAddress(dotted)
        const inverted = groupsOf(ipv4.map((byte) => byte ^ 0xff))
        for (const written of [
          `::ffff:${dotted}`,
          `::FFFF:${groupsOf(ipv4)}`,
          `0:0:0:0:0:ffff:${groupsOf(ipv4)}`,
          `2002:${groupsOf(ipv4)}::1`,
          `2001:0:${groupsOf(ipv4)}:8000:1:f7f7:f7f7`,
          `2001:0:101:101:8000:1:${inverted}`
        ]) {
          expect([written, isPrivateAddress(written)]).toEqual([written, expected])
        }
        // Addresses that nobody routes any more, and those of translators inside.
        for (const written of [`::${groupsOf(ipv4)}`, `::${dotted}`, `64:ff9b::${groupsOf(ipv4)}`]) {
          expect([written, isPrivateAddress(written)]).toEqual([written, true])
        }
      })
    )
  })

  test('of IPv6 are public in 2000::/3 alone', () => {
    const hextets = fc.array(fc.nat(0xffff), { minLength: 7, maxLength: 7 })
    fc.assert(
      fc.property(fc.nat(0xffff), hextets, (first, others) => {
        fc.pre(first !== 0x2001 && first !== 0x2002)
        const address = [first, ...others].map((hextet) => hextet.toString(16)).join(':')
        const isMapped = first === 0 && others.slice(0, 4).every((hextet) => hextet === 0)
        fc.pre(!isMapped)
        expect(isPrivateAddress(address)).toBe(first < 0x2000 || first > 0x3fff)
      })
    )
    for (const address of [
      'fec0::1',
      'fe80::1%eth0',
      '::7f00:1',
      '::127.0.0.1',
      '4000::1',
      'not an address'
    ]) {
      expect([address, isPrivateAddress(address)]).toEqual([address, true])
    }
    expect(isPrivateAddress('2001:4860:4860::8888')).toBe(false)
  })

  test.each([
    ['a name with one private address among others', { 'example.com': ['1.1.1.1', '10.0.0.1'] }, 'EPRIVATE'],
    ['a name without any address', {}, 'ENOTFOUND']
  ])('guard: %s is never connected to', async (_, addresses, code) => {
    const clock = createManualClock()
    const client = createHttpClient(
      { network: networkOf(addresses), clock },
      { allowPrivateAddresses: false }
    )
    const request = client.request({ method: 'GET', url: 'https://example.com/' })
    await expect(request).rejects.toMatchObject({ name: 'HttpClientError', code })
    await client.close()
  })
})
