import fc from 'fast-check'
import { GraphQLError } from 'graphql'
import { describe, expect, it } from 'vitest'
import { createInFlight } from './in-flight.ts'
import type { InFlightRequest } from './in-flight.ts'

describe('createInFlight', () => {
  it('keeps requests and rows of each tenant within the limits, and refuses none that fits', () => {
    const limits = { maxRequests: 3, maxRows: 10 }
    const step = fc.record({
      tenant: fc.constantFrom('a', 'b'),
      what: fc.constantFrom('begin', 'rows', 'end'),
      which: fc.nat(2),
      rows: fc.nat(12)
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const inFlight = createInFlight(limits)
        const running: Record<string, { request: InFlightRequest; rows: number }[]> = { a: [], b: [] }
        for (const { tenant, what, which, rows } of steps) {
          const own = running[tenant]!
          const one = own[which % Math.max(own.length, 1)]
          if (what === 'begin') {
            const request = inFlight.begin(tenant)
            expect(request instanceof GraphQLError).toBe(own.length === limits.maxRequests)
            if (!(request instanceof GraphQLError)) own.push({ request, rows: 0 })
          } else if (one && what === 'end') {
            one.request.end()
            own.splice(own.indexOf(one), 1)
          } else if (one) {
            const others = own.reduce((sum, other) => (other === one ? sum : sum + other.rows), 0)
            const isRefused = one.request.takeRows(rows) !== undefined
            expect(isRefused).toBe(others > 0 && others + rows > limits.maxRows)
            if (!isRefused) one.rows = rows
          }
        }
      })
    )
  })
})
