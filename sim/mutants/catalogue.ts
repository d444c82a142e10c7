import { accessMutants } from './catalogue/access.ts'
import { connectorMutants } from './catalogue/connector.ts'
import { ledgerMutants } from './catalogue/ledger.ts'
import { paymentMutants } from './catalogue/payments.ts'
import { routingMutants } from './catalogue/routing.ts'
import { streamMutants } from './catalogue/stream.ts'
import { webhookMutants } from './catalogue/webhooks.ts'
import type { Mutant } from './model.ts'

/** All planted bugs, by the part of the node that they are in. */
export const MUTANTS: readonly Mutant[] = [
  ...connectorMutants,
  ...ledgerMutants,
  ...routingMutants,
  ...streamMutants,
  ...paymentMutants,
  ...accessMutants,
  ...webhookMutants
]
