import type Koa from 'koa'
import { z } from 'zod'
import type { TokenInfo } from '../../token-introspection/index.ts'
import { createApp, jsonRoute } from '../api.ts'
import type { ApiAnswer, ApiRequest } from '../api.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { fail } from '../errors.ts'
import type { GnapFailure } from '../errors.ts'
import { coversAccess } from '../grants/access.ts'
import { toTokenClient } from '../grants/model.ts'
import type { AccessItem } from '../grants/model.ts'
import { findTokenForIntrospection } from './store.ts'
import type { IntrospectedToken } from './store.ts'

const introspectionRequest = z.object({
  access_token: z.string().max(512),
  access: z
    .array(
      z.object({
        type: z.string(),
        actions: z.array(z.string()).max(20),
        identifier: z.string().optional(),
        limits: z.record(z.string(), z.unknown()).optional()
      })
    )
    .max(10)
    .optional()
})

/**
 * The introspection server (RFC 9767 section 3.3): `POST /` tells resource servers what a token may do. For the
 * internal network: it asks nobody who they are.
 */
export function createIntrospectionApp(dependencies: AuthDependencies): Koa {
  const { clock, database } = dependencies

  async function introspect({ body, headers }: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const parsed = introspectionRequest.safeParse(body)
    if (!parsed.success) return fail(400, 'invalid_request', z.prettifyError(parsed.error))
    const found = await findTokenForIntrospection(database.knex, parsed.data.access_token)
    const token = isOfTenant(found, headers['tenant-id']) ? found : undefined
    const requested = (parsed.data.access ?? []) as AccessItem[]
    return { status: 200, body: describeToken(token, requested, clock.nowMs()) }
  }

  return createApp(dependencies, (router) => {
    router.post('/', jsonRoute(introspect))
  })
}

/**
 * Whether a token may be shown for the resources of a tenant. A tenant's own identity provider gives consent to
 * grants, and a grant may name any wallet address: with the tenant, a token is good for that tenant's alone.
 */
function isOfTenant(token: IntrospectedToken | undefined, tenantId: string | string[] | undefined): boolean {
  return tenantId === undefined || token?.tenantId === String(tenantId).toLowerCase()
}

/** What a token is worth now: inactive where it is unknown, revoked or expired, or its grant was ended. */
function describeToken(
  token: IntrospectedToken | undefined,
  requested: readonly AccessItem[],
  nowMs: number
): TokenInfo {
  if (!token || token.revokedAt !== null || token.expiresAt.getTime() <= nowMs) return { active: false }
  if (token.finalizationReason === 'REVOKED' || token.finalizationReason === 'REJECTED')
    return { active: false }
  return {
    active: true,
    grant: token.grantId,
    access: token.access.filter((granted) => requested.some((item) => coversAccess(granted, item))),
    client: toTokenClient(token.jwk === null ? { walletAddress: token.client! } : { jwk: token.jwk })
  }
}
