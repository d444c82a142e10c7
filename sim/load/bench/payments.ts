import { SERVICES } from '../../networks/raise.ts'
import { startLocalNetwork } from '../../worlds/local/world.ts'
import type { LocalNetwork } from '../../worlds/local/world.ts'
import {
  countCredits,
  PAYER_NODE,
  RECEIVER_NODE,
  reconcilePayments,
  richPair,
  termsOf
} from '../workloads/payments-network.ts'
import type { Credits } from '../workloads/payments-network.ts'
import { wholeNumber } from './command.ts'
import { byTurns, closedLoop, perSecond } from './drivers.ts'
import type { Phase } from './drivers.ts'
import { rounded } from './histogram.ts'
import { describe, readDurability } from './ledger-store.ts'
import type { Benchmark, BenchmarkContext, BenchmarkResult } from './model.ts'
import { startBarePayments } from './payments-bare.ts'
import { NEEDS } from './payments-needs.ts'
import { createWalletPayments } from './payments-wallet.ts'
import type { WalletPayments } from './payments-wallet.ts'

/**
 * End-to-end payments per second over a network as `npm start` brings it up: two nodes of two services each, their
 * wallets, one PostgreSQL, default settings and logging. Concurrent callers, each making one payment after the
 * other; the same one at a time for the time that one alone takes; and as the limit for comparison the HTTP round
 * trips and commits that a payment needs, made bare. All by turns.
 */
export const paymentsBenchmark: Benchmark = {
  name: 'payments',
  title: 'end-to-end payments between two nodes per second, beside their round trips and commits bare',
  options: {
    callers: { type: 'string', value: 'N', default: '16', help: 'payments under way at once' }
  },
  run: runPaymentsBenchmark
}

/**
 * Everything runs this long before anything counts: code is compiled, connections are there, and on each of them
 * PostgreSQL has run each statement often enough to keep its plan (seven times).
 */
const WARM_UP_MS = 8_000
const WEIGHTS = { payments: 1, alone: 0.5, bare: 0.5 }

async function runPaymentsBenchmark(context: BenchmarkContext): Promise<BenchmarkResult> {
  const callers = wholeNumber('--callers', context.options.callers as string, 1_000)
  const { signal } = context
  const network = await startLocalNetwork(richPair(), context.step)
  context.defer(() => network.stop())
  const durability = await readNetworkDurability(context, network)
  const tally = countCredits(network.wallets.get(RECEIVER_NODE)!)
  const payments = createWalletPayments(network.wallets.get(PAYER_NODE)!, termsOf(network))

  const phases: Record<keyof typeof WEIGHTS, Phase> = {
    payments: paymentPhase(context, payments, callers),
    alone: paymentPhase(context, payments, 1),
    bare: await startBarePayments(context, databaseUrl(network), callers)
  }
  context.step('warm-up', `${WARM_UP_MS / 1_000} s of payments, and of the limit`)
  await phases.payments(WARM_UP_MS)
  await phases.bare(WARM_UP_MS / 3)

  const before = await processorTimes(network)
  const paidBefore = payments.completed().size
  const broken = network.failure.then((how) => {
    throw new Error(how)
  })
  const measuring = byTurns(phases, {
    seconds: context.seconds,
    weights: WEIGHTS,
    signal,
    onTurn: (name, turn, round, rounds) =>
      context.progress(`turn ${round} of ${rounds}: ${name} ${Math.round(perSecond(turn))}/s`)
  })
  const measured = await Promise.race([measuring, broken])
  for (const [name, { failed, firstFailure }] of Object.entries(measured)) {
    if (failed > 0) throw new Error(`${failed} ${name} failed, the first with: ${String(firstFailure)}`)
  }
  const { payments: loaded, alone, bare } = measured
  const paid = payments.completed().size - paidBefore
  const after = await processorTimes(network)
  context.step('payments', `${perSecond(loaded)}/s with ${callers} at once`)
  context.step('alone', `${alone.latencies.percentileMs(50)} ms (median)`)
  context.step('bare', `${perSecond(bare)}/s`)

  const problems = await auditPayments(context, network, payments, tally)
  return {
    perSecond: perSecond(loaded),
    limitPerSecond: perSecond(bare),
    ratio: rounded(perSecond(loaded) / perSecond(bare)),
    p50Ms: loaded.latencies.percentileMs(50),
    p99Ms: loaded.latencies.percentileMs(99),
    audit: problems.length === 0 ? { ok: true } : { ok: false, problems },
    aloneP50Ms: alone.latencies.percentileMs(50),
    aloneP99Ms: alone.latencies.percentileMs(99),
    callers,
    seconds: context.seconds,
    completed: payments.completed().size,
    needs: {
      roundTrips: NEEDS.reduce((sum, { roundTrips }) => sum + roundTrips, 0),
      commits: NEEDS.reduce((sum, { commits }) => sum + commits, 0)
    },
    cpuMsPerPayment: Object.fromEntries(
      Object.entries(after).map(([name, cpuMs]) => [name, rounded((cpuMs - before[name]!) / paid)])
    ),
    durability
  }
}

function databaseUrl(network: LocalNetwork): string {
  return network.plan.plans.find(({ node }) => node.name === PAYER_NODE)!.databaseUrls.backend
}

async function readNetworkDurability(
  context: BenchmarkContext,
  network: LocalNetwork
): Promise<Record<string, string>> {
  const database = context.runtime.openDatabase({ url: databaseUrl(network), maxConnections: 1 })
  try {
    const durability = await readDurability(database)
    context.step('durable', describe(durability))
    return durability
  } finally {
    await database.close()
  }
}

function paymentPhase(
  { runtime: { clock }, signal }: BenchmarkContext,
  payments: WalletPayments,
  callers: number
): Phase {
  return (durationMs) => closedLoop({ clock, durationMs, signal, callers, call: () => payments.pay() })
}

/** Every payment COMPLETED and credited by the receiver's wallet, and books that add up. */
async function auditPayments(
  { runtime, step }: BenchmarkContext,
  network: LocalNetwork,
  payments: WalletPayments,
  credits: Credits
): Promise<string[]> {
  const { problems } = await reconcilePayments(runtime, network, {
    completed: payments.completed().size,
    others: {},
    credits
  })
  step(
    'audit',
    problems.length === 0
      ? `${payments.completed().size} payments COMPLETED and credited, books clean`
      : problems.join('; ')
  )
  return problems
}

/** Milliseconds of a processor that each service used so far. */
async function processorTimes(network: LocalNetwork): Promise<Record<string, number>> {
  const times: Record<string, number> = {}
  for (const { node } of network.plan.plans) {
    for (const service of SERVICES) {
      const { cpuMs } = await network.service(node.name, service).measure()
      times[`${node.name} ${service}`] = cpuMs
    }
  }
  return times
}
