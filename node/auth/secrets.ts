import { createHash, timingSafeEqual } from 'node:crypto'
import type { Random } from '../runtime/index.ts'

/** An access token or continuation token: 10 random bytes as upper-case hex. */
export function createTokenValue(random: Random): string {
  return random.bytes(10).toString('hex').toUpperCase()
}

/** An interaction's nonce: 8 random bytes as upper-case hex. */
export function createInteractionNonce(random: Random): string {
  return random.bytes(8).toString('hex').toUpperCase()
}

/** Whether two secrets are equal, in a time that depends on neither's content or length. */
export function areSecretsEqual(given: string, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(expected))
}

/** The token of an `Authorization: GNAP …` header. */
export function readGnapToken(authorization: string | string[] | undefined): string | undefined {
  if (typeof authorization !== 'string') return undefined
  return /^GNAP ([A-Za-z0-9\-._~+/]{1,512}=*)$/.exec(authorization)?.[1]
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Whether PostgreSQL takes the text as a uuid: ids of callers are checked before they reach a query. */
export function isUuid(text: unknown): text is string {
  return typeof text === 'string' && UUID.test(text)
}
