import { readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { AnyValidateFunction } from 'ajv/dist/core.js'
import formats from 'ajv-formats'
import type { Database } from '../../runtime/index.ts'

/** What a receiver is sent. */
export interface WebhookBody {
  id: string
  type: string
  data: Record<string, unknown>
}

interface Document {
  webhooks: Record<string, { post: { requestBody: { content: { 'application/json': { schema: object } } } } }>
  components: object
}

/** The published description of our webhooks (OpenAPI 3.1). */
export const webhooksDocument = JSON.parse(
  readFileSync(new URL('../../../fixtures/contract/webhooks.json', import.meta.url), 'utf8')
) as Document

/**
 * Holds webhooks to `fixtures/contract/webhooks.json`.
 *
 * @returns what is wrong with a body, and where; undefined where it is as the document says
 */
export function createWebhookCheck(): (body: WebhookBody) => string | undefined {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  const checks = new Map<string, AnyValidateFunction>()
  for (const [type, { post }] of Object.entries(webhooksDocument.webhooks)) {
    const { schema } = post.requestBody.content['application/json']
    checks.set(type, ajv.compile({ ...schema, components: webhooksDocument.components }))
  }
  return (body) => {
    const check = checks.get(body.type)
    if (check === undefined) return `${String(body.type)} is no type of webhook`
    const { type } = body
    return check(body) ? undefined : `${type}: ${ajv.errorsText(check.errors, { dataVar: 'body' })}`
  }
}

/** @throws when an event that was written is not as the document says. For the end of a test's database. */
export async function checkWrittenEvents({ knex }: Pick<Database, 'knex'>): Promise<void> {
  const check = createWebhookCheck()
  const events = await knex<WebhookBody>('webhookEvents').orderBy('sequence').select('id', 'type', 'data')
  const problems = events.flatMap((event) => check(event) ?? [])
  if (problems.length > 0)
    throw new Error(`webhooks are not as fixtures/contract/webhooks.json says:\n${problems.join('\n')}`)
}
