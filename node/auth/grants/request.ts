import { insertTogether } from '../../sql/index.ts'
import type { ApiAnswer, ApiRequest } from '../api.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { fail, isFailure } from '../errors.ts'
import type { GnapFailure } from '../errors.ts'
import { isFinishNonce, isFinishUri, MAX_NONCE_LENGTH, withQuery } from '../interactions/finish.ts'
import type { Interaction } from '../interactions/model.ts'
import { createInteractionNonce, createTokenValue, isUuid } from '../secrets.ts'
import { findTenant, identityProviderOf } from '../tenants/store.ts'
import type { Tenant } from '../tenants/store.ts'
import { newToken } from '../tokens/store.ts'
import { checkAccess, MAX_URI_LENGTH, needsInteraction, readAccess } from './access.ts'
import { accessTokenBody, continueBody } from './bodies.ts'
import type { ClientAuthenticator } from './client.ts'
import type { AccessItem, Grant, GrantClient, Subject } from './model.ts'
import { rowsOfGrant } from './store.ts'

/** Characters of a client's public name that are shown. */
export const MAX_CLIENT_NAME_LENGTH = 200

/** The body of a grant request, as its OpenAPI document has accepted it. */
interface GrantRequestBody {
  client: string | GrantClient
  access_token?: { access: AccessItem[] }
  subject?: { sub_ids: Subject[] }
  interact?: { start: string[]; finish?: { method: string; uri: string; nonce: string } }
}

/** What is asked for, and of whom. */
interface GrantRequest {
  tenant: Tenant
  client: GrantClient
  access: AccessItem[]
  subjects: Subject[]
  interact: GrantRequestBody['interact']
}

/**
 * `POST /:tenantId`: a grant request (RFC 9635 section 2). Answers an access token where nobody must be asked,
 * else where to send the account holder's browser.
 */
