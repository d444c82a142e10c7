import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startTestAuth } from '../testing.ts'
import type { AuthHarness, JsonAnswer } from '../testing.ts'
import { refusalOf } from '../testing-grants.ts'

const TENANT = {
  id: '22222222-2222-4222-8222-222222222222',
  apiSecret: 'secret',
  idpConsentUrl: 'https://idp.example/',
  idpSecret: 'idp'
}

describe('the service API', () => {
  let harness: AuthHarness
  beforeAll(async () => {
    harness = await startTestAuth(inject('postgresUrl'))
  })
  afterAll(() => harness.close())

  const call = (method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown) =>
    harness.send('serviceApi', method, path, { ...(body !== undefined && { body }) })

  it('creates a tenant, and again where the first answer was lost', async () => {
    expect((await call('POST', '/tenant', TENANT)).status).toBe(204)
    expect((await call('POST', '/tenant', TENANT)).status).toBe(204)
    expect(refusalOf(await call('POST', '/tenant', { ...TENANT, apiSecret: 'other' }))).toEqual([
      409,
      'invalid_request',
      'a tenant with this id exists already'
    ])
  })

  it('changes what is given and nothing else', async () => {
    expect((await call('PATCH', `/tenant/${TENANT.id}`, { idpSecret: 'new' })).status).toBe(204)
    const rows = await harness.sql(
      'SELECT id, "apiSecret", "idpConsentUrl", "idpSecret" FROM tenants WHERE id = ?',
      [TENANT.id]
    )
    expect(rows).toEqual([{ ...TENANT, idpSecret: 'new' }])
  })

  it('ignores a change that was told before a later one, and arrives after it', async () => {
    const change = (idpSecret: string, revision?: number) =>
      call('PATCH', `/tenant/${TENANT.id}`, { idpSecret, ...(revision !== undefined && { revision }) })
    const secret = async () =>
      (await harness.sql('SELECT "idpSecret" FROM tenants WHERE id = ?', [TENANT.id]))[0]
    for (const [idpSecret, revision, then] of [
      ['third', 3, 'third'],
      ['second', 2, 'third'],
      ['again', 3, 'third'],
      ['fourth', 4, 'fourth'],
      // A backend that does not count.
      ['any', undefined, 'any']
    ] as const) {
      expect((await change(idpSecret, revision)).status).toBe(204)
      expect(await secret()).toEqual({ idpSecret: then })
    }
    expect((await change('x', -1)).status).toBe(400)
  })

  it('deletes a tenant once', async () => {
    const remove = () => call('DELETE', `/tenant/${TENANT.id}`, { deletedAt: '2026-01-01T00:00:00.000Z' })
    expect((await remove()).status).toBe(204)
    expect((await remove()).status).toBe(404)
    expect((await call('PATCH', `/tenant/${TENANT.id}`, { idpSecret: 'x' })).status).toBe(404)
    expect((await call('POST', '/tenant', TENANT)).status).toBe(409)
  })

  it.each<[string, () => Promise<JsonAnswer>, number]>([
    ['a tenant without id', () => call('POST', '/tenant', { ...TENANT, id: undefined }), 400],
    ['an id that is no UUID', () => call('POST', '/tenant', { ...TENANT, id: '1' }), 400],
    ['an empty secret', () => call('POST', '/tenant', { ...TENANT, apiSecret: '' }), 400],
    ['a consent URL that is none', () => call('POST', '/tenant', { ...TENANT, idpConsentUrl: 'x' }), 400],
    [
      'a consent URL that runs code',
      () => call('POST', '/tenant', { ...TENANT, idpConsentUrl: 'javascript:alert(1)' }),
      400
    ],
    ['malformed JSON', () => call('POST', '/tenant', '{'), 400],
    ['no body', () => call('POST', '/tenant'), 400],
    ['a change of a tenant nobody knows', () => call('PATCH', '/tenant/x', { idpSecret: 'x' }), 404],
    ['a deletion without date', () => call('DELETE', `/tenant/${TENANT.id}`, {}), 400],
    ['a deletion at no date', () => call('DELETE', `/tenant/${TENANT.id}`, { deletedAt: 'now' }), 400],
    [
      'a deletion at a date that no database holds',
      () => call('DELETE', `/tenant/${TENANT.id}`, { deletedAt: '-271821-04-20T00:00:00Z' }),
      400
    ]
  ])('refuses %s', async (_, request, status) => {
    const [answered, code] = refusalOf(await request())
    expect([answered, code]).toEqual([status, 'invalid_request'])
  })
})
