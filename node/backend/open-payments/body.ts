import { MAX_JSON_DEPTH, parseJson } from '../../http-api/index.ts'
import { refuse } from './errors.ts'
import type { Refusal } from './errors.ts'

/** A longer request body is answered 413. */
export const MAX_BODY_BYTES = 1_048_576

/** The JSON of a body; undefined for an empty one. Whether it may be there at all is the OpenAPI document's matter. */
export function parseBody(body: Buffer): { json: unknown } | Refusal {
  if (body.length === 0) return { json: undefined }
  return parseJson(body) ?? refuse(400, `The body is not JSON: ${problemOf(body)}`)
}

function problemOf(body: Buffer): string {
  try {
    JSON.parse(body.toString('utf8'))
  } catch (error) {
    return (error as Error).message
  }
  return `it holds a NUL character, half of a surrogate pair, or more than ${MAX_JSON_DEPTH} levels`
}
