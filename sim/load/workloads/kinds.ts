import { WrongUse } from '../../commands/wrong-use.ts'
import type { LoadOptions } from '../options.ts'
import { readTarget } from '../target.ts'
import type { LoadTarget } from '../target.ts'
import { startAdminWorkload } from './admin.ts'
import { startConnectorWorkload } from './connector.ts'
import { startGrantsWorkload } from './grants.ts'
import type { LoadContext, Workload } from './model.ts'
import { startPaymentsWorkload } from './payments.ts'
import { startStreamWorkload } from './stream.ts'
import { startTargetConnectorWorkload } from './target-connector.ts'
import { startTargetPaymentsWorkload } from './target-payments.ts'

/** Brings up what is to be loaded. */
export function startWorkload(context: LoadContext, options: LoadOptions): Promise<Workload> {
  if (options.target !== undefined) return startTargetWorkload(context, options, readTarget(options.target))
  switch (options.kind) {
    case 'connector':
      return startConnectorWorkload(context, options)
    case 'payments':
      return startPaymentsWorkload(context, options)
    case 'stream':
      return startStreamWorkload(context, { ...options, senders: sendersOf(options) })
    case 'grants':
      return startGrantsWorkload(context, options)
    case 'admin':
      return startAdminWorkload(context, options)
  }
}

function startTargetWorkload(
  context: LoadContext,
  { kind, ...options }: LoadOptions,
  target: LoadTarget
): Promise<Workload> {
  const { connector, payments } = target
  if (kind === 'connector' && connector)
    return startTargetConnectorWorkload(context, { ...target, connector }, options)
  if (kind === 'payments' && payments) return startTargetPaymentsWorkload(context, { ...target, payments })
  throw new WrongUse(`${options.target} says nothing of "${kind}": it needs an object of that name`)
}

function sendersOf({ mode }: LoadOptions): number {
  return mode.kind === 'closed' ? Math.max(...mode.callers) : 1
}

/** Why k6 cannot make such calls; undefined where it can. */
export function hindranceOfK6({ kind, topology, transport }: LoadOptions): string | undefined {
  if (kind === 'stream') return 'has no STREAM'
  if (kind !== 'connector') return undefined
  if (transport === 'btp') return 'speaks ILP over HTTP only, not over BTP'
  return topology === 'hot-account' ? 'has no STREAM, which hot-account needs' : undefined
}
