import path from 'node:path'
import { runInVirtualWorld } from '../../worlds/virtual/index.ts'

/**
 * SQL statements that a full payment may cost, over both nodes and all of their services. Each is a round trip, a
 * wake-up of two processes and, where it writes, a commit: what a payment costs is mostly these.
 */
export const MAX_STATEMENTS_PER_PAYMENT = 90

export interface StatementCount {
  cpuMsPerPayment: number
  statements: CountedStatement[]
}

export interface CountedStatement {
  /** Node and service, as `acacia backend`. */
  service: string
  sql: string
  perPayment: number
}

const ENTRY = path.join(import.meta.dirname, 'virtual-entry.ts')

/** Counts in a virtual world of its own: equal seeds, equal counts. */
export async function countPaymentStatements(payments: number, seed = '1'): Promise<StatementCount> {
  const { result } = await runInVirtualWorld<StatementCount>(ENTRY, { payments }, { seed })
  return result
}

export function totalOf(statements: readonly CountedStatement[]): number {
  return statements.reduce((sum, { perPayment }) => sum + perPayment, 0)
}

/** By service, the most frequent first. */
export function describeStatements(statements: readonly CountedStatement[], width = 150): string[] {
  const services = [...new Set(statements.map(({ service }) => service))].toSorted()
  return services.flatMap((service) => {
    const own = statements.filter((one) => one.service === service)
    return [
      `${totalOf(own).toFixed(1).padStart(6)}  ${service}`,
      ...own
        .toSorted((one, other) => other.perPayment - one.perPayment || (one.sql < other.sql ? -1 : 1))
        .map(({ sql, perPayment }) => `${perPayment.toFixed(1).padStart(6)}    ${sql.slice(0, width)}`)
    ]
  })
}
