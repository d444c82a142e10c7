import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAddressPrefix } from '../../ilp/index.ts'
import type { Peer } from './model.ts'
import { createRoutingTable } from './routing-table.ts'
import { MAX_ROUTES_PER_PEER } from './validate.ts'

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

  it('agrees with a plain search through all routes of the tenant, whatever came, went and came back', () => {
    const segment = fc.constantFrom('a', 'b', 'ab', 'abcdef')
    const address = fc.array(segment, { maxLength: 4 }).map((rest) => ['test', ...rest].join('.'))
    const tenantId = fc.constantFrom('t', 'u')
    const change = fc.oneof(
      fc.record({
        kind: fc.constant('put' as const),
        id: fc.nat(6),
        tenantId,
        routes: fc.array(address, { minLength: 1, maxLength: 3 }),
        createdMs: fc.nat(3)
      }),
      fc.record({ kind: fc.constant('remove' as const), id: fc.nat(6) })
    )
    fc.assert(
      fc.property(
        fc.array(change, { maxLength: 20 }),
        fc.array(fc.tuple(tenantId, address, fc.nat(7)), { minLength: 1, maxLength: 10 }),
        (changes, questions) => {
          const table = createRoutingTable()
          const model = new Map<string, Peer>()
          for (const one of changes) {
            const id = String(one.id)
            const old = model.get(id)
            if (old !== undefined) table.remove(old)
            model.delete(id)
            if (one.kind === 'remove') continue
            const fresh = peer(id, one.routes, one)
            model.set(id, fresh)
            table.add(fresh)
          }
          for (const [tenant, destination, except] of questions) {
            const best = [...model.values()]
              .filter((one) => one.tenantId === tenant && one.id !== String(except))
              .flatMap((one) => one.routes.map((route) => ({ one, route })))
              .filter(({ route }) => isAddressPrefix(route, destination))
              .sort(
                (x, y) =>
                  y.route.length - x.route.length ||
                  x.one.createdAt.getTime() - y.one.createdAt.getTime() ||
                  (x.one.id < y.one.id ? -1 : 1)
              )[0]?.one
            expect(table.lookup(tenant, destination, String(except))?.id).toBe(best?.id)
          }
        }
      ),
      { numRuns: 300 }
    )
  })

  it('loses a peer among hundreds with as many routes as each may have', () => {
    const table = createRoutingTable()
    const routesOf = (number: number) =>
      Array.from({ length: MAX_ROUTES_PER_PEER }, (_, route) => `test.n${number}.r${route}`)
    const peers = Array.from({ length: 200 }, (_, number) => peer(String(number), routesOf(number)))
    peers.forEach((one) => table.add(one))
    const longest = peer('longest', ['test.n1.r1.longer.than.all.others'])
    table.add(longest)
    expect(table.lookup('t', 'test.n1.r1.longer.than.all.others')?.id).toBe('longest')
    table.remove(longest)
    expect(table.lookup('t', 'test.n1.r1.longer.than.all.others')?.id).toBe('1')
  })
})
