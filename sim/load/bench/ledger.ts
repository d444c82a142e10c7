import { statfsSync } from 'node:fs'
import os from 'node:os'
import { createLedgerWriter, createPostgresLedger } from '../../../node/ledger/index.ts'
import { wholeNumber } from './command.ts'
import { byTurns, closedLoop, perSecond } from './drivers.ts'
import type { Measurement, Phase } from './drivers.ts'
import { rounded } from './histogram.ts'
import { BYTES_PER_TRANSFER, fillHistory } from './ledger-history.ts'
import { auditBooks, expectAll, openBooks, twoPhase } from './ledger-books.ts'
import type { Books } from './ledger-books.ts'
import { openPostgresStore, openTigerBeetleStore } from './ledger-store.ts'
import type { LedgerStore } from './ledger-store.ts'
import { OVERHEAD_LIMIT_S, WrongUseError } from './model.ts'
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
    accounts: { type: 'string', value: 'N', default: '100', help: 'accounts that transfers move between' },
    ledger: {
      type: 'string',
      value: 'NAME',
      default: 'postgres',
      help: 'postgres, or tigerbeetle where there is one'
    },
    history: {
      type: 'string',
      value: 'N',
      help: 'fill a second ledger with N transfers first, and measure that beside the empty one'
    }
  },
  limitS: ({ seconds, options }) =>
    seconds + OVERHEAD_LIMIT_S + Math.ceil(askedHistory(options) / SLOWEST_FILL_PER_SECOND),
  run: runLedgerBenchmark
}

/** Both sides run this long before anything counts. */
const WARM_UP_MS = 1_000
/** Short turns: a slow moment of the machine then hits all phases alike. */
const TURN_MS = 500
/** Part of the time that single-row gets: its rate is steady. */
const SINGLE_ROW_WEIGHT = 0.5

async function runLedgerBenchmark(context: BenchmarkContext): Promise<BenchmarkResult> {
  const {
    options,
    signal,
    runtime: { random }
  } = context
  const callers = wholeNumber('--callers', options.callers as string, 10_000)
  const accountCount = Math.max(2, wholeNumber('--accounts', options.accounts as string, 8_000))
  const historyTransfers = askedHistory(options)
  const kind = options.ledger as string
  if (!['postgres', 'tigerbeetle'].includes(kind)) {
    throw new WrongUseError(`--ledger is "${kind}"; there are postgres and tigerbeetle`)
  }
  if (historyTransfers > 0) {
    if (kind !== 'postgres') throw new WrongUseError('--history fills the tables of PostgreSQL only')
    requireDiskFor(historyTransfers)
  }

  const store = await (kind === 'postgres' ? openPostgresStore(context) : openTigerBeetleStore(context))
  const empty = await openBooks(store.ledger, accountCount, random.orderedId)
  const filled =
    historyTransfers > 0 && store.openSibling
      ? await openFilledBooks(context, store.openSibling, accountCount, historyTransfers)
      : undefined
  const all = filled ? [empty, filled] : [empty]

  const phases: Record<string, Phase> = {
    grouped: groupedPhase(context, empty, callers),
    ...(filled && { history: groupedPhase(context, filled, callers) }),
    single: singleRowPhase(context, { ...empty, ledger: store.singleConnection })
  }
  context.step('warm-up', `${WARM_UP_MS / 1_000} s each`)
  for (const phase of Object.values(phases)) await phase(WARM_UP_MS)

  const turns: Record<string, number[]> = {}
  const cpu = createCpuTimes(store)
  const measured = await byTurns(cpu.around(phases), {
    seconds: context.seconds,
    turnMs: TURN_MS,
    weights: { single: SINGLE_ROW_WEIGHT },
    signal,
    onTurn(name, turn, round, rounds) {
      context.progress(`turn ${round} of ${rounds}: ${name} ${Math.round(perSecond(turn))}/s`)
      ;(turns[name] ??= []).push(perSecond(turn))
    }
  })
  for (const [name, each] of Object.entries(measured)) {
    context.step(name, `${Math.round(perSecond(each))} two-phase transfers/s`)
    if (each.failed > 0) {
      throw new Error(`${each.failed} ${name} calls failed, the first with: ${String(each.firstFailure)}`)
    }
  }
  const problems = (await Promise.all(all.map(auditBooks))).flat()
  const { grouped, single, history } = measured
  return {
    perSecond: perSecond(grouped!),
    limitPerSecond: perSecond(single!),
    ratio: rounded(perSecond(grouped!) / perSecond(single!)),
    p50Ms: grouped!.latencies.percentileMs(50),
    p99Ms: grouped!.latencies.percentileMs(99),
    audit: problems.length === 0 ? { ok: true } : { ok: false, problems },
    ledger: kind,
    callers,
    accounts: accountCount,
    seconds: context.seconds,
    transfers: grouped!.completed,
    ratioOfTurns: spread(turns.grouped!, turns.single!),
    cpuUsPerTransfer: cpu.perTransfer('grouped', grouped!),
    singleRowP50Ms: single!.latencies.percentileMs(50),
    ...(history && {
      history: {
        transfers: historyTransfers,
        perSecond: perSecond(history),
        ratioToEmpty: rounded(perSecond(history) / perSecond(grouped!)),
        ratioOfTurns: spread(turns.history!, turns.grouped!),
        cpuUsPerTransfer: cpu.perTransfer('history', history),
        p99Ms: history.latencies.percentileMs(99)
      }
    }),
    durability: store.durability
  }
}

