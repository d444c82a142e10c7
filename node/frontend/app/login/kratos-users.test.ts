import { describe, expect, it } from 'vitest'
import { createKratosUsers, KratosAdminError } from './kratos-users.ts'

/** Kratos' admin API as it is documented, with the identities that it is given. */
function setUp(identities: { id: string; email: string }[]) {
  const asked: string[] = []
  const json = (status: number, body: unknown) =>
    Promise.resolve({
      status,
      headers: {},
      body: Buffer.from(body === undefined ? '' : JSON.stringify(body))
    })
  const users = createKratosUsers('http://kratos:4434/admin/', {
    request({ method, url, body }) {
      const { pathname, searchParams } = new URL(url)
      asked.push(`${method} ${pathname} ${body === undefined ? '' : String(body)}`.trim())
      if (method === 'GET') {
        const email = searchParams.get('credentials_identifier')
        return json(
          200,
          identities.filter((each) => each.email === email).map(({ id }) => ({ id }))
        )
      }
      if (pathname === '/admin/identities') return json(201, { id: 'new' })
      if (pathname === '/admin/recovery/link')
        return json(200, { recovery_link: 'https://login.example/r?t=1' })
      if (method === 'DELETE') return json(204, undefined)
      return json(404, { error: 'no such route' })
    }
  })
  return { users, asked }
}

describe('people who may log in', () => {
  it('are invited by a link that is good for 12 hours', async () => {
    const { users, asked } = setUp([])
    expect(await users.invite('ops@example.com')).toBe('https://login.example/r?t=1')
    expect(asked).toEqual([
      'GET /admin/identities',
      'POST /admin/identities {"schema_id":"default","traits":{"email":"ops@example.com"}}',
      'POST /admin/recovery/link {"identity_id":"new","expires_in":"12h"}'
    ])
  })

  it('are invited again by another link, with the account that they have', async () => {
    const { users, asked } = setUp([{ id: 'a1', email: 'ops@example.com' }])
    await users.invite('ops@example.com')
    expect(asked[1]).toBe('POST /admin/recovery/link {"identity_id":"a1","expires_in":"12h"}')
  })

  it('are deleted; who is not there is said so', async () => {
    const { users, asked } = setUp([{ id: 'a1', email: 'ops@example.com' }])
    await users.delete('ops@example.com')
    expect(asked.at(-1)).toBe('DELETE /admin/identities/a1')
    await expect(users.delete('nobody@example.com')).rejects.toThrow(KratosAdminError)
  })
})
