import { z } from 'zod'
import type { HttpClient } from '../../../runtime/index.ts'

/** Kratos' admin API refused, or does not answer: with what it said. */
export class KratosAdminError extends Error {
  override name = 'KratosAdminError'
}

export interface KratosUsers {
  /** Makes an identity; gives the link by which its owner sets a password, good for 12 h. @throws KratosAdminError */
  invite(email: string): Promise<string>
  /** @throws KratosAdminError, also where there is none */
  delete(email: string): Promise<void>
}

const LINK_LIFETIME = '12h'
const TIMEOUT_MS = 10_000
const identity = z.object({ id: z.string() })

/** Identities of Ory Kratos by its admin API (v0.13). `adminUrl` is its base, with or without `/admin`. */
export function createKratosUsers(adminUrl: string, http: Pick<HttpClient, 'request'>): KratosUsers {
  const base = `${adminUrl.replace(/\/+$/, '').replace(/\/admin$/, '')}/admin`

  async function call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown
  ): Promise<{ status: number; text: string }> {
    const answer = await http
      .request({
        method,
        url: `${base}${path}`,
        headers: { accept: 'application/json', 'content-type': 'application/json' },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        timeoutMs: TIMEOUT_MS
      })
      .catch((error: Error) => {
        throw new KratosAdminError(`Ory Kratos does not answer at ${base}: ${error.message}`, {
          cause: error
        })
      })
    return { status: answer.status, text: answer.body.toString('utf8') }
  }

  function read<Schema extends z.ZodType>(
    schema: Schema,
    what: string,
    answer: { status: number; text: string }
  ) {
    if (answer.status === 200 || answer.status === 201) {
      const parsed = schema.safeParse(JSON.parse(answer.text))
      if (parsed.success) return parsed.data
    }
    throw new KratosAdminError(`${what}: Ory Kratos answered ${answer.status} ${answer.text.slice(0, 300)}`)
  }

  async function find(email: string): Promise<string | undefined> {
    const query = new URLSearchParams({ credentials_identifier: email })
    const found = read(
      z.array(identity),
      `${email} cannot be looked up`,
      await call('GET', `/identities?${query.toString()}`)
    )
    return found[0]?.id
  }

  return {
    async invite(email) {
      const id =
        (await find(email)) ??
        read(
          identity,
          `${email} cannot be invited`,
          await call('POST', '/identities', { schema_id: 'default', traits: { email } })
        ).id
      const { recovery_link: link } = read(
        z.object({ recovery_link: z.url() }),
        `no link can be made for ${email}`,
        await call('POST', '/recovery/link', { identity_id: id, expires_in: LINK_LIFETIME })
      )
      return link
    },
    async delete(email) {
      const id = await find(email)
      if (id === undefined) throw new KratosAdminError(`there is no account of ${email}`)
      const { status, text } = await call('DELETE', `/identities/${id}`)
      if (status !== 204)
        throw new KratosAdminError(`${email} cannot be deleted: ${status} ${text.slice(0, 300)}`)
    }
  }
}
