import { pay, payingNetworkOf } from '../../networks/network.ts'
import { line } from '../../topology/builders.ts'
import { startVirtualNetwork } from '../../worlds/virtual/start-network.ts'
import type { VirtualWorld } from '../../worlds/virtual/index.ts'
import type { StatementCount } from './model.ts'

/** Connections, caches and prepared statements are there after so many. */
const WARM_UP_PAYMENTS = 2
/** Everything that follows a payment has happened within this time: webhooks, withdrawals, the receiver's closing. */
const REST_MS = 5_000

/**
 * Counts what full payments between two nodes ask of the database, from the first grant to the last withdrawal, one
 * payment after the other: the third party's looks at how far the payment is, and what the nodes ask for while they
 * wait, included. Runs as the virtual world's own process.
 */
export default async function countStatements(
  world: VirtualWorld,
  { payments }: { payments: number }
): Promise<StatementCount> {
  const network = await startVirtualNetwork(
    world,
    line({ nodes: { acacia: 'USD/2', baobab: 'EUR/4' }, link: 'USD/2' })
  )
  const paying = payingNetworkOf(network)

  async function payOnce(): Promise<void> {
    const { state, error } = await pay(paying, {
      from: { walletAddress: 'alice', node: 'acacia' },
      to: { walletAddress: 'bob', node: 'baobab' },
      amount: { kind: 'receive', value: 10_000n }
    })
    if (state !== 'COMPLETED') throw new Error(`a payment ended ${state}: ${error ?? 'no reason given'}`)
    await network.runtime.clock.sleep(REST_MS)
  }

  for (let made = 0; made < WARM_UP_PAYMENTS; made += 1) await payOnce()
  const counts = new Map<string, Map<string, number>>()
  world.gate!.observe((database, executed) => {
    const ofService = counts.get(database) ?? new Map<string, number>()
    counts.set(database, ofService)
    for (const sql of executed) ofService.set(sql, (ofService.get(sql) ?? 0) + 1)
  })
  const before = process.cpuUsage()
  for (let made = 0; made < payments; made += 1) await payOnce()
  const { user, system } = process.cpuUsage(before)
  return {
    cpuMsPerPayment: Math.round((user + system) / 1_000 / payments),
    statements: [...counts].flatMap(([database, ofService]) =>
      [...ofService].map(([sql, count]) => ({
        service: database.replace('_', ' '),
        sql: sql.replaceAll(/\s+/g, ' ').trim(),
        perPayment: count / payments
      }))
    )
  }
}
