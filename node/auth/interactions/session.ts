import type { Context } from 'koa'
import { publicScheme } from '../dependencies.ts'
import type { AuthDependencies } from '../dependencies.ts'

/** The cookie of a browser that started an interaction. */
export const SESSION_COOKIE = 'sessionId'
/** The record outlives the cookie, so that the cookie is what ends a session. */
const RECORD_MARGIN_MS = 10_000

/** Which interactions a browser has started. A browser may have several under way. */
export interface InteractionSessions {
  /** Notes the interaction in the browser's session, which is begun if need be. */
  begin(ctx: Context, interactionNonce: string): Promise<void>
  /** Whether this browser started the interaction. */
  hasBegun(ctx: Context, interactionNonce: string): Promise<boolean>
}

/** Sessions as a signed cookie (the application's keys sign it) and one record per interaction in the cache. */
export function createInteractionSessions({
  config,
  cache,
  clock,
  random
}: Pick<AuthDependencies, 'config' | 'cache' | 'clock' | 'random'>): InteractionSessions {
  const lifetimeMs = config.INTERACTION_EXPIRY_SECONDS * 1000
  const secure = publicScheme(config) === 'https:'
  const recordKey = (sessionId: string, nonce: string) => `session:${sessionId}:${nonce}`

  return {
    async begin(ctx, interactionNonce) {
      const sessionId = ctx.cookies.get(SESSION_COOKIE, { signed: true }) ?? random.uuid()
      await cache.set(recordKey(sessionId, interactionNonce), 'begun', lifetimeMs + RECORD_MARGIN_MS)
      ctx.cookies.secure = secure // the public URL decides, not the hop from a proxy
      ctx.cookies.set(SESSION_COOKIE, sessionId, {
        signed: true,
        httpOnly: true,
        secure,
        overwrite: true,
        expires: new Date(clock.nowMs() + lifetimeMs),
        ...(config.INTERACTION_COOKIE_SAME_SITE && { sameSite: config.INTERACTION_COOKIE_SAME_SITE })
      })
    },
    async hasBegun(ctx, interactionNonce) {
      const sessionId = ctx.cookies.get(SESSION_COOKIE, { signed: true })
      if (sessionId === undefined) return false
      return (await cache.get(recordKey(sessionId, interactionNonce))) !== undefined
    }
  }
}
