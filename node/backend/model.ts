import type { Database } from '../runtime/index.ts'

/** An amount as the APIs show it: `value` minor units of an asset. */
export interface Amount {
  value: bigint
  assetCode: string
  assetScale: number
}

/** A transaction handed through services, so that a state change and its outbox event commit together. */
export type Transaction = Parameters<Parameters<Database['transaction']>[0]>[0]

/** The channels of docs/architecture.md. */
export const Channel = {
  ASSET_CHANGED: 'asset_changed',
  PEER_CHANGED: 'peer_changed',
  TENANT_CHANGED: 'tenant_changed',
  WALLET_ADDRESS_CHANGED: 'wallet_address_changed',
  INCOMING_PAYMENT_CHANGED: 'incoming_payment_changed',
  PARTIAL_PAYMENT_DECIDED: 'partial_payment_decided',
  OUTGOING_PAYMENT_DUE: 'outgoing_payment_due',
  WEBHOOK_DUE: 'webhook_due'
} as const
export type Channel = (typeof Channel)[keyof typeof Channel]

/** Sends a notification when the transaction commits. */
export async function notify(trx: Transaction, channel: Channel, payload: string): Promise<void> {
  await trx.raw('SELECT pg_notify(?, ?)', [channel, payload])
}

/**
 * A failure that the contract names. `code` is one of the service's registry (the error names of each noun's
 * `errors.ts`); transports map it to a GraphQL code or an HTTP status.
 */
export interface Failure<Code extends string = string> {
  failure: Code
  /** What was wrong, where, and what to do: shown to the caller. */
  message?: string
  details?: Record<string, unknown>
  /** What this node's network met, or another node answered: for the operator and the log, never for clients. */
  cause?: string
}

export function isFailure<Code extends string>(value: unknown): value is Failure<Code> {
  return typeof value === 'object' && value !== null && 'failure' in value
}

export function failure<Code extends string>(
  code: Code,
  message?: string,
  details?: Record<string, unknown>
): Failure<Code> {
  return { failure: code, ...(message !== undefined && { message }), ...(details && { details }) }
}
