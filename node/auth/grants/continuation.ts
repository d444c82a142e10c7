import type { ApiAnswer, ApiRequest } from '../api.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { fail, isFailure } from '../errors.ts'
import type { GnapFailure } from '../errors.ts'
import { findInteractionByRef } from '../interactions/store.ts'
import { areSecretsEqual, isUuid, readGnapToken } from '../secrets.ts'
import { insertToken } from '../tokens/store.ts'
import { accessTokenBody, continueBody } from './bodies.ts'
import type { ClientAuthenticator } from './client.ts'
import { isRejected, isRevoked } from './model.ts'
import type { Grant } from './model.ts'
import { findAccess, findContinuedGrant, findSubjects, markIssued, markPolled, revokeGrant } from './store.ts'

/** The handlers of `/continue/:id` (RFC 9635 section 5). */
export function createContinuationHandlers(dependencies: AuthDependencies, clients: ClientAuthenticator) {
  const { config, database, clock, random } = dependencies
  const { knex } = database
  const waitMs = config.WAIT_SECONDS * 1000

  /** The grant that a request continues: its continuation token and its client's signature must hold. */
  async function findContinued(request: ApiRequest, token: string): Promise<Grant | GnapFailure> {
    const { id } = request.params
    const grant = isUuid(id) ? await findContinuedGrant(knex, id) : undefined
    if (!grant || !areSecretsEqual(token, grant.continueToken) || isRevoked(grant)) {
      return fail(401, 'invalid_continuation', 'invalid grant')
    }
    return (await clients.authenticate(request, grant.client)) ?? grant
  }

  const isTooFast = (grant: Grant): boolean => grant.lastContinuedAt.getTime() + waitMs > clock.nowMs()

  /**
   * `POST /continue/:id`: with an interaction reference after the interaction (section 5.1), without a body while
   * it lasts (section 5.2).
   */
  async function continueGrant(request: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const token = readGnapToken(request.headers.authorization)
    if (token === undefined) return fail(401, 'invalid_continuation', 'missing continuation information')
    const grant = await findContinued(request, token)
    if (isFailure(grant)) return grant
    if (request.body === undefined) return poll(grant)
    const interactRef = (request.body as { interact_ref?: string }).interact_ref
    if (!interactRef) return fail(401, 'invalid_request', 'missing interaction reference')
    return continueAfterInteraction(grant, interactRef)
  }

  async function poll(grant: Grant): Promise<ApiAnswer | GnapFailure> {
    const tooFast = fail(400, 'too_fast', 'polled grant faster than "wait" period')
    if (isTooFast(grant)) return tooFast
    if (grant.finish) return fail(401, 'request_denied', 'grant cannot be polled')
    if (grant.state === 'PENDING' || grant.state === 'PROCESSING') {
      if (!(await markPolled(knex, grant.id, clock.nowMs(), waitMs))) return tooFast
      return { status: 200, body: { continue: continueBody(config, grant, config.WAIT_SECONDS) } }
    }
    return (await issue(grant)) ?? fail(401, 'request_denied', 'grant cannot be continued')
  }

  async function continueAfterInteraction(grant: Grant, ref: string): Promise<ApiAnswer | GnapFailure> {
    const interaction = isUuid(ref) ? await findInteractionByRef(knex, ref) : undefined
    if (!interaction || interaction.grantId !== grant.id || isRejected(grant)) {
      return fail(404, 'invalid_continuation', 'grant not found')
    }
    if (isTooFast(grant)) return fail(400, 'too_fast', 'continued grant faster than "wait" period')
    return (await issue(grant)) ?? fail(401, 'request_denied', 'grant interaction not approved')
  }

  /** Ends an approved grant by issuing what it is about; undefined where it is not approved, or not any more. */
  async function issue(grant: Grant): Promise<ApiAnswer | undefined> {
    const [access, subjects] = await Promise.all([findAccess(knex, grant.id), findSubjects(knex, grant.id)])
    const nowMs = clock.nowMs()
    const issued = await database.transaction(async (trx) => {
      if (!(await markIssued(trx, grant.id, nowMs))) return undefined
      if (access.length === 0) return { token: undefined }
      const expiresIn = config.ACCESS_TOKEN_EXPIRY_SECONDS
      return { token: await insertToken(trx, { random, grantId: grant.id, expiresIn, nowMs }) }
    })
    if (!issued) return undefined
    return {
      status: 200,
      body: {
        ...(issued.token && { access_token: accessTokenBody(config, issued.token, access) }),
        ...(subjects.length > 0 && { subject: { sub_ids: subjects } }),
        continue: continueBody(config, grant)
      }
    }
  }

  /** `DELETE /continue/:id`: the client gives the grant up, with all its tokens (section 5.4). */
  async function cancelGrant(request: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const token = readGnapToken(request.headers.authorization)
    if (token === undefined) return fail(401, 'invalid_request', 'invalid continuation information')
    const grant = await findContinued(request, token)
    if (isFailure(grant)) return grant
    const revoked = await database.transaction((trx) => revokeGrant(trx, grant.id, clock.nowMs()))
    return revoked ? { status: 204 } : fail(404, 'invalid_request', 'invalid grant')
  }

  return { continueGrant, cancelGrant }
}