export function createGrantRequestHandler(dependencies: AuthDependencies, clients: ClientAuthenticator) {
  const { config, database } = dependencies

  return async (request: ApiRequest): Promise<ApiAnswer | GnapFailure> => {
    const { tenantId } = request.params
    const tenant = isUuid(tenantId) ? await findTenant(database.knex, tenantId) : undefined
    if (!tenant) return fail(404, 'invalid_request', 'Not Found')
    const body = request.body as GrantRequestBody
    const client = readClient(body.client)
    const unauthenticated = await clients.authenticate(request, client)
    if (unauthenticated) return unauthenticated

    const requested: GrantRequest = {
      tenant,
      client,
      access: body.access_token?.access ?? [],
      subjects: (body.subject?.sub_ids ?? []).map(({ id, format }) => ({ id, format })),
      interact: body.interact
    }
    const refused = checkRequest(requested)
    if (refused) return refused
    const asked = { ...requested, access: readAccess(requested.access) }
    const isInteractive =
      asked.subjects.length > 0 || asked.access.some((item) => needsInteraction(item, config))
    return isInteractive ? startInteraction(asked) : issueAtOnce(asked)
  }

  function checkRequest({ access, subjects }: GrantRequest): GnapFailure | undefined {
    if (access.length === 0 && subjects.length === 0) {
      return fail(400, 'invalid_request', 'subject or access_token required')
    }
    if (access.some((item) => needsInteraction(item, config) && item.identifier === undefined)) {
      return fail(400, 'invalid_request', 'access identifier required')
    }
    const wrongAccess = checkAccess(access)
    if (wrongAccess !== undefined) return fail(400, 'invalid_request', wrongAccess)
    for (const { id, format } of subjects) {
      if (!isSubjectUrl(id)) return fail(400, 'invalid_request', 'subject id must be a valid https url')
      if (format !== 'uri') return fail(400, 'invalid_request', 'subject format is invalid')
    }
    return undefined
  }

  function isSubjectUrl(id: string): boolean {
    if (id.length > MAX_URI_LENGTH || !URL.canParse(id)) return false
    const { protocol } = new URL(id)
    return protocol === 'https:' || (protocol === 'http:' && config.OPEN_PAYMENTS_SCHEME === 'http')
  }

  async function issueAtOnce(asked: GrantRequest): Promise<ApiAnswer> {
    const { random } = dependencies
    const nowMs = dependencies.clock.nowMs()
    const grant = createGrant(asked, 'APPROVED', nowMs)
    const rows = rowsOfGrant(random, { grant, ...asked })
    const expiresIn = config.ACCESS_TOKEN_EXPIRY_SECONDS
    const token = newToken({ random, grantId: grant.id, expiresIn, nowMs })
    await insertTogether(database.knex, [...rows, ['accessTokens', token]])
    return {
      status: 200,
      body: {
        access_token: accessTokenBody(config, token, asked.access),
        continue: continueBody(config, grant)
      }
    }
  }

  async function startInteraction(asked: GrantRequest): Promise<ApiAnswer | GnapFailure> {
    const clientName = await checkInteraction(asked)
    if (isFailure(clientName)) return clientName
    const { random } = dependencies
    const nowMs = dependencies.clock.nowMs()
    const grant = createGrant(asked, 'PENDING', nowMs)
    const interaction: Interaction = {
      id: random.uuid(),
      grantId: grant.id,
      nonce: createInteractionNonce(random),
      ref: random.uuid(),
      state: 'PENDING',
      clientName: clientName.value,
      expiresAt: new Date(nowMs + config.INTERACTION_EXPIRY_SECONDS * 1000),
      createdAt: new Date(nowMs)
    }
    await insertTogether(database.knex, [
      ...rowsOfGrant(random, { grant, ...asked }),
      ['interactions', { ...interaction, updatedAt: interaction.createdAt }]
    ])
    const redirect = withQuery(`${config.AUTH_SERVER_URL}/interact/${interaction.id}/${interaction.nonce}`, {
      clientName: interaction.clientName,
      clientUri: (asked.client as { walletAddress: string }).walletAddress
    })
    return {
      status: 200,
      body: {
        interact: { redirect, finish: interaction.nonce },
        continue: continueBody(config, grant, config.WAIT_SECONDS)
      }
    }
  }

  /** Whether an account holder can be asked, and the client's name to show. */
  async function checkInteraction(asked: GrantRequest): Promise<{ value: string } | GnapFailure> {
    const { tenant, client, interact } = asked
    if (!interact?.start.includes('redirect')) {
      return fail(400, 'invalid_request', "missing required request field 'interact'")
    }
    if (
      interact.finish &&
      !(interact.finish.uri.length <= MAX_URI_LENGTH && isFinishUri(interact.finish.uri))
    ) {
      return fail(400, 'invalid_request', 'the finish uri is not one to redirect to')
    }
    if (interact.finish && !isFinishNonce(interact.finish.nonce)) {
      const description = `the finish nonce must have 1 to ${MAX_NONCE_LENGTH} characters, none of them control characters`
      return fail(400, 'invalid_request', description)
    }
    if (!identityProviderOf(tenant)) return fail(400, 'invalid_request', 'invalid tenant')
    if ('jwk' in client) {
      const description = 'JWK client identifier cannot be used for interactive grants'
      return fail(400, 'invalid_client', description)
    }
    const found = await dependencies.clientKeys.getWalletAddress(client.walletAddress)
    const publicName = found.ok ? toText(found.walletAddress.publicName) : undefined
    if (!publicName) return fail(400, 'invalid_client', "missing required request field 'client'")
    return { value: publicName }
  }

  function createGrant(
    { tenant, client, interact }: GrantRequest,
    state: Grant['state'],
    nowMs: number
  ): Grant {
    const { random } = dependencies
    const finish = state === 'PENDING' ? interact?.finish : undefined
    return {
      id: random.uuid(),
      tenantId: tenant.id,
      state,
      finalizationReason: null,
      client,
      continueId: random.uuid(),
      continueToken: createTokenValue(random),
      finish: finish && { uri: finish.uri, nonce: finish.nonce },
      lastContinuedAt: new Date(nowMs),
      createdAt: new Date(nowMs)
    }
  }
}

/** Who asks. Of a key what makes it one is kept: it is told to resource servers, and others may say what they like. */
function readClient(client: GrantRequestBody['client']): GrantClient {
  if (typeof client === 'string') return { walletAddress: client }
  if (!('jwk' in client)) return { walletAddress: client.walletAddress }
  const { kid, alg, kty, crv, x, use } = client.jwk
  return { jwk: { kid, alg, kty, crv, x, ...(use !== undefined && { use }) } }
}

/** A stranger's text as the database and a URL can hold it. */
function toText(text: string | undefined): string | undefined {
  return text?.replaceAll('\0', '').toWellFormed().slice(0, MAX_CLIENT_NAME_LENGTH).trim()
}
