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
