import { refuse } from './errors.ts'
import type { Refusal } from './errors.ts'

/** A longer request body is answered 413. */
export const MAX_BODY_BYTES = 1_048_576

/** The JSON of a body; undefined for an empty one. Whether it may be there at all is the OpenAPI document's matter. */
export function parseBody(body: Buffer): { json: unknown } | Refusal {
  if (body.length === 0) return { json: undefined }
  try {
    return { json: JSON.parse(body.toString('utf8')) as unknown }
  } catch (error) {
    return refuse(400, `The body is not JSON: ${(error as Error).message}`)
  }
}
