import type { ApiAnswer, ApiRequest } from '../api.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { fail, isFailure } from '../errors.ts'
import type { GnapFailure } from '../errors.ts'
import { accessTokenBody } from '../grants/bodies.ts'
import type { ClientAuthenticator } from '../grants/client.ts'
import { findAccess } from '../grants/store.ts'
import { areSecretsEqual, isUuid, readGnapToken } from '../secrets.ts'
import { findToken, replaceToken, revokeToken } from './store.ts'
import type { AccessToken } from './store.ts'

/** The handlers of `/token/:id` (RFC 9635 section 6); `:id` is the token's management id. */
export function createTokenHandlers(dependencies: AuthDependencies, clients: ClientAuthenticator) {
  const { config, database, clock, random } = dependencies

  /** The token that a request manages: it is the one presented, and its client signed. It may have expired. */
  async function findManaged(request: ApiRequest): Promise<AccessToken | GnapFailure> {
    const unknown = fail(401, 'invalid_client', 'invalid access token')
    const { id } = request.params
    const presented = readGnapToken(request.headers.authorization)
    if (presented === undefined || !isUuid(id)) return unknown
    const found = await findToken(database.knex, id)
    if (!found || !areSecretsEqual(presented, found.token.value)) return unknown
    return (await clients.authenticate(request, found.grant.client)) ?? found.token
  }

  /**
   * `POST /token/:id`: a new token in the old one's place, with a new management id and a full lifetime (section
   * 6.1). The old value is dead at once; of two rotations of one token one wins.
   */
  async function rotate(request: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const old = await findManaged(request)
    if (isFailure(old)) return old
    const access = await findAccess(database.knex, old.grantId)
    const expiresIn = config.ACCESS_TOKEN_EXPIRY_SECONDS
    const nowMs = clock.nowMs()
    const token = await database.transaction((trx) => replaceToken(trx, old, { random, expiresIn, nowMs }))
    if (!token) return fail(404, 'invalid_rotation', 'the token was rotated or revoked meanwhile')
    return { status: 200, body: { access_token: accessTokenBody(config, token, access) } }
  }

  /** `DELETE /token/:id`: the token is dead at once (section 6.2). */
  async function revoke(request: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const token = await findManaged(request)
    if (isFailure(token)) return token
    await revokeToken(database.knex, token.id, clock.nowMs())
    return { status: 204 }
  }

  return { rotate, revoke }
}
