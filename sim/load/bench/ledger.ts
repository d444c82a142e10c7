import { createLedgerWriter } from '../../../node/ledger/index.ts'
import type { AuditableLedger } from '../../../node/ledger/index.ts'
import { wholeNumber } from './command.ts'
import { byTurns, closedLoop, perSecond } from './drivers.ts'
import type { Measurement, Phase } from './drivers.ts'
import { rounded } from './histogram.ts'
import { auditLedger, createFundedAccounts, expectAll, openPostgresStore, twoPhase } from './ledger-store.ts'
import type { Tally } from './ledger-store.ts'
import type { Benchmark, BenchmarkContext, BenchmarkResult } from './model.ts'

/**
 * Durable two-phase transfers per second: concurrent callers, each reserving and then posting, through the
 * group-commit writer. The limit for comparison is single-row: one connection, one commit that reserves, then one
 * commit that posts. Both by turns on the same server and the same books.
 */
export const ledgerBenchmark: Benchmark = {
  name: 'ledger',
  title: 'durable two-phase transfers per second, beside single-row commits',
  options: {
    callers: { type: 'string', value: 'N', default: '256', help: 'concurrent callers' },
    accounts: { type: 'string', value: 'N', default: '100', help: 'accounts that transfers move between' }
  },
  run: runLedgerBenchmark
}

/** Both sides run this long before anything counts. */
const WARM_UP_MS = 1_000
/** Part of the time that single-row gets: its rate is steady. */
const SINGLE_ROW_WEIGHT = 0.5

async function runLedgerBenchmark(context: BenchmarkContext): Promise<BenchmarkResult> {
  const callers = wholeNumber('--callers', context.options.callers as string, 10_000)
  const accountCount = wholeNumber('--accounts', context.options.accounts as string, 8_000)
  const store = await openPostgresStore(context)
  const { orderedId } = context.runtime.random
  const accounts = await createFundedAccounts(store.ledger, Math.max(2, accountCount), orderedId)

  const tally: Tally = { posted: 0n }
  const grouped = groupedPhase(context, store.ledger, { accounts, callers, tally })
  const single = singleRowPhase(context, store.singleConnection, { accounts, tally })
  context.step('warm-up', `${WARM_UP_MS / 1_000} s each`)
  await grouped(WARM_UP_MS)
  await single(WARM_UP_MS)

  const ratios: number[] = []
  let last: Measurement | undefined
  const measured = await byTurns(
    { grouped, single },
    {
      seconds: context.seconds,
      weights: { single: SINGLE_ROW_WEIGHT },
      signal: context.signal,
      onTurn(name, turn, round, rounds) {
        context.progress(`turn ${round} of ${rounds}: ${name} ${Math.round(perSecond(turn))}/s`)
        if (name === 'grouped') last = turn
        else if (last) ratios.push(rounded(perSecond(last) / perSecond(turn)))
      }
    }
  )
  for (const [name, each] of Object.entries(measured)) {
    context.step(name, `${Math.round(perSecond(each))} two-phase transfers/s`)
    if (each.failed > 0) {
      throw new Error(`${each.failed} ${name} calls failed, the first with: ${String(each.firstFailure)}`)
    }
  }
  const audit = await auditLedger(store.ledger, tally, accounts.length)
  const ours = perSecond(measured.grouped)
  const limit = perSecond(measured.single)
  return {
    perSecond: ours,
    limitPerSecond: limit,
    ratio: rounded(ours / limit),
    p50Ms: measured.grouped.latencies.percentileMs(50),
    p99Ms: measured.grouped.latencies.percentileMs(99),
    audit,
    ledger: 'postgres',
    callers,
    accounts: accounts.length,
    seconds: context.seconds,
    transfers: measured.grouped.completed,
    ratioOfTurns: { least: Math.min(...ratios), most: Math.max(...ratios) },
    singleRowP50Ms: measured.single.latencies.percentileMs(50),
    durability: store.durability
  }
}

/** Callers that await their own reservation and then its posting, all over one group-commit writer. */
export function groupedPhase(
  { runtime: { clock, logger, random }, signal }: BenchmarkContext,
  ledger: AuditableLedger,
  { accounts, callers, tally }: { accounts: readonly bigint[]; callers: number; tally: Tally }
): Phase {
  let n = 0
  return async (durationMs) => {
    const writer = createLedgerWriter({ ledger, clock, logger })
    const measured = await closedLoop({
      clock,
      durationMs,
      signal,
      callers,
      async call() {
        const { reserve, post } = twoPhase(accounts, n++, random.orderedId)
        expectAll(await writer.submit([reserve]), 'a reservation')
        expectAll(await writer.submit([post()]), 'a posting')
        tally.posted += reserve.amount
      }
    })
    await writer.close()
    return measured
  }
}

/** One caller on one connection: a commit that reserves, then a commit that posts. */
export function singleRowPhase(
  { runtime: { clock, random }, signal }: BenchmarkContext,
  ledger: AuditableLedger,
  { accounts, tally }: { accounts: readonly bigint[]; tally: Tally }
): Phase {
  let n = 0
  return (durationMs) =>
    closedLoop({
      clock,
      durationMs,
      signal,
      callers: 1,
      async call() {
        const { reserve, post } = twoPhase(accounts, n++, random.orderedId)
        expectAll(await ledger.createTransfers([reserve]), 'a reservation')
        expectAll(await ledger.createTransfers([post()]), 'a posting')
        tally.posted += reserve.amount
      }
    })
}
