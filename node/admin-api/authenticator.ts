import type { IncomingHttpHeaders } from 'node:http'
import type { Cache, Clock } from '../runtime/index.ts'
import { isAdminDigest, parseAdminSignature } from './signature.ts'

/** How far in the future a signature's timestamp may lie: clocks differ. */
export const MAX_ADMIN_SIGNATURE_LEAD_MS = 10_000

export interface AdminTenant {
  id: string
  apiSecret: string
  deletedAt?: Date | null | undefined
}

export type AdminAuthentication<Tenant extends AdminTenant> =
  | { ok: true; tenant: Tenant; isOperator: boolean }
  | {
      ok: false
      code:
        | 'missing_header'
        | 'malformed_header'
        | 'unknown_tenant'
        | 'wrong_version'
        | 'expired'
        | 'created_in_future'
        | 'wrong_digest'
        | 'replayed'
    }

export interface AdminAuthenticator<Tenant extends AdminTenant> {
  /** Whose request it is. Refuses, never throws, whatever the request holds. */
  authenticate(headers: IncomingHttpHeaders, body: unknown): Promise<AdminAuthentication<Tenant>>
}

export interface AdminAuthenticatorOptions<Tenant extends AdminTenant> {
  findTenant(id: string): Promise<Tenant | undefined> | Tenant | undefined
  cache: Cache
  clock: Clock
  /** `ADMIN_API_SIGNATURE_VERSION` */
  version: number
  /** `ADMIN_API_SIGNATURE_TTL_SECONDS` */
  ttlSeconds: number
  /** `OPERATOR_TENANT_ID`: its requests may act for every tenant. */
  operatorTenantId: string
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/**
 * Authenticates requests of the Admin APIs by the headers `tenant-id` and `signature`. A signature counts once
 * within its lifetime; it is remembered only after its digest was found right, so that nobody can spend the
 * signature of another. Byte-equal requests of one millisecond have one signature: they are one request.
 */
export function createAdminAuthenticator<Tenant extends AdminTenant>({
  findTenant,
  cache,
  clock,
  version,
  ttlSeconds,
  operatorTenantId
}: AdminAuthenticatorOptions<Tenant>): AdminAuthenticator<Tenant> {
  const ttlMs = ttlSeconds * 1000
  return {
    async authenticate(headers, body) {
      const tenantId = headers['tenant-id']
      const header = headers.signature
      if (typeof tenantId !== 'string' || typeof header !== 'string')
        return { ok: false, code: 'missing_header' }
      const signature = parseAdminSignature(header)
      if (!UUID.test(tenantId) || !signature) return { ok: false, code: 'malformed_header' }
      if (signature.version !== version) return { ok: false, code: 'wrong_version' }
      const nowMs = clock.nowMs()
      if (signature.timestampMs < nowMs - ttlMs) return { ok: false, code: 'expired' }
      if (signature.timestampMs > nowMs + MAX_ADMIN_SIGNATURE_LEAD_MS) {
        return { ok: false, code: 'created_in_future' }
      }
      const tenant = await findTenant(tenantId.toLowerCase())
      if (!tenant || tenant.deletedAt) return { ok: false, code: 'unknown_tenant' }
      if (!isAdminDigest(signature, tenant.apiSecret, body)) return { ok: false, code: 'wrong_digest' }
      const use = `admin-signature:${tenant.id}:${signature.version}:${signature.timestampMs}:${signature.digest}`
      if (!(await cache.setIfAbsent(use, 'used', ttlMs + MAX_ADMIN_SIGNATURE_LEAD_MS))) {
        return { ok: false, code: 'replayed' }
      }
      return { ok: true, tenant, isOperator: tenant.id === operatorTenantId.toLowerCase() }
    }
  }
}
