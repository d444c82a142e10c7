import { verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** What a payment's events tell of its card. */
export interface CardDetails {
  requestId: string
  data: Record<string, unknown>
  initiatedAt: string
}

/**
 * Why a card payment is not made, as the card service is told; undefined when the card signed the payload (Ed25519,
 * the signature in base64).
 *
 * @param key of the customer's card; undefined: there is none
 */
export function cardFailure(
  { data: { signature, payload } }: CardDetails,
  key: KeyObject | undefined
): 'invalid_request' | 'invalid_signature' | undefined {
  if (typeof signature !== 'string' || typeof payload !== 'string') return 'invalid_request'
  const isSigned = key && verify(null, Buffer.from(payload), key, Buffer.from(signature, 'base64'))
  return isSigned ? undefined : 'invalid_signature'
}
