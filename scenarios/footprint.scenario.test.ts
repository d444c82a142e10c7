import { readFileSync } from 'node:fs'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { audit, pay, payingNetworkOf } from '../sim/networks/network.ts'
import { planOf } from '../sim/networks/plan.ts'
import { startLocalNetwork } from '../sim/worlds/local/world.ts'
import type { LocalNetwork } from '../sim/worlds/local/world.ts'
import { isLongRun, testCount } from '../test-counts.ts'
import { topology } from './network-fixture.ts'

const PAYMENTS = testCount('footprintPayments')
const AT_ONCE = 10
const IDLE_S = 60
/** PostgreSQL's idle sessions report what they did to its statistics after ten seconds. */
const STATISTICS_DELAY_S = 12
const MAX_RESIDENT_BYTES = 250 * 2 ** 20
const CLOCK_TICKS_PER_S = 100

describe('the footprint of a node', () => {
  it(
    'stays small and level over many payments, and next to nothing at rest',
    async () => {
      const network = await startLocalNetwork(topology('pair'))
      try {
        const paying = payingNetworkOf(network)
        let made = 0
        const payUntil = async (count: number) => {
          const payer = async () => {
            while (made < count) {
              made += 1
              const outcome = await pay(paying, {
                from: { walletAddress: 'alice', node: 'acacia' },
                to: { walletAddress: 'bob', node: 'baobab' },
                amount: { kind: 'receive', value: 10_000n }
              })
              expect(outcome).toMatchObject({ state: 'COMPLETED' })
            }
          }
          await Promise.all(Array.from({ length: AT_ONCE }, payer))
        }
        await payUntil(PAYMENTS / 2)
        const half = await medianResident(network)
        await payUntil(PAYMENTS)
        const whole = await medianResident(network)
        const wallet = network.wallets.get('acacia')!
        await wallet.until(() => wallet.accounts.get('alice')!.held === 0n)
        expect((await audit(network)).problems).toEqual([])
        // A minute of nothing is too long for every run; the backend's own test counts its statements at rest.
        const idle = isLongRun ? await measureIdle(network) : undefined
        const megabytes = (bytes: number) => Math.round(bytes / 2 ** 20)
        process.stdout.write(
          `${JSON.stringify({ payments: PAYMENTS, residentMb: { half: megabytes(half), whole: megabytes(whole) }, idle })}\n`
        )
        expect(whole).toBeLessThan(MAX_RESIDENT_BYTES)
        // Fewer payments than these still fill caches and warm the compiler.
        if (isLongRun) expect(Math.abs(whole - half) / half).toBeLessThan(0.05)
        if (idle) {
          expect(idle.transactionsPerS).toBeLessThan(0.2)
          expect(idle.cpuPercent).toBeLessThan(1)
        }
      } finally {
        await network.stop()
      }
    },
    isLongRun ? 900_000 : 120_000
  )
})

/** Resident memory of the sending backend after a forced collection: the median of five samples. */
async function medianResident(network: LocalNetwork): Promise<number> {
  const samples: number[] = []
  for (let sample = 0; sample < 5; sample++) {
    samples.push((await network.service('acacia', 'backend').measure()).residentBytes)
  }
  return samples.sort((a, b) => a - b)[2]!
}

/** Processor time of the backend, and what its database was asked, while nothing happens. */
async function measureIdle(network: LocalNetwork): Promise<{ cpuPercent: number; transactionsPerS: number }> {
  const { pid } = network.service('acacia', 'backend')
  const url = new URL(planOf(network.plan.plans, 'acacia').databaseUrls.backend)
  const database = url.pathname.slice(1)
  url.pathname = '/postgres' // so that the question is not counted
  const client = new pg.Client({ connectionString: url.href })
  await client.connect()
  const transactions = async () => {
    await client.query('SELECT pg_sleep($1)', [STATISTICS_DELAY_S])
    const { rows } = await client.query<{ count: string }>(
      'SELECT xact_commit + xact_rollback AS count FROM pg_stat_database WHERE datname = $1',
      [database]
    )
    return Number(rows[0]!.count)
  }
  try {
    const countBefore = await transactions()
    const [cpuBefore, startMs] = [cpuTicks(pid), performance.now()]
    await client.query('SELECT pg_sleep($1)', [IDLE_S])
    const countAfter = await transactions()
    const elapsedS = (performance.now() - startMs) / 1_000
    const cpuS = (cpuTicks(pid) - cpuBefore) / CLOCK_TICKS_PER_S
    return {
      cpuPercent: Number(((100 * cpuS) / elapsedS).toFixed(2)),
      transactionsPerS: Number(((countAfter - countBefore) / elapsedS).toFixed(3))
    }
  } finally {
    await client.end()
  }
}

/** User and system time of a process, in ticks of the kernel's clock. */
function cpuTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return Number(fields[11]) + Number(fields[12])
}
