import type { Jwk } from '../../http-signatures/index.ts'
import type { AccessItem, TokenInfoClient } from '../../token-introspection/index.ts'

export type { AccessItem } from '../../token-introspection/index.ts'

/**
 * A grant's life. Every change is one UPDATE that names the state it starts from.
 *
 * ```
 *  interactive request ──▶ PENDING ──finish, accepted──▶ APPROVED ──continue──▶ FINALIZED/ISSUED
 *                             │                             │                        │
 *                             ├──finish, denied──▶ FINALIZED/REJECTED                │
 *                             └──cancel, revoke─────────────┴────────────────▶ FINALIZED/REVOKED
 *
 *  request without interaction ──▶ APPROVED (its token was issued with the answer)
 * ```
 *
 * PROCESSING is a state of the contract that no request passes through.
 */
export type GrantState = 'PROCESSING' | 'PENDING' | 'APPROVED' | 'FINALIZED'
export type GrantFinalization = 'ISSUED' | 'REVOKED' | 'REJECTED'

/** Who asks: a wallet address, whose key set proves it, or a key itself (directed identity). */
export type GrantClient = { walletAddress: string } | { jwk: Jwk }

export interface Grant {
  id: string
  tenantId: string
  state: GrantState
  finalizationReason: GrantFinalization | null
  client: GrantClient
  continueId: string
  continueToken: string
  /** Where the browser goes after the interaction, and the client's nonce for the hash. */
  finish: { uri: string; nonce: string } | undefined
  lastContinuedAt: Date
  createdAt: Date
}

export interface Subject {
  id: string
  format: string
}

/** The client as resource servers are told (token introspection). */
export function toTokenClient(client: GrantClient): TokenInfoClient {
  return 'jwk' in client ? { jwk: client.jwk } : { walletAddress: client.walletAddress }
}

export function isRevoked(grant: Pick<Grant, 'finalizationReason'>): boolean {
  return grant.finalizationReason === 'REVOKED'
}

export function isRejected(grant: Pick<Grant, 'finalizationReason'>): boolean {
  return grant.finalizationReason === 'REJECTED'
}

/** A grant with what it is about. */
export interface GrantDetails {
  grant: Grant
  access: AccessItem[]
  subjects: Subject[]
}
