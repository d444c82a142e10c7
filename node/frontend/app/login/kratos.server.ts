import { z } from 'zod'
import type { HttpClient } from '../../../runtime/index.ts'
import type { FrontendConfig } from '../../config.ts'
import type { User } from '../session/session.ts'

/*
 * Ory Kratos by its documented API (v0.13): sessions and self-service flows of browsers. There was none here to run it
 * against: what is tested is ours (docs/operations.md, Login to the admin UI).
 */

const TIMEOUT_MS = 10_000

/** Kratos does not answer, or answers what it is not documented to. */
export class KratosUnreachableError extends Error {
  override name = 'KratosUnreachableError'
}

/** By its name: pages are built apart from the server that makes it, and have a class of their own. */
export const isKratosUnreachable = (error: unknown): error is KratosUnreachableError =>
  error instanceof Error && error.name === 'KratosUnreachableError'

export const FLOWS = ['login', 'recovery', 'settings'] as const
export type FlowName = (typeof FLOWS)[number]

const message = z.object({ id: z.number(), text: z.string(), type: z.string() })
const node = z.object({
  type: z.string(),
  group: z.string(),
  attributes: z.looseObject({
    name: z.string().optional(),
    type: z.string().optional(),
    value: z.union([z.string(), z.number(), z.boolean()]).nullish(),
    required: z.boolean().optional(),
    disabled: z.boolean().optional(),
    autocomplete: z.string().optional()
  }),
  messages: z.array(message).default([]),
  meta: z.object({ label: message.optional() }).default({})
})
export type FlowNode = z.output<typeof node>

const flow = z.object({
  id: z.string(),
  ui: z.object({
    action: z.url(),
    method: z.string(),
    nodes: z.array(node),
    messages: z.array(message).default([])
  })
})
export type Flow = z.output<typeof flow>

const session = z.object({
  active: z.boolean().default(true),
  identity: z.object({ id: z.string(), traits: z.looseObject({ email: z.string().optional() }) })
})

export interface Kratos {
  /** Who is logged in, by the browser's cookies; undefined: nobody. @throws KratosUnreachableError */
  whoami(cookie: string | null): Promise<User | undefined>
  /** Where a flow of a browser begins; it comes back with `?flow=`. */
  beginUrl(name: FlowName, returnTo?: string): string
  /** A flow as it stands; undefined when it is over, or another browser's. @throws KratosUnreachableError */
  flow(name: FlowName, id: string, cookie: string | null): Promise<Flow | undefined>
  /** Where Kratos ends the session; undefined when there is none. @throws KratosUnreachableError */
  logoutUrl(cookie: string | null): Promise<string | undefined>
  /** What went wrong in a flow, for its error page. @throws KratosUnreachableError */
  error(id: string): Promise<{ message: string; reason: string | undefined } | undefined>
}

type KratosConfig = Pick<FrontendConfig, 'KRATOS_CONTAINER_PUBLIC_URL' | 'KRATOS_BROWSER_PUBLIC_URL'>

export function createKratos(config: KratosConfig, http: Pick<HttpClient, 'request'>): Kratos {
  const inside = config.KRATOS_CONTAINER_PUBLIC_URL!.replace(/\/+$/, '')
  const outside = config.KRATOS_BROWSER_PUBLIC_URL!.replace(/\/+$/, '')

  async function get(path: string, cookie: string | null): Promise<{ status: number; body: unknown }> {
    const { status, body } = await http
      .request({
        method: 'GET',
        url: `${inside}${path}`,
        headers: { accept: 'application/json', ...(cookie !== null && { cookie }) },
        timeoutMs: TIMEOUT_MS
      })
      .catch((error: Error) => {
        throw new KratosUnreachableError(`Ory Kratos does not answer: ${error.message}`, { cause: error })
      })
    try {
      return { status, body: JSON.parse(body.toString('utf8')) }
    } catch (cause) {
      throw new KratosUnreachableError(`Ory Kratos answered ${status} without JSON`, { cause })
    }
  }

  function read<Schema extends z.ZodType>(schema: Schema, body: unknown, status: number): z.output<Schema> {
    const parsed = status === 200 ? schema.safeParse(body) : undefined
    if (parsed?.success) return parsed.data
    throw new KratosUnreachableError(`Ory Kratos answered ${status}, which is not documented for this`)
  }

  return {
    async whoami(cookie) {
      if (cookie === null) return undefined
      const { status, body } = await get('/sessions/whoami', cookie)
      // 401: no session. 403: one that lacks a second factor.
      if (status === 401 || status === 403) return undefined
      const { active, identity } = read(session, body, status)
      if (!active) return undefined
      return { subject: identity.id, name: identity.traits.email ?? identity.id }
    },
    beginUrl(name, returnTo) {
      const url = new URL(`${outside}/self-service/${name}/browser`)
      if (returnTo !== undefined) url.searchParams.set('return_to', returnTo)
      return url.href
    },
    async flow(name, id, cookie) {
      const { status, body } = await get(
        `/self-service/${name}/flows?${new URLSearchParams({ id }).toString()}`,
        cookie
      )
      if ([401, 403, 404, 410].includes(status)) return undefined
      return read(flow, body, status)
    },
    async logoutUrl(cookie) {
      const { status, body } = await get('/self-service/logout/browser', cookie)
      if (status === 401) return undefined
      return read(z.object({ logout_url: z.url() }), body, status).logout_url
    },
    async error(id) {
      const { status, body } = await get(
        `/self-service/errors?${new URLSearchParams({ id }).toString()}`,
        null
      )
      if (status === 404 || status === 410) return undefined
      const { error } = read(
        z.object({ error: z.looseObject({ message: z.string(), reason: z.string().optional() }) }),
        body,
        status
      )
      return { message: error.message, reason: error.reason }
    }
  }
}
