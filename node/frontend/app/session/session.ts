import { randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { createSealer } from './sealed.ts'

/** With what the session calls the Admin API, and what that said of it. */
const credentials = z.object({
  tenantId: z.string(),
  apiSecret: z.string(),
  isOperator: z.boolean(),
  publicName: z.string().optional()
})
export type Credentials = z.output<typeof credentials>

/** Who logged in at the identity provider. */
const user = z.object({ subject: z.string(), name: z.string(), idToken: z.string().optional() })
export type User = z.output<typeof user>

const session = z.object({
  csrfToken: z.string(),
  /** Milliseconds since 1970. */
  expiresAtMs: z.number(),
  credentials: credentials.optional(),
  user: user.optional(),
  /** Of a login that is under way at the provider (OpenID Connect). */
  login: z
    .object({ state: z.string(), nonce: z.string(), codeVerifier: z.string(), next: z.string() })
    .optional()
})
export type Session = z.output<typeof session>

export interface ReadSession {
  session: Session
  /** There was one with credentials or a user, and its time is over. */
  hasExpired: boolean
  /** It has to be sent: the browser has none yet. */
  isNew: boolean
}

export interface Flash {
  type: 'success' | 'error'
  message: string
}
const flash = z.object({ type: z.enum(['success', 'error']), message: z.string() })

const SESSION_COOKIE = '__session'
const FLASH_COOKIE = '__message'
const FLASH_SECONDS = 60

/**
 * The session, kept by the browser alone: an encrypted cookie (facts 9.1; in the reference it is signed only). Whoever
 * has the cookie's file cannot read the API secret; a new SESSION_SECRET ends all sessions.
 */
export interface Sessions {
  read(request: Request): ReadSession
  /** The value of `Set-Cookie` that keeps this session. */
  commit(session: Session): string
  /** Forgets everything; the next page starts a new one. */
  destroy(): string
  renewed(session: Session): Session
  readFlash(request: Request): Flash | undefined
  commitFlash(message: Flash): string
  clearFlash(): string
}

export function createSessions(
  options: { secret: string; lifetimeSeconds: number; isSecure: boolean; isFlashSecure: boolean },
  nowMs: () => number
): Sessions {
  const sealer = createSealer(options.secret, 'session')
  const flashSealer = createSealer(options.secret, 'message')
  const lifetimeMs = options.lifetimeSeconds * 1_000

  const cookie = (name: string, value: string, maxAgeSeconds: number, isSecure: boolean) =>
    `${name}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${maxAgeSeconds}${isSecure ? '; Secure' : ''}`

  function fresh(): Session {
    return { csrfToken: randomBytes(24).toString('base64url'), expiresAtMs: nowMs() + lifetimeMs }
  }
  return {
    read(request) {
      const value = cookieNamed(request, SESSION_COOKIE)
      const parsed = session.safeParse(value === undefined ? undefined : sealer.open(value))
      if (!parsed.success) return { session: fresh(), hasExpired: false, isNew: true }
      const { expiresAtMs, credentials, user } = parsed.data
      if (expiresAtMs > nowMs()) return { session: parsed.data, hasExpired: false, isNew: false }
      return { session: fresh(), hasExpired: (credentials ?? user) !== undefined, isNew: true }
    },
    // The browser keeps it longer than it is good for, so that its end can be told from there never having been one.
    commit: (session) =>
      cookie(SESSION_COOKIE, sealer.seal(session), options.lifetimeSeconds * 2, options.isSecure),
    destroy: () => cookie(SESSION_COOKIE, '', 0, options.isSecure),
    renewed: (session) => ({ ...session, expiresAtMs: nowMs() + lifetimeMs }),
    readFlash(request) {
      const value = cookieNamed(request, FLASH_COOKIE)
      const parsed = flash.safeParse(value === undefined ? undefined : flashSealer.open(value))
      return parsed.success ? parsed.data : undefined
    },
    commitFlash: (message) =>
      cookie(FLASH_COOKIE, flashSealer.seal(message), FLASH_SECONDS, options.isFlashSecure),
    clearFlash: () => cookie(FLASH_COOKIE, '', 0, options.isFlashSecure)
  }
}

/** The value of a cookie of the request (RFC 6265, section 5.4). */
export function cookieNamed(request: Request, name: string): string | undefined {
  for (const part of (request.headers.get('cookie') ?? '').split(';')) {
    const [key, ...value] = part.trim().split('=')
    if (key === name) return value.join('=')
  }
  return undefined
}

/** Whether a form carries the session's token, compared in constant time. */
export function isCsrfToken(session: Session, token: unknown): boolean {
  if (typeof token !== 'string') return false
  const [expected, given] = [Buffer.from(session.csrfToken), Buffer.from(token)]
  return expected.length === given.length && timingSafeEqual(expected, given)
}
