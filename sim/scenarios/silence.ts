import { OpenPaymentsClientError } from '@interledger/open-payments'
import { HttpClientError } from '../../node/runtime/index.ts'
import { InteractionError } from '../actors/account-holder.ts'
import { AdminApiError } from '../actors/admin-client.ts'
import { NoWayToPayError } from '../actors/payer.ts'

/** No answer came, or a node said that it cannot answer now: nothing is known, and asking again may help. */
export function isSilence(error: unknown): boolean {
  return (
    error instanceof HttpClientError ||
    (error instanceof AdminApiError && /^(HTTP_5\d\d|INTERNAL_SERVER_ERROR)$/.test(error.code))
  )
}

/** What a payer takes for an answer: a refusal, or none. Anything else is a fault of the scenario. */
export function isRefusal(error: unknown): error is Error {
  return (
    isSilence(error) ||
    error instanceof OpenPaymentsClientError ||
    error instanceof InteractionError ||
    error instanceof NoWayToPayError
  )
}

/** Undefined while the node is silent. */
export async function unlessSilent<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (isSilence(error)) return undefined
    throw error
  }
}

/** Why something was refused or failed: of the client's errors also what the node answered. */
export function reasonOf(error: unknown): string {
  if (error instanceof OpenPaymentsClientError)
    return `${error.message} (${error.status ?? 'no answer'}: ${error.description})`
  return error instanceof Error ? error.message : String(error)
}
