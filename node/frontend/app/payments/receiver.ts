import { AdminApiError } from '../admin-api/admin-api.ts'
import type { AdminApi } from '../admin-api/admin-api.ts'
import { GET_RECEIVER } from './outgoing-payments.ts'
import type { Receiver } from './outgoing-payments.ts'

/** An incoming payment of this node, by its URL. */
export interface OwnReceiver {
  tenantId: string
  id: string
}

/** Which of the node's own incoming payments a receiver is; undefined where it is another node's. */
export function ownReceiver(receiver: string, openPaymentsUrl: string): OwnReceiver | undefined {
  if (!receiver.startsWith(`${openPaymentsUrl}/`)) return undefined
  const match = /^([^/]+)\/incoming-payments\/([^/]+)$/.exec(receiver.slice(openPaymentsUrl.length + 1))
  return match ? { tenantId: match[1]!, id: match[2]! } : undefined
}

/** What is known of a receiver now. Another node is asked only when the reader wants it: it may take long, or be down. */
export type ReceiverNews =
  { kind: 'known'; receiver: Receiver } | { kind: 'not asked' } | { kind: 'silent'; reason: string }

export async function askReceiver(api: AdminApi, receiver: string, isWanted: boolean): Promise<ReceiverNews> {
  if (!isWanted) return { kind: 'not asked' }
  try {
    const found = await api.call(GET_RECEIVER, { id: receiver })
    return found.receiver === null
      ? { kind: 'silent', reason: 'there is no such incoming payment' }
      : { kind: 'known', receiver: found.receiver }
  } catch (error) {
    if (!(error instanceof AdminApiError)) throw error
    return { kind: 'silent', reason: `${error.message} (${error.code})` }
  }
}
