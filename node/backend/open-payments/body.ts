import type { IncomingMessage } from 'node:http'
import { refuse } from './errors.ts'
import type { Refusal } from './errors.ts'

/** A longer request body is answered 413. */
export const MAX_BODY_BYTES = 1_048_576

/** The bytes of a request's body as they came: its digest is computed over them. */
export async function readBody(request: IncomingMessage): Promise<Buffer | Refusal> {
  const tooLong = refuse(413, `The body is longer than ${MAX_BODY_BYTES} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) return tooLong
  const chunks: Buffer[] = []
  let length = 0
  // The stream survives an early end: the refusal goes out on the same connection.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > MAX_BODY_BYTES) return tooLong
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** The JSON of a body; undefined for an empty one. Whether it may be there at all is the OpenAPI document's matter. */
export function parseBody(body: Buffer): { json: unknown } | Refusal {
  if (body.length === 0) return { json: undefined }
  try {
    return { json: JSON.parse(body.toString('utf8')) as unknown }
  } catch (error) {
    return refuse(400, `The body is not JSON: ${(error as Error).message}`)
  }
}
