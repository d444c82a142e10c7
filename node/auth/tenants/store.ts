import type { Knex } from 'knex'

export interface Tenant {
  id: string
  apiSecret: string
  idpConsentUrl: string | null
  idpSecret: string | null
  createdAt: Date
  updatedAt: Date
  deletedAt: Date | null
  /** Counts the changes that the backend told. */
  revision: number
}

/** Where the tenant's account holders decide about grants. */
export interface IdentityProvider {
  consentUrl: string
  secret: string
}

/** A tenant that is not deleted. */
export async function findTenant(knex: Knex, id: string): Promise<Tenant | undefined> {
  const [tenant] = await knex<Tenant>('tenants').where({ id }).whereNull('deletedAt').limit(1)
  return tenant
}

/** The tenant's identity provider; undefined where it cannot ask its account holders. */
export function identityProviderOf({
  idpConsentUrl,
  idpSecret
}: Pick<Tenant, 'idpConsentUrl' | 'idpSecret'>): IdentityProvider | undefined {
  if (!idpConsentUrl || !idpSecret) return undefined
  return { consentUrl: idpConsentUrl, secret: idpSecret }
}

export type NewTenant = Pick<Tenant, 'id' | 'apiSecret'> &
  Partial<Pick<Tenant, 'idpConsentUrl' | 'idpSecret' | 'revision'>>

/** Inserts a tenant, or finds it there with the same values (a repeated call). False: the id is another's. */
export async function insertTenant(knex: Knex, tenant: NewTenant, nowMs: number): Promise<boolean> {
  const { id, apiSecret, idpConsentUrl = null, idpSecret = null, revision = 0 } = tenant
  const now = new Date(nowMs)
  const row = { id, apiSecret, idpConsentUrl, idpSecret, revision, createdAt: now, updatedAt: now }
  const inserted = await knex('tenants').insert(row).onConflict('id').ignore().returning('id')
  if (inserted.length > 0) return true
  const existing = await findTenant(knex, id)
  return (
    existing !== undefined &&
    existing.apiSecret === apiSecret &&
    existing.idpConsentUrl === idpConsentUrl &&
    existing.idpSecret === idpSecret
  )
}

/**
 * Changes what is given, unless a later revision was told before: then the change is an old one that comes late.
 * False: no such tenant.
 */
export async function updateTenant(
  knex: Knex,
  id: string,
  changes: Partial<Pick<Tenant, 'apiSecret' | 'idpConsentUrl' | 'idpSecret' | 'revision'>>,
  nowMs: number
): Promise<boolean> {
  const { revision } = changes
  const updated = await knex('tenants')
    .where({ id })
    .whereNull('deletedAt')
    .modify((query) => revision !== undefined && query.where('revision', '<', revision))
    .update({ ...changes, updatedAt: new Date(nowMs) })
  return updated > 0 || (revision !== undefined && (await findTenant(knex, id)) !== undefined)
}

/** Marks a tenant as deleted. False: no such tenant. */
export async function deleteTenant(knex: Knex, id: string, deletedAt: Date, nowMs: number): Promise<boolean> {
  const updated = await knex('tenants')
    .where({ id })
    .whereNull('deletedAt')
    .update({ deletedAt, updatedAt: new Date(nowMs) })
  return updated > 0
}

/** Creates the operator's tenant, or brings it up to date with the operator's configuration. */
export async function upsertOperatorTenant(
  knex: Knex,
  {
    id,
    apiSecret,
    consentUrl,
    idpSecret
  }: { id: string; apiSecret: string; consentUrl: string; idpSecret: string },
  nowMs: number
): Promise<void> {
  const now = new Date(nowMs)
  await knex('tenants')
    .insert({ id, apiSecret, idpConsentUrl: consentUrl, idpSecret, createdAt: now, updatedAt: now })
    .onConflict('id')
    .merge({ apiSecret, idpConsentUrl: consentUrl, idpSecret, updatedAt: now, deletedAt: null })
}
