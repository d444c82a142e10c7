import { adminError, checkPageRequest, DEFAULT_ARGUMENT_LIMITS } from '../../admin-api/index.ts'
import type { ArgumentLimits } from '../../admin-api/index.ts'
import type { PageRequest } from '../../pagination/index.ts'
import { isUuid } from '../sql.ts'
import type { AdminContext } from './context.ts'

/** The longest name, code and key id, in characters: some stand in an index. */
const MAX_NAME_LENGTH = 255

/** What is longer is refused before a resolver runs; tokens, URLs and settings have their own nouns' limits too. */
export const ARGUMENT_LIMITS: ArgumentLimits = {
  ...DEFAULT_ARGUMENT_LIMITS,
  texts: {
    code: MAX_NAME_LENGTH,
    kid: MAX_NAME_LENGTH,
    name: MAX_NAME_LENGTH,
    // The public document of a wallet address shows these to everybody: all together 64 KB at most.
    publicName: MAX_NAME_LENGTH,
    'additionalProperties.key': MAX_NAME_LENGTH,
    'additionalProperties.value': 1_000,
    // As much as a packet carries, which is for the payment to say.
    dataToTransmit: 65_536
  },
  lists: { additionalProperties: 50 }
}

/** The arguments of every list, as GraphQL hands them over. */
export interface PageArguments {
  after?: string | null
  before?: string | null
  first?: number | null
  last?: number | null
  sortOrder?: 'ASC' | 'DESC' | null
}

/** The page that a list's arguments ask for. @throws BAD_USER_INPUT for sizes that cannot be */
export function pageRequest(page: PageArguments): PageRequest {
  checkPageRequest(page)
  const { after, before, first, last, sortOrder } = page
  return {
    ...(after != null && { after }),
    ...(before != null && { before }),
    ...(first != null && { first }),
    ...(last != null && { last }),
    sortOrder: sortOrder ?? 'DESC'
  }
}

/** Whose resources one may read and change by id: every tenant's (undefined) for the operator, else one's own. */
export function scopeOf({ isOperator, tenant }: AdminContext): { tenantId?: string } {
  return isOperator ? {} : { tenantId: tenant.id }
}

/**
 * The same for lists, where the operator may name a tenant. Others always see their own.
 *
 * @throws BAD_USER_INPUT for what is no tenant's id
 */
export function listScope(context: AdminContext, tenantId: string | null | undefined): { tenantId?: string } {
  if (!context.isOperator) return { tenantId: context.tenant.id }
  if (tenantId == null) return {}
  if (!isUuid(tenantId)) throw adminError('BAD_USER_INPUT', 'Invalid Tenant ID')
  return { tenantId: tenantId.toLowerCase() }
}

/**
 * The tenant that something is created for: the named one for the operator, else oneself.
 *
 * @throws BAD_USER_INPUT when another tenant is named by who may not, or there is no such tenant
 */
export function forTenant(
  { isOperator, tenant, services }: AdminContext,
  named: string | null | undefined
): string {
  const tenantId = named?.toLowerCase()
  if (tenantId === undefined || tenantId === tenant.id) return tenant.id
  const found = isOperator ? services.tenants.get(tenantId) : undefined
  if (!found || found.deletedAt) {
    throw adminError('BAD_USER_INPUT', 'Assignment to the specified tenant is not permitted')
  }
  return tenantId
}

/** The input without members that are null or absent: services know neither. */
export function given<Input extends object>(
  input: Input
): { [Name in keyof Input]?: Exclude<Input[Name], null | undefined> } {
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value != null)) as never
}

/** A time in ISO 8601. @throws BAD_USER_INPUT */
export function parseTime(text: string, name: string): Date {
  const time = new Date(text)
  if (!/^\d{4}-\d{2}-\d{2}T/.test(text) || Number.isNaN(time.getTime())) {
    throw adminError(
      'BAD_USER_INPUT',
      `invalid ${name}: a time in ISO 8601 is needed, such as 2030-01-31T12:00:00Z`
    )
  }
  return time
}

/** Withdrawals stay open at most this long, 136 years: what a timeout of the ledger holds, 32 bits without a sign. */
export const MAX_TIMEOUT_SECONDS = 2n ** 32n - 1n

/** @throws BAD_USER_INPUT above MAX_TIMEOUT_SECONDS */
export function timeoutSeconds(seconds: bigint): number {
  if (seconds > MAX_TIMEOUT_SECONDS) {
    throw adminError('BAD_USER_INPUT', 'Invalid transfer timeout provided', {
      details: { reason: `timeoutSeconds is at most ${MAX_TIMEOUT_SECONDS}` }
    })
  }
  return Number(seconds)
}
