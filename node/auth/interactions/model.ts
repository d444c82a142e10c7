/**
 * An interaction's life: the account holder's decision about a grant. The identity provider's answer changes the
 * interaction; the grant follows when the browser comes back (finish).
 *
 * ```
 *  PENDING ──identity provider accepts──▶ APPROVED
 *     │
 *     └─────identity provider rejects──▶ DENIED
 * ```
 *
 * After `expiresAt` nothing changes any more.
 */
export type InteractionState = 'PENDING' | 'APPROVED' | 'DENIED'

export interface Interaction {
  id: string
  grantId: string
  nonce: string
  /** What the client shows for continuing its grant. */
  ref: string
  state: InteractionState
  /** The public name of the client's wallet address when it asked. */
  clientName: string
  expiresAt: Date
  createdAt: Date
}

export function isExpired(interaction: Interaction, nowMs: number): boolean {
  return interaction.expiresAt.getTime() <= nowMs
}
