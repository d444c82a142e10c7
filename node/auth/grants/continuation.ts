import type { ApiAnswer, ApiRequest } from '../api.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { fail, isFailure } from '../errors.ts'
import type { GnapFailure } from '../errors.ts'
import { areSecretsEqual, isUuid, readGnapToken } from '../secrets.ts'
import { newToken } from '../tokens/store.ts'
import { accessTokenBody, continueBody } from './bodies.ts'
import type { ClientAuthenticator } from './client.ts'
import { isRejected, isRevoked } from './model.ts'
import type { Grant } from './model.ts'
import { findContinuedGrant, issueGrant, markPolled, revokeGrant } from './store.ts'
import type { ContinuedGrant } from './store.ts'

/** The handlers of `/continue/:id` (RFC 9635 section 5). */
export function createContinuationHandlers(dependencies: AuthDependencies, clients: ClientAuthenticator) {
  const { config, database, clock, random } = dependencies
  const { knex } = database
  const waitMs = config.WAIT_SECONDS * 1000

  /** The grant that a request continues: its continuation token and its client's signature must hold. */
  async function findContinued(
    request: ApiRequest,
    token: string,
    interactRef?: string
  ): Promise<ContinuedGrant | GnapFailure> {
    const { id } = request.params
    const ref = isUuid(interactRef) ? interactRef : undefined
    const found = isUuid(id) ? await findContinuedGrant(knex, id, ref) : undefined
    if (!found || !areSecretsEqual(token, found.grant.continueToken) || isRevoked(found.grant)) {
      return fail(401, 'invalid_continuation', 'invalid grant')
    }
    return (await clients.authenticate(request, found.grant.client)) ?? found
  }

  const isTooFast = (grant: Grant): boolean => grant.lastContinuedAt.getTime() + waitMs > clock.nowMs()

  /**
   * `POST /continue/:id`: with an interaction reference after the interaction (section 5.1), without a body while
   * it lasts (section 5.2).
   */
  async function continueGrant(request: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const token = readGnapToken(request.headers.authorization)
    if (token === undefined) return fail(401, 'invalid_continuation', 'missing continuation information')
    const interactRef = (request.body as { interact_ref?: string } | undefined)?.interact_ref
    const found = await findContinued(request, token, interactRef)
    if (isFailure(found)) return found
    if (request.body === undefined) return poll(found)
    if (!interactRef) return fail(401, 'invalid_request', 'missing interaction reference')
    return continueAfterInteraction(found)
  }

  async function poll(found: ContinuedGrant): Promise<ApiAnswer | GnapFailure> {
    const { grant } = found
    const tooFast = fail(400, 'too_fast', 'polled grant faster than "wait" period')
    if (isTooFast(grant)) return tooFast
    if (grant.finish) return fail(401, 'request_denied', 'grant cannot be polled')
    if (grant.state === 'PENDING' || grant.state === 'PROCESSING') {
      if (!(await markPolled(knex, grant.id, clock.nowMs(), waitMs))) return tooFast
      return { status: 200, body: { continue: continueBody(config, grant, config.WAIT_SECONDS) } }
    }
    return (await issue(found)) ?? fail(401, 'request_denied', 'grant cannot be continued')
  }

  async function continueAfterInteraction(found: ContinuedGrant): Promise<ApiAnswer | GnapFailure> {
    const { grant, hasInteraction } = found
    if (!hasInteraction || isRejected(grant)) {
      return fail(404, 'invalid_continuation', 'grant not found')
    }
    if (isTooFast(grant)) return fail(400, 'too_fast', 'continued grant faster than "wait" period')
    return (await issue(found)) ?? fail(401, 'request_denied', 'grant interaction not approved')
  }

  /** Ends an approved grant by issuing what it is about; undefined where it is not approved, or not any more. */
  async function issue({ grant, access, subjects }: ContinuedGrant): Promise<ApiAnswer | undefined> {
    const nowMs = clock.nowMs()
    const expiresIn = config.ACCESS_TOKEN_EXPIRY_SECONDS
    const token = access.length === 0 ? undefined : newToken({ random, grantId: grant.id, expiresIn, nowMs })
    if (!(await issueGrant(knex, grant.id, token, nowMs))) return undefined
    return {
      status: 200,
      body: {
        ...(token && { access_token: accessTokenBody(config, token, access) }),
        ...(subjects.length > 0 && { subject: { sub_ids: subjects } }),
        continue: continueBody(config, grant)
      }
    }
  }

  /** `DELETE /continue/:id`: the client gives the grant up, with all its tokens (section 5.4). */
  async function cancelGrant(request: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const token = readGnapToken(request.headers.authorization)
    if (token === undefined) return fail(401, 'invalid_request', 'invalid continuation information')
    const found = await findContinued(request, token)
    if (isFailure(found)) return found
    const { grant } = found
    const revoked = await database.transaction((trx) => revokeGrant(trx, grant.id, clock.nowMs()))
    return revoked ? { status: 204 } : fail(404, 'invalid_request', 'invalid grant')
  }

  return { continueGrant, cancelGrant }
}
