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
