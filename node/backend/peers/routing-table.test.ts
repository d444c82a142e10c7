import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAddressPrefix } from '../../ilp/index.ts'
import type { Peer } from './model.ts'
import { createRoutingTable } from './routing-table.ts'

function peer(id: string, routes: string[], { tenantId = 't', createdMs = 0 } = {}): Peer {
  return { id, tenantId, routes, createdAt: new Date(createdMs) } as Peer
}

describe('routing table', () => {
  it('compares whole segments and prefers the longest prefix', () => {
    const table = createRoutingTable()
    table.add(peer('a', ['test.a']))
    table.add(peer('ab', ['test.a.b']))
    table.add(peer('rest', ['test']))
    expect(table.lookup('t', 'test.a.b.c')?.id).toBe('ab')
    expect(table.lookup('t', 'test.a.bc')?.id).toBe('a')
    expect(table.lookup('t', 'test.a')?.id).toBe('a')
    expect(table.lookup('t', 'test.ab')?.id).toBe('rest')
    expect(table.lookup('t', 'g.a')).toBeUndefined()
    expect(table.lookup('other', 'test.a')).toBeUndefined()
  })

  it('never answers the peer that the packet came from, and then takes a shorter prefix', () => {
    const table = createRoutingTable()
    table.add(peer('a', ['test.a']))
    table.add(peer('rest', ['test']))
    expect(table.lookup('t', 'test.a.x', 'a')?.id).toBe('rest')
    expect(table.lookup('t', 'test.b', 'rest')).toBeUndefined()
  })

  it('takes the oldest among equals', () => {
    const table = createRoutingTable()
    table.add(peer('young', ['test.a'], { createdMs: 2 }))
    table.add(peer('old', ['test.a'], { createdMs: 1 }))
    expect(table.lookup('t', 'test.a.x')?.id).toBe('old')
    expect(table.lookup('t', 'test.a.x', 'old')?.id).toBe('young')
  })

  it('agrees with a plain search through all routes, whatever came and went', () => {
    const segment = fc.constantFrom('a', 'b', 'ab')
    const address = fc
      .array(segment, { minLength: 1, maxLength: 4 })
      .map((rest) => ['test', ...rest].join('.'))
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.uniqueArray(address, { minLength: 1, maxLength: 3 }), fc.boolean()), {
          maxLength: 8
        }),
        fc.array(address, { minLength: 1 }),
        fc.nat(8),
        (specs, destinations, except) => {
          const table = createRoutingTable()
          const all = specs.map(([routes], index) => peer(String(index), routes, { createdMs: index }))
          all.forEach((one) => table.add(one))
          specs.forEach(([, gone], index) => gone && table.remove(all[index]!))
          const left = all.filter((_one, index) => !specs[index]![1])
          for (const destination of destinations) {
            const best = left
              .filter((one) => one.id !== String(except))
              .flatMap((one) => one.routes.map((route) => ({ one, route })))
              .filter(({ route }) => isAddressPrefix(route, destination))
              .sort((x, y) => y.route.length - x.route.length || Number(x.one.id) - Number(y.one.id))[0]?.one
            expect(table.lookup('t', destination, String(except))?.id).toBe(best?.id)
          }
        }
      )
    )
  })
})
