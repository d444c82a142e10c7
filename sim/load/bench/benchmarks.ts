import { connectorBenchmark } from './connector.ts'
import { ledgerBenchmark } from './ledger.ts'
import type { Benchmark } from './model.ts'
import { overviewBenchmark } from './overview.ts'
import { paymentsBenchmark } from './payments.ts'
import { senderBenchmark } from './sender.ts'

/** All benchmarks, in the order of the help. */
export const BENCHMARKS: readonly Benchmark[] = [
  connectorBenchmark,
  ledgerBenchmark,
  overviewBenchmark,
  paymentsBenchmark,
  senderBenchmark
]
