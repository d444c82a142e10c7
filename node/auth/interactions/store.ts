import type { Knex } from 'knex'
import { toGrant } from '../grants/store.ts'
import type { GrantRow } from '../grants/store.ts'
import type { Grant } from '../grants/model.ts'
import { areSecretsEqual, isUuid } from '../secrets.ts'
import { findTenant } from '../tenants/store.ts'
import type { Tenant } from '../tenants/store.ts'
import type { Interaction } from './model.ts'

export async function insertInteraction(trx: Knex.Transaction, interaction: Interaction): Promise<void> {
  await trx('interactions').insert({ ...interaction, updatedAt: interaction.createdAt })
}

/** An interaction with its grant and the grant's tenant. */
export interface InteractionContext {
  interaction: Interaction
  grant: Grant
  tenant: Tenant
}

/** The interaction of an id and its nonce, as they stand in a path. Those of a deleted tenant are gone. */
export async function findInteraction(
  knex: Knex,
  id: string,
  nonce: string
): Promise<InteractionContext | undefined> {
  if (!isUuid(id)) return undefined
  const [interaction] = await knex<Interaction>('interactions').where({ id }).limit(1)
  if (!interaction || !areSecretsEqual(nonce, interaction.nonce)) return undefined
  const [row] = await knex<GrantRow>('grants').where({ id: interaction.grantId }).limit(1)
  if (!row) return undefined
  const tenant = await findTenant(knex, row.tenantId)
  return tenant && { interaction, grant: toGrant(row), tenant }
}

export async function findInteractionByRef(knex: Knex, ref: string): Promise<Interaction | undefined> {
  const [interaction] = await knex<Interaction>('interactions').where({ ref }).limit(1)
  return interaction
}

/** PENDING → APPROVED or DENIED. Tells whether it was PENDING and not expired. */
export async function decideInteraction(
  knex: Knex,
  id: string,
  state: 'APPROVED' | 'DENIED',
  nowMs: number
): Promise<boolean> {
  const now = new Date(nowMs)
  const decided = await knex('interactions')
    .where({ id, state: 'PENDING' })
    .where('expiresAt', '>', now)
    .update({ state, updatedAt: now })
  return decided > 0
}
