import type Koa from 'koa'
import { createApp, jsonRoute } from '../api.ts'
import type { ApiAnswer, ApiRequest } from '../api.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { fail, isFailure } from '../errors.ts'
import type { GnapErrorCode, GnapFailure } from '../errors.ts'
import { isRejected, isRevoked } from '../grants/model.ts'
import { findDetails } from '../grants/store.ts'
import { areSecretsEqual } from '../secrets.ts'
import { decideInteraction, findInteraction } from './store.ts'
import type { InteractionContext } from './store.ts'

/**
 * The interaction server: the back channel on which an identity provider reads what a grant asks for, and tells
 * what the account holder decided. It authenticates with its tenant's secret in the header `x-idp-secret`.
 */
export function createIdentityProviderApp(dependencies: AuthDependencies): Koa {
  const { clock, database } = dependencies
  const { knex } = database

  async function findOwn(
    { params, headers }: ApiRequest,
    codeOfWrongSecret: GnapErrorCode
  ): Promise<InteractionContext | GnapFailure> {
    const found = await findInteraction(knex, params.id ?? '', params.nonce ?? '')
    if (!found) return fail(404, 'unknown_interaction', 'unknown interaction')
    const secret = headers['x-idp-secret']
    const { idpSecret } = found.tenant
    if (typeof secret !== 'string' || !idpSecret || !areSecretsEqual(secret, idpSecret)) {
      return fail(401, codeOfWrongSecret, 'invalid x-idp-secret')
    }
    return found
  }

  /** `GET /grant/:id/:nonce`: what the account holder is asked for. */
  async function describe(request: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const found = await findOwn(request, 'invalid_request')
    if (isFailure(found)) return found
    const { grant, interaction } = found
    if (isRevoked(grant)) return fail(404, 'unknown_interaction', 'unknown interaction')
    const { access, subjects } = await findDetails(knex, grant.id)
    return {
      status: 200,
      body: {
        grantId: grant.id,
        access,
        ...(subjects.length > 0 && { subject: { sub_ids: subjects } }),
        state: interaction.state
      }
    }
  }

  /** `POST /grant/:id/:nonce/:choice`: what the account holder decided. */
  async function decide(request: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const found = await findOwn(request, 'invalid_interaction')
    if (isFailure(found)) return found
    const { grant, interaction } = found
    if (isRevoked(grant) || isRejected(grant)) return fail(401, 'user_denied', 'user denied interaction')
    const state = CHOICES.get(request.params.choice ?? '')
    if (state === undefined) return fail(400, 'invalid_request', 'the choice must be accept or reject')
    const decided = await decideInteraction(knex, interaction.id, state, clock.nowMs())
    return decided ? { status: 202 } : fail(400, 'invalid_interaction', 'invalid interaction')
  }

  return createApp(dependencies, (router) => {
    router.get('/grant/:id/:nonce', jsonRoute(describe))
    router.post('/grant/:id/:nonce/:choice', jsonRoute(decide))
  })
}

const CHOICES = new Map([
  ['accept', 'APPROVED'],
  ['reject', 'DENIED']
] as const) as ReadonlyMap<string, 'APPROVED' | 'DENIED'>
