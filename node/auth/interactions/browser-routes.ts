import type { Context } from 'koa'
import type { AuthDependencies } from '../dependencies.ts'
import { errorBody, fail } from '../errors.ts'
import type { GnapErrorCode, GnapFailure } from '../errors.ts'
import { isRejected, isRevoked } from '../grants/model.ts'
import type { Grant } from '../grants/model.ts'
import { approveGrant, findGrant, rejectGrant } from '../grants/store.ts'
import { identityProviderOf } from '../tenants/store.ts'
import { createInteractionHash, withQuery } from './finish.ts'
import { isExpired } from './model.ts'
import { createInteractionSessions } from './session.ts'
import { findInteraction } from './store.ts'
import type { InteractionContext } from './store.ts'

/** What the browser is answered: somewhere else to go, a refusal, or just a status. */
type BrowserAnswer = { location: string } | { status: number } | GnapFailure

/** The routes of the account holder's browser: `/interact/:id/:nonce` and `…/finish` (RFC 9635 section 4). */
export function createBrowserRoutes(dependencies: AuthDependencies) {
  const { config, clock, logger, random, database } = dependencies
  const { knex } = database
  const sessions = createInteractionSessions(dependencies)

  /** Begins the browser's session and sends it to the identity provider. */
  async function start(ctx: Context, id: string, nonce: string): Promise<BrowserAnswer> {
    const found = await findInteraction(knex, id, nonce)
    if (!found) return fail(400, 'unknown_interaction', 'unknown interaction')
    const { interaction, grant, tenant } = found
    const provider = identityProviderOf(tenant)
    if (interaction.state !== 'PENDING' || grant.state !== 'PENDING' || !provider) {
      return refuse(grant, 403, 'invalid_interaction', 'invalid interaction')
    }
    if (isExpired(interaction, clock.nowMs())) {
      return refuse(grant, 403, 'invalid_interaction', 'interaction expired')
    }
    try {
      await sessions.begin(ctx, nonce)
    } catch (error) {
      if (!grant.finish) throw error
      const errorId = random.uuid()
      logger.error(
        { err: error, errorId, interactionId: id },
        'the session of an interaction could not be begun'
      )
      return refuse(grant, 500, 'request_denied', 'internal server error')
    }
    const { clientName } = interaction
    const clientUri = 'walletAddress' in grant.client ? grant.client.walletAddress : ''
    return { location: withQuery(provider.consentUrl, { interactId: id, nonce, clientName, clientUri }) }
  }

  /** Carries the account holder's decision over to the grant and sends the browser back to the client. */
  async function finish(ctx: Context, id: string, nonce: string): Promise<BrowserAnswer> {
    const found = await findInteraction(knex, id, nonce)
    if (!found) return fail(404, 'unknown_interaction', 'unknown interaction')
    const { interaction, grant } = found
    if (isExpired(interaction, clock.nowMs())) {
      return refuse(grant, 401, 'invalid_interaction', 'interaction expired')
    }
    if (!(await sessions.hasBegun(ctx, nonce))) return fail(401, 'invalid_request', 'invalid session')
    if (isRevoked(grant)) return refuse(grant, 404, 'unknown_interaction', 'unknown interaction')
    switch (interaction.state) {
      case 'APPROVED':
        return finishApproved(found)
      case 'DENIED':
        return finishDenied(found)
      case 'PENDING':
        return grant.finish
          ? { location: withQuery(grant.finish.uri, { result: 'grant_invalid' }) }
          : fail(401, 'invalid_interaction', 'interaction is not active')
    }
  }

  async function finishApproved({ interaction, grant }: InteractionContext): Promise<BrowserAnswer> {
    if (!(await approveGrant(knex, grant.id, clock.nowMs()))) {
      // A browser that comes twice is answered twice; a grant that ended meanwhile is not.
      const ended = await findGrant(knex, grant.id)
      if (!ended || isRevoked(ended) || isRejected(ended)) {
        return refuse(grant, 404, 'unknown_interaction', 'unknown interaction')
      }
    }
    if (!grant.finish) return { status: 202 }
    const hash = createInteractionHash({
      clientNonce: grant.finish.nonce,
      interactionNonce: interaction.nonce,
      interactRef: interaction.ref,
      grantEndpoint: `${config.AUTH_SERVER_URL}/${grant.tenantId}`
    })
    return { location: withQuery(grant.finish.uri, { hash, interact_ref: interaction.ref }) }
  }

  async function finishDenied({ grant }: InteractionContext): Promise<BrowserAnswer> {
    await rejectGrant(knex, grant.id, clock.nowMs())
    if (!grant.finish) return { status: 202 }
    return { location: withQuery(grant.finish.uri, { result: 'grant_rejected' }) }
  }

  return {
    start: browserRoute(start),
    finish: browserRoute(finish)
  }
}

/** Tells the client by the browser's redirect where it has an address for it, else the browser itself. */
function refuse(grant: Grant, status: number, code: GnapErrorCode, message: string): BrowserAnswer {
  if (grant.finish) return { location: withQuery(grant.finish.uri, { result: code, message }) }
  return fail(status, code, message)
}

function browserRoute(handler: (ctx: Context, id: string, nonce: string) => Promise<BrowserAnswer>) {
  return async (ctx: Context): Promise<void> => {
    const { id, nonce } = (ctx as unknown as { params: { id: string; nonce: string } }).params
    const answer = await handler(ctx, id, nonce)
    ctx.set('cache-control', 'no-store')
    ctx.set('referrer-policy', 'no-referrer')
    if ('location' in answer) {
      ctx.status = 302
      ctx.set('location', answer.location)
      ctx.body = ''
    } else if ('ok' in answer) {
      ctx.status = answer.status
      ctx.body = errorBody(answer)
    } else {
      ctx.status = answer.status
      ctx.body = ''
    }
  }
}
