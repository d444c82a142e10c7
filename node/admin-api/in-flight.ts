import { GraphQLError } from 'graphql'
import type { AdminErrorCode } from './errors.ts'

export interface InFlightLimits {
  /** Requests of one tenant that run at once. */
  maxRequests: number
  /** Entries of pages that requests of one tenant which run at once may answer together. */
  maxRows: number
}

/** One tenant's requests leave most of a process to the others: of the largest ones two run at once. */
export const DEFAULT_IN_FLIGHT_LIMITS: InFlightLimits = { maxRequests: 200, maxRows: 100_000 }

/** A request that runs. */
export interface InFlightRequest {
  /** How many rows it may answer, known once it was read; tells what is wrong where that is too many beside others. */
  takeRows(rows: number): GraphQLError | undefined
  end(): void
}

export interface InFlight {
  /** A request of a tenant that begins; the error where too many run. */
  begin(tenantId: string): InFlightRequest | GraphQLError
}

/** Counts what runs, by tenant, so that one cannot take a process and its database's connections from the others. */
export function createInFlight({
  maxRequests,
  maxRows
}: InFlightLimits = DEFAULT_IN_FLIGHT_LIMITS): InFlight {
  const tenants = new Map<string, { requests: number; rows: number }>()
  return {
    begin(tenantId) {
      const running = tenants.get(tenantId) ?? { requests: 0, rows: 0 }
      if (running.requests >= maxRequests) {
        return tooMany(
          `${maxRequests} requests of this tenant run already: send it again when some have ended`
        )
      }
      tenants.set(tenantId, running)
      running.requests += 1
      let own = 0
      return {
        takeRows(rows) {
          const others = running.rows - own
          // One that runs alone may be as large as the limits of operations allow.
          if (others > 0 && others + rows > maxRows) {
            return tooMany(
              `Requests of this tenant that run already may answer ${others} rows, this one ${rows}; at most ${maxRows} are allowed at once: send it again when some have ended`
            )
          }
          running.rows = others + rows
          own = rows
          return undefined
        },
        end() {
          running.requests -= 1
          running.rows -= own
          if (running.requests === 0) tenants.delete(tenantId)
        }
      }
    }
  }
}

function tooMany(message: string): GraphQLError {
  const code: AdminErrorCode = 'TOO_MANY_REQUESTS'
  return new GraphQLError(message, { extensions: { code, http: { status: 429 } } })
}
