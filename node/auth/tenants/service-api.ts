import type Koa from 'koa'
import { z } from 'zod'
import { createApp, jsonRoute } from '../api.ts'
import type { ApiAnswer, ApiRequest } from '../api.ts'
import type { AuthDependencies } from '../dependencies.ts'
import { fail } from '../errors.ts'
import type { GnapFailure } from '../errors.ts'
import { isUuid } from '../secrets.ts'
import { deleteTenant, insertTenant, updateTenant } from './store.ts'

/** Where browsers are sent. */
const url = z
  .string()
  .refine(
    (text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol),
    'an http(s) URL is needed'
  )
const secret = z.string().min(1)
/** Counts the backend's changes of a tenant; left out by backends that do not count. */
const revision = z.int().min(0).max(2_147_483_647).optional()

const newTenant = z.object({
  id: z.string().refine(isUuid, 'a UUID is needed'),
  apiSecret: secret,
  idpConsentUrl: url.nullish(),
  idpSecret: secret.nullish(),
  revision
})
const tenantChanges = z.object({
  apiSecret: secret.optional(),
  idpConsentUrl: url.nullish(),
  idpSecret: secret.nullish(),
  revision
})
const deletion = z.object({
  deletedAt: z.string().refine((text) => Date.parse(text) >= 0, 'a date since 1970 is needed')
})

/** The service API: the backend tells of its tenants. For the internal network: it asks nobody who they are. */
export function createServiceApp(dependencies: AuthDependencies): Koa {
  const { clock, database } = dependencies
  const { knex } = database
  const unknown = fail(404, 'invalid_request', 'unknown tenant')

  async function create({ body }: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const parsed = newTenant.safeParse(body)
    if (!parsed.success) return malformed(parsed.error)
    const { id, apiSecret, idpConsentUrl = null, idpSecret = null, revision = 0 } = parsed.data
    const tenant = { id: id.toLowerCase(), apiSecret, idpConsentUrl, idpSecret, revision }
    const inserted = await insertTenant(knex, tenant, clock.nowMs())
    return inserted ? { status: 204 } : fail(409, 'invalid_request', 'a tenant with this id exists already')
  }

  async function update({ params, body }: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const parsed = tenantChanges.safeParse(body)
    if (!parsed.success) return malformed(parsed.error)
    if (!isUuid(params.id)) return unknown
    const changes = Object.fromEntries(
      Object.entries(parsed.data).filter(([, value]) => value !== undefined)
    ) as Parameters<typeof updateTenant>[2]
    return (await updateTenant(knex, params.id, changes, clock.nowMs())) ? { status: 204 } : unknown
  }

  async function remove({ params, body }: ApiRequest): Promise<ApiAnswer | GnapFailure> {
    const parsed = deletion.safeParse(body)
    if (!parsed.success) return malformed(parsed.error)
    if (!isUuid(params.id)) return unknown
    const deletedAt = new Date(parsed.data.deletedAt)
    return (await deleteTenant(knex, params.id, deletedAt, clock.nowMs())) ? { status: 204 } : unknown
  }

  return createApp(dependencies, (router) => {
    router.post('/tenant', jsonRoute(create))
    router.patch('/tenant/:id', jsonRoute(update))
    router.delete('/tenant/:id', jsonRoute(remove))
  })
}

function malformed(error: z.ZodError): GnapFailure {
  return fail(400, 'invalid_request', z.prettifyError(error))
}
