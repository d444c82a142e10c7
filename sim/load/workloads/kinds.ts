import type { LoadOptions } from '../options.ts'
import { startConnectorWorkload } from './connector.ts'
import type { LoadContext, Workload } from './model.ts'
import { startPaymentsWorkload } from './payments.ts'

/** Brings up what is to be loaded. */
export function startWorkload(context: LoadContext, options: LoadOptions): Promise<Workload> {
  switch (options.kind) {
    case 'connector':
      return startConnectorWorkload(context, options)
    case 'payments':
      return startPaymentsWorkload(context, options)
  }
}

/** Why k6 cannot make such calls; undefined where it can. */
export function hindranceOfK6({ kind, topology, transport }: LoadOptions): string | undefined {
  if (kind !== 'connector') return undefined
  if (transport === 'btp') return 'speaks ILP over HTTP only, not over BTP'
  return topology === 'hot-account' ? 'has no STREAM, which hot-account needs' : undefined
}
