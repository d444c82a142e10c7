import { describe, expect, it } from 'vitest'
import { createKratos, KratosUnreachableError } from './kratos.server.ts'

/** Answers of the documented API, by path; what was asked is kept. */
function setUp(answers: Record<string, { status: number; body: unknown }>) {
  const asked: { url: string; cookie: string | undefined }[] = []
  const kratos = createKratos(
    {
      KRATOS_CONTAINER_PUBLIC_URL: 'http://kratos:4433/',
      KRATOS_BROWSER_PUBLIC_URL: 'https://login.example'
    },
    {
      request({ url, headers }) {
        asked.push({ url, cookie: (headers as Record<string, string> | undefined)?.cookie })
        const { pathname } = new URL(url)
        const answer = answers[pathname]
        if (!answer) return Promise.reject(new Error('connection refused'))
        return Promise.resolve({
          status: answer.status,
          headers: {},
          body: Buffer.from(JSON.stringify(answer.body))
        })
      }
    }
  )
  return { kratos, asked }
}

const identity = { id: 'a1', traits: { email: 'ops@example.com' } }

describe('Ory Kratos', () => {
  it('knows who is logged in by the browser’s cookies', async () => {
    const { kratos, asked } = setUp({ '/sessions/whoami': { status: 200, body: { active: true, identity } } })
    expect(await kratos.whoami('ory_kratos_session=x')).toEqual({ subject: 'a1', name: 'ops@example.com' })
    expect(asked).toEqual([{ url: 'http://kratos:4433/sessions/whoami', cookie: 'ory_kratos_session=x' }])
  })

  it.each([
    ['no session', 401, { error: {} }],
    ['a second factor that is missing', 403, { error: {} }],
    ['a session that ended', 200, { active: false, identity }]
  ])('lets nobody in with %s', async (_, status, body) => {
    const { kratos } = setUp({ '/sessions/whoami': { status, body } })
    expect(await kratos.whoami('x=y')).toBeUndefined()
  })

  it('is not asked where there is no cookie', async () => {
    const { kratos, asked } = setUp({})
    expect(await kratos.whoami(null)).toBeUndefined()
    expect(asked).toEqual([])
  })

  it('that is down, or answers something else, lets nobody in', async () => {
    await expect(setUp({}).kratos.whoami('x=y')).rejects.toThrow(KratosUnreachableError)
    const odd = setUp({ '/sessions/whoami': { status: 200, body: { hello: 1 } } })
    await expect(odd.kratos.whoami('x=y')).rejects.toThrow(KratosUnreachableError)
    const ill = setUp({ '/sessions/whoami': { status: 500, body: {} } })
    await expect(ill.kratos.whoami('x=y')).rejects.toThrow(/500/)
  })

  it('begins flows where browsers reach it, and reads them inside', async () => {
    const ui = { action: 'https://login.example/self-service/login?flow=f', method: 'POST', nodes: [] }
    const { kratos, asked } = setUp({
      '/self-service/login/flows': { status: 200, body: { id: 'f', ui } },
      '/self-service/settings/flows': { status: 410, body: {} }
    })
    expect(kratos.beginUrl('login', 'https://ui.example/peers')).toBe(
      'https://login.example/self-service/login/browser?return_to=https%3A%2F%2Fui.example%2Fpeers'
    )
    expect(await kratos.flow('login', 'f&x', 'c=1')).toMatchObject({
      id: 'f',
      ui: { nodes: [], messages: [] }
    })
    expect(asked[0]!.url).toBe('http://kratos:4433/self-service/login/flows?id=f%26x')
    expect(await kratos.flow('settings', 'old', null)).toBeUndefined()
  })

  it('says where it logs out, and what went wrong', async () => {
    const { kratos } = setUp({
      '/self-service/logout/browser': { status: 200, body: { logout_url: 'https://login.example/out?t=1' } },
      '/self-service/errors': { status: 200, body: { error: { message: 'no', reason: 'because' } } }
    })
    expect(await kratos.logoutUrl('c=1')).toBe('https://login.example/out?t=1')
    expect(await kratos.error('1')).toEqual({ message: 'no', reason: 'because' })
  })
})
