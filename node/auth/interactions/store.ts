import type { Knex } from 'knex'
import { toGrant } from '../grants/store.ts'
import type { GrantRow } from '../grants/store.ts'
import type { Grant } from '../grants/model.ts'
import { areSecretsEqual, isUuid } from '../secrets.ts'
import type { Tenant } from '../tenants/store.ts'
import type { Interaction } from './model.ts'

/** An interaction with its grant, and what of the grant's tenant asks the account holder. */
export interface InteractionContext {
  interaction: Interaction
  grant: Grant
  tenant: TenantColumns
}

/** The interaction of an id and its nonce, as they stand in a path. Those of a deleted tenant are gone. */
export async function findInteraction(
  knex: Knex,
  id: string,
  nonce: string
): Promise<InteractionContext | undefined> {
  if (!isUuid(id)) return undefined
  const [found] = await knex<GrantRow & InteractionColumns & TenantColumns>('interactions as i')
    .join('grants as g', 'g.id', 'i.grantId')
    .join('tenants as o', 'o.id', 'g.tenantId')
    .where({ 'i.id': id, 'o.deletedAt': null })
    .select('g.*', {
      interactionId: 'i.id',
      nonce: 'i.nonce',
      ref: 'i.ref',
      interactionState: 'i.state',
      clientName: 'i.clientName',
      expiresAt: 'i.expiresAt',
      interactionCreatedAt: 'i.createdAt',
      idpConsentUrl: 'o.idpConsentUrl',
      idpSecret: 'o.idpSecret'
    })
  if (!found || !areSecretsEqual(nonce, found.nonce)) return undefined
  const {
    interactionId,
    nonce: ownNonce,
    ref,
    interactionState,
    clientName,
    expiresAt,
    interactionCreatedAt,
    idpConsentUrl,
    idpSecret,
    ...row
  } = found
  return {
    interaction: {
      id: interactionId,
      grantId: row.id,
      nonce: ownNonce,
      ref,
      state: interactionState,
      clientName,
      expiresAt,
      createdAt: interactionCreatedAt
    },
    grant: toGrant(row),
    tenant: { idpConsentUrl, idpSecret }
  }
}

interface InteractionColumns extends Pick<Interaction, 'nonce' | 'ref' | 'clientName' | 'expiresAt'> {
  interactionId: string
  interactionState: Interaction['state']
  interactionCreatedAt: Date
}

type TenantColumns = Pick<Tenant, 'idpConsentUrl' | 'idpSecret'>

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
