import type { Profiler } from 'node:inspector'
import { rounded } from '../bench/histogram.ts'
import type { StepProfile } from './model.ts'

/** A step of the work, and the frames that belong to it: by where their code is, or by the function's name. */
interface Rule {
  step: string
  url?: RegExp
  functionName?: RegExp
}

/**
 * The first rule that fits a frame names its step. A sample belongs to the innermost frame that has one: the hash that
 * the connector asks for is cryptography, the comparison it makes itself is its own.
 */
const RULES: readonly Rule[] = [
  { step: 'garbage collection', functionName: /^\(garbage collector\)$/ },
  { step: 'system calls and native code', functionName: /^\(program\)$/ },
  { step: 'cryptography', url: /^node:internal\/crypto|^node:crypto/ },
  {
    step: 'cryptography',
    functionName: /^(hash|oneShotDigest|Hash|Hmac|sign|verify|timingSafeEqual)$/,
    url: /^(node:.*)?$/
  },
  { step: 'STREAM', url: /\/node\/ilp\/stream/ },
  { step: 'ILP and BTP packets', url: /\/node\/ilp\// },
  { step: 'connector: rules and accounts', url: /\/node\/backend\/connector\// },
  { step: 'ledger', url: /\/node\/ledger\// },
  { step: 'PostgreSQL client', url: /\/node_modules\/(pg|pg-[a-z]+|knex|postgres-[a-z]+)\// },
  { step: 'peers, routes, rates', url: /\/node\/backend\/(peers|routes|routing|rates)/ },
  { step: 'payments and quotes', url: /\/node\/backend\/(payments|quotes|outgoing|incoming|receivers)/ },
  { step: 'webhooks', url: /\/node\/backend\/webhooks/ },
  {
    step: 'GraphQL',
    url: /\/node_modules\/(graphql|graphql-yoga|@graphql|@envelop|@whatwg|dataloader)|\/node\/(admin-api|backend\/admin)\//
  },
  {
    step: 'Open Payments and GNAP',
    url: /\/node\/(open-payments|auth|backend\/open-payments)|\/node_modules\/@interledger\//
  },
  { step: 'HTTP client (undici)', url: /\/node_modules\/undici\// },
  { step: 'WebSocket (ws)', url: /\/node_modules\/ws\// },
  { step: 'logging', url: /\/node_modules\/(pino|sonic-boom|@pinojs)|\/node\/runtime\/log/ },
  { step: 'HTTP, sockets and timers of Node.js', url: /^node:/ },
  { step: 'runtime of the node (clock, wire, database doors)', url: /\/node\/runtime\// },
  { step: 'rest of the node', url: /\/node\// },
  { step: 'libraries', url: /\/node_modules\// }
]
const UNPLACED = 'system calls and native code'
const IDLE = /^\(idle\)$|^\(root\)$/

/** Where the processor time of a profile went, by step, per call. Idle time is left out. */
export function profileByStep(
  process: string,
  { nodes, samples, timeDeltas }: Profiler.Profile,
  calls: number
): StepProfile {
  const parents = new Map<number, number>()
  const byId = new Map(nodes.map((node) => [node.id, node]))
  for (const { id, children } of nodes) for (const child of children ?? []) parents.set(child, id)
  const steps = new Map<number, string | undefined>()
  const stepOf = (id: number): string | undefined => {
    if (steps.has(id)) return steps.get(id)
    const { callFrame } = byId.get(id)!
    const parent = parents.get(id)
    const own = IDLE.test(callFrame.functionName) ? undefined : placeOf(callFrame)
    const step = IDLE.test(callFrame.functionName)
      ? undefined
      : (own ?? (parent === undefined ? UNPLACED : (stepOf(parent) ?? UNPLACED)))
    steps.set(id, step)
    return step
  }
  const microseconds = new Map<string, number>()
  for (const [index, id] of (samples ?? []).entries()) {
    const step = stepOf(id)
    if (step === undefined) continue
    microseconds.set(step, (microseconds.get(step) ?? 0) + (timeDeltas?.[index] ?? 0))
  }
  const total = [...microseconds.values()].reduce((sum, each) => sum + each, 0)
  return {
    process,
    calls,
    steps: [...microseconds]
      .map(([step, us]) => ({
        step,
        microseconds: rounded(us / Math.max(1, calls)),
        share: rounded(us / Math.max(1, total))
      }))
      .sort((a, b) => b.microseconds - a.microseconds)
  }
}

function placeOf({ functionName, url }: { functionName: string; url: string }): string | undefined {
  return RULES.find(
    (rule) => (rule.url?.test(url) ?? true) && (rule.functionName?.test(functionName) ?? true)
  )?.step
}
