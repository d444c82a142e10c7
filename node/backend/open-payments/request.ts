import type { WalletAddress } from '../wallet-addresses/model.ts'
import type { Authorization } from './authorize.ts'
import type { Refusal } from './errors.ts'

/** A request whose form is known to be right. */
export interface ResourceRequest {
  /** The first part of the path. */
  tenantId: string
  params: Record<string, string>
  query: Record<string, unknown>
  body: unknown
}

/** A request that may be answered: who asks, and about which wallet address. */
export interface AuthorizedRequest extends ResourceRequest, Authorization {
  walletAddress: WalletAddress
}

/** A request about a stored resource, which has been found already. */
export interface RequestOn<Resource> extends AuthorizedRequest {
  resource: Resource
}

export interface Answer {
  status: number
  /** Where it is not application/json. */
  contentType?: string
  body: unknown
}

export type Handler<Request> = (request: Request) => Promise<Answer | Refusal>
