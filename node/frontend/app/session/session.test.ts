import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSealer } from './sealed.ts'
import { createSessions, isCsrfToken } from './session.ts'

const SECRET = 'a secret of at least 32 characters'
const CREDENTIALS = {
  tenantId: '01900000-0000-7000-8000-000000000001',
  apiSecret: 'top secret',
  isOperator: true
}

function sessionsAt(clock: { nowMs: number }, secret = SECRET) {
  return createSessions(
    { secret, lifetimeSeconds: 60, isSecure: false, isFlashSecure: false },
    () => clock.nowMs
  )
}

/** A request with the cookie that an answer has set. */
function withCookie(setCookie: string): Request {
  return new Request('http://localhost/', { headers: { cookie: setCookie.split(';')[0]! } })
}

describe('the session', () => {
  it('comes back as it was kept, and the cookie shows nothing of it', () => {
    const sessions = sessionsAt({ nowMs: 0 })
    const { session } = sessions.read(new Request('http://localhost/'))
    const cookie = sessions.commit({ ...session, credentials: CREDENTIALS })
    expect(sessions.read(withCookie(cookie))).toEqual({
      session: { ...session, credentials: CREDENTIALS },
      hasExpired: false,
      isNew: false
    })
    const bytes = Buffer.from(cookie.split(';')[0]!.split('=')[1]!, 'base64url').toString('latin1')
    for (const part of ['top secret', CREDENTIALS.tenantId, 'apiSecret']) {
      expect(cookie).not.toContain(part)
      expect(bytes).not.toContain(part)
    }
    expect(cookie).toMatch(/; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/)
  })

  it('ends after its lifetime, and says so once', () => {
    const clock = { nowMs: 1_000 }
    const sessions = sessionsAt(clock)
    const { session } = sessions.read(new Request('http://localhost/'))
    const cookie = sessions.commit({ ...session, credentials: CREDENTIALS })
    clock.nowMs += 59_999
    expect(sessions.read(withCookie(cookie)).hasExpired).toBe(false)
    clock.nowMs += 1
    const ended = sessions.read(withCookie(cookie))
    expect(ended).toMatchObject({ hasExpired: true, isNew: true })
    expect(ended.session.credentials).toBeUndefined()
    expect(ended.session.csrfToken).not.toBe(session.csrfToken)
  })

  it('of another secret, or changed by one bit, is none', () => {
    const sessions = sessionsAt({ nowMs: 0 })
    const { session } = sessions.read(new Request('http://localhost/'))
    const cookie = sessions.commit({ ...session, credentials: CREDENTIALS })
    expect(sessionsAt({ nowMs: 0 }, `${SECRET}!`).read(withCookie(cookie)).isNew).toBe(true)
    const [name, value] = cookie.split(';')[0]!.split('=') as [string, string]
    const sealed = Buffer.from(value, 'base64url')
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const changed = Buffer.from(sealed)
        changed[bit >> 3]! ^= 1 << (bit & 7)
        const read = sessions.read(withCookie(`${name}=${changed.toString('base64url')}`))
        expect(read.isNew).toBe(true)
        expect(read.session.credentials).toBeUndefined()
      })
    )
  })

  it('is no other sealed value: a flash message put into its place says nothing', () => {
    const sessions = sessionsAt({ nowMs: 0 })
    const [, value] = sessions.commitFlash({ type: 'success', message: 'hello' }).split(';')[0]!.split('=')
    expect(sessions.read(withCookie(`__session=${value}`)).isNew).toBe(true)
  })

  it('knows its own token, and no other', () => {
    const sessions = sessionsAt({ nowMs: 0 })
    const { session } = sessions.read(new Request('http://localhost/'))
    expect(isCsrfToken(session, session.csrfToken)).toBe(true)
    for (const token of [undefined, '', `${session.csrfToken}x`, session.csrfToken.slice(1), 7, null])
      expect(isCsrfToken(session, token)).toBe(false)
  })
})

describe('sealed values', () => {
  it('are opened by the same secret and purpose alone', () => {
    fc.assert(
      fc.property(fc.json(), fc.string(), (text, junk) => {
        // JSON has no -0.
        const value: unknown = JSON.parse(JSON.stringify(JSON.parse(text)))
        const sealer = createSealer(SECRET, 'one')
        const sealed = sealer.seal(value)
        expect(sealer.open(sealed)).toEqual(value)
        expect(createSealer(SECRET, 'two').open(sealed)).toBeUndefined()
        expect(sealer.open(junk)).toBeUndefined()
      })
    )
  })
})