/** Processor time of this process and of the server, phase by phase: what a rate leaves open on a busy machine. */
function createCpuTimes(store: LedgerStore) {
  const times: Record<string, { benchMs: number; serverMs: number }> = {}
  const measure = (phase: Phase, name: string): Phase => {
    const time = (times[name] = { benchMs: 0, serverMs: 0 })
    return async (durationMs) => {
      const serverBeforeMs = store.cpuMs()
      const before = process.cpuUsage()
      const measured = await phase(durationMs)
      const { user, system } = process.cpuUsage(before)
      time.benchMs += (user + system) / 1_000
      time.serverMs += (store.cpuMs() ?? Number.NaN) - (serverBeforeMs ?? Number.NaN)
      return measured
    }
  }
  return {
    around: (phases: Readonly<Record<string, Phase>>) =>
      Object.fromEntries(Object.entries(phases).map(([name, phase]) => [name, measure(phase, name)])),
    /** Microseconds; null (in JSON) for a server whose time cannot be known. */
    perTransfer(name: string, { completed }: Measurement): { bench: number; server: number } {
      const { benchMs, serverMs } = times[name]!
      return {
        bench: rounded((benchMs * 1_000) / completed),
        server: rounded((serverMs * 1_000) / completed)
      }
    }
  }
}

/** How the turns of one phase compare with those of another, turn by turn. */
function spread(
  ours: readonly number[],
  theirs: readonly number[]
): { least: number; median: number; most: number } {
  const ratios = ours.map((rate, turn) => rounded(rate / theirs[turn]!))
  ratios.sort((a, b) => a - b)
  return { least: ratios[0]!, median: ratios[ratios.length >> 1]!, most: ratios.at(-1)! }
}

const MAX_HISTORY = 200_000_000
/** Slowest filling that a run still waits for, on top of its other limits. */
const SLOWEST_FILL_PER_SECOND = 8_000

function askedHistory(options: BenchmarkContext['options']): number {
  return options.history === undefined ? 0 : wholeNumber('--history', options.history as string, MAX_HISTORY)
}

function requireDiskFor(transfers: number): void {
  const { bavail, bsize } = statfsSync(os.tmpdir())
  const needed = transfers * BYTES_PER_TRANSFER
  if (bavail * bsize >= needed) return
  const gigabytes = (bytes: number) => (bytes / 2 ** 30).toFixed(1)
  throw new WrongUseError(
    `${os.tmpdir()} has ${gigabytes(bavail * bsize)} GB left and a history of ${transfers} transfers needs ` +
      `${gigabytes(needed)} GB; free some space there, or set TMPDIR to a directory that has it`
  )
}

async function openFilledBooks(
  { runtime: { clock, random }, signal, step, progress }: BenchmarkContext,
  openSibling: NonNullable<LedgerStore['openSibling']>,
  accountCount: number,
  transfers: number
): Promise<Books> {
  const database = await openSibling('history')
  const books = await openBooks(createPostgresLedger({ database, clock }), accountCount, random.orderedId)
  const { accounts, tally } = books
  const startMs = clock.monotonicMs()
  const history = await fillHistory({ database, accounts, transfers, signal, onProgress: progress })
  tally.posted += history.posted
  const seconds = Math.round((clock.monotonicMs() - startMs) / 1_000)
  step('history', `${history.transfers.toLocaleString('en')} transfers written in ${seconds} s`)
  return books
}

/** Callers that await their own reservation and then its posting, all over one group-commit writer. */
function groupedPhase(
  { runtime: { clock, logger, random }, signal }: BenchmarkContext,
  { ledger, accounts, tally }: Books,
  callers: number
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
function singleRowPhase(
  { runtime: { clock, random }, signal }: BenchmarkContext,
  { ledger, accounts, tally }: Books
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
